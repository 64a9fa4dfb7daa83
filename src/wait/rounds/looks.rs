//! Looks at the tags in source and target, where the jobs do not tell.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::Rounds;
use crate::names::{Region, Tag};
use crate::swr::error::ErrorKind;
use crate::swr::reads::Place;
use crate::wait::fate::{Fate, Look};
use crate::wait::sight::Sight;
use crate::wait::watch::Watch;

impl<'a> Rounds<'a> {
    /// Looks at the tags of a repository that have to be compared and were not looked at yet. What they are is asked
    /// once: the copy is made from what was there when it was asked for.
    pub(super) async fn look_at_source(&self, source: usize) {
        let of = &self.waiting.sources[source];
        let is_wanted =
            |watch: &Watch<'_>| watch.source == Look::NotYet && self.fate(watch) == Fate::Compare;
        let wanted = self.wanted(source, is_wanted);
        if wanted.is_empty() {
            return;
        }
        let place = Place {
            region: &self.waiting.reads.client.source,
            namespace: of.namespace,
            repository: of.repository,
        };
        match Sight::of(self.waiting.reads.find_tags(place, &wanted).await) {
            Ok(sight) => self.change(source, is_wanted, |watch| {
                if wanted.binary_search(&watch.tag).is_ok() {
                    watch.source = sight.look(watch.tag);
                }
            }),
            Err(error) => self.note(source, error),
        }
    }

    /// The pairs whose tags have to be compared and are known in the source.
    pub(super) fn pairs_to_compare(&self) -> Vec<usize> {
        let watches = self.watches.borrow();
        let open = watches.open.iter().flatten().map(|&at| &watches.all[at]);
        let pairs: BTreeSet<usize> = open
            .filter(|watch| self.is_to_compare(watch))
            .map(|watch| watch.pair)
            .collect();
        pairs.into_iter().collect()
    }

    fn is_to_compare(&self, watch: &Watch<'_>) -> bool {
        matches!(watch.source, Look::Digest(_)) && self.fate(watch) == Fate::Compare
    }

    /// Looks at the tags of a pair in its target. A region that does not answer is asked once in a round, and given up
    /// after a while.
    pub(super) async fn look_at_target(&self, pair: usize) {
        let target = &self.waiting.plan.pairs[pair].target;
        let source = self.waiting.source_of[pair];
        let is_wanted = |watch: &Watch<'_>| watch.pair == pair && self.is_to_compare(watch);
        let sight = if self
            .silent
            .borrow()
            .is_silent(&target.region, self.number.get())
        {
            None
        } else {
            let wanted = self.wanted(source, is_wanted);
            let place = Place {
                region: &target.region,
                namespace: &target.namespace,
                repository: self.waiting.sources[source].repository,
            };
            match Sight::of(self.waiting.reads.find_tags(place, &wanted).await) {
                Ok(sight) => {
                    self.silent.borrow_mut().answered(&target.region);
                    Some(sight)
                }
                Err(error) if error.is_end() || error.kind == ErrorKind::Throttled => {
                    return self.note(source, error);
                }
                Err(error) => {
                    let (round, now) = (self.number.get(), Instant::now());
                    let mut silent = self.silent.borrow_mut();
                    silent.unanswered(&target.region, round, now, error.failure);
                    None
                }
            }
        };
        let Some(sight) = sight.or_else(|| self.given_up(&target.region)) else {
            return;
        };
        self.change(source, is_wanted, |watch| {
            watch.target = sight.look(watch.tag);
        });
        let mut refusals = self.refusals.borrow_mut();
        match sight {
            Sight::NoRepository(failure) => refusals.insert(pair, failure),
            Sight::Tags(_) | Sight::Unreadable(_) => refusals.remove(&pair),
        };
    }

    /// The open tags of a repository that something is wanted of, sorted, each once.
    fn wanted(&self, source: usize, is_wanted: impl Fn(&Watch<'_>) -> bool) -> Vec<&'a Tag> {
        let watches = self.watches.borrow();
        let open = watches.open[source].iter().map(|&at| &watches.all[at]);
        let wanted: BTreeSet<&Tag> = open
            .filter(|watch| is_wanted(watch))
            .map(|watch| watch.tag)
            .collect();
        wanted.into_iter().collect()
    }

    fn change(
        &self,
        source: usize,
        is_wanted: impl Fn(&Watch<'_>) -> bool,
        change: impl Fn(&mut Watch<'a>),
    ) {
        let watches = &mut *self.watches.borrow_mut();
        for &at in &watches.open[source] {
            if is_wanted(&watches.all[at]) {
                change(&mut watches.all[at]);
            }
        }
    }

    /// What there is to see in a region that has not answered for too long.
    fn given_up(&self, region: &Region) -> Option<Sight> {
        let silent = self.silent.borrow();
        let failure = silent.given_up(region, Instant::now())?;
        Some(Sight::Unreadable(failure))
    }
}
