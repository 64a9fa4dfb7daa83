//! What is told of a wait, while it lasts and at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Rounds;
use crate::event::Level;
use crate::outcome::State;
use crate::prose::{NAMES_LIMIT, counted, listed};
use crate::wait::fate::{lost, pending};
use crate::wait::watch::Counts;

impl Rounds<'_> {
    /// The time is up, or nothing more can be read: what is open stays so.
    pub(in crate::wait) fn close(&self) {
        let timeout = self.waiting.settings.timeout;
        let before = {
            let watches = &mut *self.watches.borrow_mut();
            let before = watches.counts;
            let ended = self.ended.borrow();
            let (troubles, refusals) = (self.troubles.borrow(), self.refusals.borrow());
            let silent = self.silent.borrow();
            for source in 0..watches.open.len() {
                for at in std::mem::take(&mut watches.open[source]) {
                    let watch = &watches.all[at];
                    let (state, failure) = match &*ended {
                        Some(failure) => (State::Unknown, lost(failure)),
                        None => {
                            let region = &self.waiting.plan.pairs[watch.pair].target.region;
                            let trouble = refusals
                                .get(&watch.pair)
                                .or_else(|| silent.failure(region))
                                .or(troubles[source].as_ref());
                            let failure = pending(&watch.job, &watch.target, trouble, timeout);
                            (State::Pending, failure)
                        }
                    };
                    watches.settle(self.progress, at, state, Some(failure));
                }
            }
            before
        };
        self.tell(before);
    }

    /// A line for each failure of a pair since the last time, and one that counts, where anything has changed.
    pub(super) fn tell(&self, before: Counts) {
        let watches = &mut *self.watches.borrow_mut();
        let (counts, total) = (watches.counts, watches.all.len());
        if counts == before {
            return;
        }
        let mut failed: BTreeMap<(usize, String), Vec<&str>> = BTreeMap::new();
        for at in std::mem::take(&mut watches.failed) {
            let watch = &watches.all[at];
            let why = self.progress.failure(watch.accepted.call, watch.place);
            let why = why.map(|failure| failure.to_string()).unwrap_or_default();
            failed
                .entry((watch.pair, why))
                .or_default()
                .push(watch.tag.as_str());
        }
        for ((pair, why), tags) in failed {
            let pair = &self.waiting.plan.pairs[pair];
            let line = format!(
                "{}/{} → {}: {} not synced: {} — {why}",
                pair.images.namespace,
                pair.images.repository,
                pair.target,
                counted(tags.len(), "tag"),
                listed(tags.iter().copied(), NAMES_LIMIT)
            );
            self.waiting.log(Level::Error, line);
        }
        let Counts {
            landed,
            existed,
            failed,
        } = counts;
        let known = counts.settled();
        let spent =
            humantime::format_duration(Duration::from_secs(self.started.elapsed().as_secs()));
        let line = format!(
            "[{known}/{total}] after {spent}: {landed} landed, {existed} already there, {failed} failed, {} to go",
            total - known
        );
        self.waiting.log(Level::Info, line);
    }
}
