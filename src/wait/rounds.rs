//! The rounds of a wait: which reads are made, how often, and what is taken from them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::apply::{Progress, count, some};
use crate::event::Level;
use crate::names::{Region, Tag};
use crate::outcome::{Failure, State};
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::reads::Place;
use crate::wait::fate::{APPEARS, Fate, Job, Known, Look, judge, lost, pending};
use crate::wait::sight::Sight;
use crate::wait::watch::{Counts, Watch, Watches};
use crate::wait::{Waiting, jobs};

/// A target region that answers nothing for this long counts as one that cannot be read.
const UNREACHABLE: Duration = Duration::from_secs(30);

/// The pause before a round: from 0.3 s, half as long again each time, up to 10 s, and up to a quarter more or less by
/// `jitter` from 0 to 1, so that jobs that began together do not poll together.
fn pause(round: u32, jitter: f64) -> Duration {
    let seconds = (0.3 * 1.5_f64.powi(i32::try_from(round).unwrap_or(i32::MAX))).min(10.0);
    Duration::from_secs_f64(seconds * (0.75 + jitter / 2.0))
}

/// A region that does not answer.
struct Silence {
    since: Instant,
    round: u32,
    failure: Arc<Failure>,
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
    silent: RefCell<HashMap<&'a Region, Silence>>,
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

    /// Round after round, until nothing is open, nothing can be read any more, or the time is nearly up.
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
                return;
            }
            tokio::time::sleep(pause.min(rest - reserve)).await;
            let begun = Instant::now();
            self.round().await;
            spent = begun.elapsed();
            self.number.set(number + 1);
        }
    }

    async fn round(&self) {
        let before = self.watches.borrow().counts;
        let waiting = self.waiting;
        let jobs = async |source| {
            self.read_jobs(source).await;
            self.judge(source);
        };
        waiting.concurrently(self.open(), jobs).await;
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

    /// Looks at the tags of a repository that have to be compared and were not looked at yet. What they are is asked
    /// once: the copy is made from what was there when it was asked for.
    async fn look_at_source(&self, source: usize) {
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
    fn pairs_to_compare(&self) -> Vec<usize> {
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
    async fn look_at_target(&self, pair: usize) {
        let target = &self.waiting.plan.pairs[pair].target;
        let source = self.waiting.source_of[pair];
        let is_wanted = |watch: &Watch<'_>| watch.pair == pair && self.is_to_compare(watch);
        let sight = if self.is_silent(&target.region) {
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
                    self.silent.borrow_mut().remove(&target.region);
                    Some(sight)
                }
                Err(error) if error.is_end() || error.kind == ErrorKind::Throttled => {
                    return self.note(source, error);
                }
                Err(error) => {
                    self.fell_silent(&target.region, error.failure);
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

    /// Whether a region did not answer in this round.
    fn is_silent(&self, region: &Region) -> bool {
        let silent = self.silent.borrow();
        silent
            .get(region)
            .is_some_and(|silence| silence.round == self.number.get())
    }

    fn fell_silent(&self, region: &'a Region, failure: Failure) {
        let mut silent = self.silent.borrow_mut();
        let since = silent
            .get(region)
            .map_or_else(Instant::now, |silence| silence.since);
        let silence = Silence {
            since,
            round: self.number.get(),
            failure: Arc::new(failure),
        };
        silent.insert(region, silence);
    }

    /// What there is to see in a region that has been silent for too long.
    fn given_up(&self, region: &Region) -> Option<Sight> {
        let silent = self.silent.borrow();
        let silence = silent.get(region)?;
        (silence.since.elapsed() >= UNREACHABLE)
            .then(|| Sight::Unreadable(Arc::clone(&silence.failure)))
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

    /// The time is up, or nothing more can be read: what is open stays so.
    pub(super) fn close(&self) {
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
                                .or_else(|| silent.get(region).map(|silence| &*silence.failure))
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
    fn tell(&self, before: Counts) {
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
                count(tags.len()),
                some(&tags)
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
