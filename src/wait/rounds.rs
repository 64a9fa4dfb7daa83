//! The rounds of a wait: which reads are made, how often, and what is taken from them.

mod end;
mod looks;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::apply::Progress;
use crate::event::Level;
use crate::outcome::{Failure, State};
use crate::swr::error::ApiError;
use crate::wait::fate::{APPEARS, Fate, Job, Known, judge};
use crate::wait::silence::Silences;
use crate::wait::watch::{Watch, Watches};
use crate::wait::{Waiting, jobs};

/// The pause before a round: from 0.3 s, half as long again each time, up to 10 s, and up to a quarter more or less by
/// `jitter` from 0 to 1, so that jobs that began together do not poll together.
fn pause(round: u32, jitter: f64) -> Duration {
    let seconds = (0.3 * 1.5_f64.powi(i32::try_from(round).unwrap_or(i32::MAX))).min(10.0);
    Duration::from_secs_f64(seconds * (0.75 + jitter / 2.0))
}

/// The rounds of one wait.
pub(super) struct Rounds<'a> {
    waiting: &'a Waiting<'a>,
    progress: &'a Progress,
    started: Instant,
    number: Cell<u32>,
    watches: RefCell<Watches<'a>>,
    /// What went wrong with the last read of each repository.
    troubles: RefCell<Vec<Option<Failure>>>,
    /// Target regions that do not answer.
    silent: RefCell<Silences<'a>>,
    /// What the target of each pair said instead of listing tags.
    refusals: RefCell<HashMap<usize, Failure>>,
    /// Statuses that no documentation knows and that were warned of.
    unknown: RefCell<HashSet<String>>,
    /// Why nothing more can be read.
    ended: RefCell<Option<Failure>>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        waiting: &'a Waiting<'a>,
        progress: &'a Progress,
        watches: Watches<'a>,
    ) -> Self {
        Self {
            waiting,
            progress,
            started: Instant::now(),
            number: Cell::new(0),
            watches: RefCell::new(watches),
            troubles: RefCell::new(vec![None; waiting.sources.len()]),
            silent: RefCell::default(),
            refusals: RefCell::default(),
            unknown: RefCell::default(),
            ended: RefCell::default(),
        }
    }

    /// Round after round, until nothing is open, nothing can be read any more, or the time is up.
    pub(super) async fn all(&self) {
        let timeout = self.waiting.settings.timeout;
        // A round that began later would be cut.
        let reserve = Duration::from_secs(1).min(timeout / 4);
        let mut spent = Duration::ZERO;
        while self.ended.borrow().is_none() && !self.open().is_empty() {
            let number = self.number.get();
            let pause = self.until_overdue(pause(number, fastrand::f64()).max(spent));
            let rest = timeout.saturating_sub(self.started.elapsed());
            if rest <= reserve {
                return tokio::time::sleep(rest).await;
            }
            tokio::time::sleep(pause.min(rest - reserve)).await;
            spent = self.round().await;
            self.number.set(number + 1);
        }
    }

    /// One round; returns how long the lists of jobs took, so that long lists are asked for less often.
    async fn round(&self) -> Duration {
        let begun = Instant::now();
        let before = self.watches.borrow().counts;
        let waiting = self.waiting;
        let jobs = async |source| {
            self.read_jobs(source).await;
            self.judge(source);
        };
        waiting.concurrently(self.open(), jobs).await;
        let spent = begun.elapsed();
        let sources = async |source| {
            self.look_at_source(source).await;
            self.judge(source);
        };
        waiting.concurrently(self.open(), sources).await;
        let targets = async |pair: usize| {
            self.look_at_target(pair).await;
            self.judge(waiting.source_of[pair]);
        };
        waiting.concurrently(self.pairs_to_compare(), targets).await;
        self.tell(before);
        spent
    }

    /// The repositories that have open tags.
    fn open(&self) -> Vec<usize> {
        let watches = self.watches.borrow();
        let open = watches.open.iter().enumerate();
        open.filter(|(_, open)| !open.is_empty())
            .map(|(source, _)| source)
            .collect()
    }

    /// The pause, cut where a tag's job becomes overdue before its end.
    fn until_overdue(&self, pause: Duration) -> Duration {
        let watches = self.watches.borrow();
        let now = Instant::now();
        let open = watches.open.iter().flatten();
        open.map(|&at| &watches.all[at])
            .filter(|watch| matches!(watch.job, Job::NotRead | Job::Unlisted(_)))
            .map(|watch| (watch.accepted.at + APPEARS).duration_since(now))
            .filter(|rest| !rest.is_zero())
            .fold(pause, Duration::min)
    }

    /// Reads the sync jobs of a repository, page by page, until each open tag has met its job or only older jobs follow.
    async fn read_jobs(&self, source: usize) {
        let of = &self.waiting.sources[source];
        let unreadable = of.unreadable.borrow().clone();
        if let Some(failure) = unreadable {
            self.set_jobs(source, |_, _| Job::Unreadable(Arc::clone(&failure)));
            return;
        }
        let (mut unmet, since) = {
            let watches = self.watches.borrow();
            let open = &watches.open[source];
            let since = open.iter().map(|&at| watches.all[at].accepted.since).min();
            let Some(since) = since else { return };
            (open.len(), since)
        };
        let asked = Instant::now();
        let mut met: HashMap<usize, Job> = HashMap::new();
        let read = self
            .waiting
            .reads
            .sync_jobs(of.namespace, of.repository, |page| {
                let watches = self.watches.borrow();
                for row in &page.rows {
                    let found = watches.find(source, &row.region, &row.namespace, &row.tag);
                    let Some((at, watch)) = found.map(|at| (at, &watches.all[at])) else {
                        continue;
                    };
                    let accepted = watch.accepted;
                    if !watch.is_open
                        || !jobs::is_of_call(row, accepted.since, &of.earlier.borrow())
                    {
                        continue;
                    }
                    self.warn_of_unknown(&row.status);
                    let job = Job::of(&row.status, asked.duration_since(accepted.at));
                    match met.remove(&at) {
                        Some(other) => {
                            met.insert(at, other.or(job));
                        }
                        None => {
                            met.insert(at, job);
                            // A call that was sent twice may have more jobs.
                            unmet -= usize::from(!accepted.was_repeated);
                        }
                    }
                }
                if unmet == 0 || jobs::is_last(&page.rows, since) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
        match read.await {
            Ok(()) => {
                self.troubles.borrow_mut()[source] = None;
                self.set_jobs(source, |at, watch| {
                    met.remove(&at)
                        .unwrap_or(Job::Unlisted(asked.duration_since(watch.accepted.at)))
                });
            }
            Err(error) => {
                self.waiting.no_jobs(of, &error);
                self.note(source, error);
            }
        }
    }

    fn set_jobs(&self, source: usize, mut job: impl FnMut(usize, &Watch<'_>) -> Job) {
        let watches = &mut *self.watches.borrow_mut();
        for &at in &watches.open[source] {
            watches.all[at].job = job(at, &watches.all[at]);
        }
    }

    fn fate(&self, watch: &Watch<'_>) -> Fate {
        judge(Known {
            job: &watch.job,
            source: &watch.source,
            target: &watch.target,
            was_repeated: watch.accepted.was_repeated,
            override_existing: self.waiting.plan.override_existing,
        })
    }

    /// Settles the open tags of a repository whose fate is known.
    fn judge(&self, source: usize) {
        let watches = &mut *self.watches.borrow_mut();
        for at in std::mem::take(&mut watches.open[source]) {
            let (state, failure) = match self.fate(&watches.all[at]) {
                Fate::Open | Fate::Compare => {
                    watches.open[source].push(at);
                    continue;
                }
                Fate::Landed => (State::Landed, None),
                Fate::Existed => (State::Existed, None),
                Fate::Failed(failure) => (State::Failed, Some(failure)),
            };
            watches.settle(self.progress, at, state, failure);
        }
    }

    /// Notes what went wrong with a read of a repository.
    fn note(&self, source: usize, error: ApiError) {
        if error.is_end() {
            self.ended.borrow_mut().get_or_insert(error.failure);
        } else {
            self.troubles.borrow_mut()[source] = Some(error.failure);
        }
    }

    fn warn_of_unknown(&self, status: &str) {
        if !Job::is_known(status) && self.unknown.borrow_mut().insert(status.to_owned()) {
            let message = format!(
                "a sync job has the status `{status}`, which this version does not know; it is waited for"
            );
            self.waiting.log(Level::Warn, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_third_of_a_second_to_ten_seconds_and_vary_by_a_quarter() {
        let milliseconds = |round, jitter| pause(round, jitter).as_millis();
        assert_eq!((milliseconds(0, 0.0), milliseconds(0, 1.0)), (225, 375));
        assert_eq!((milliseconds(1, 0.5), milliseconds(4, 0.5)), (450, 1_518));
        for late in [9, 50, u32::MAX] {
            assert_eq!(
                (milliseconds(late, 0.0), milliseconds(late, 1.0)),
                (7_500, 12_500)
            );
        }
        let until_ten: f64 = (0..9).map(|round| pause(round, 0.5).as_secs_f64()).sum();
        assert!((10.0..30.0).contains(&until_ten), "{until_ten}");
    }
}
