//! After the calls: follows sync jobs and digests until the fate of each tag is known, or time runs out.
//!
//! A round asks for the sync jobs of each repository once, for all its tags and targets. Digests are read only where the
//! jobs do not tell: the tag was there before, or no job of it is listed. What is learned stands in the progress of the
//! run at once, so that a run that is cut short still knows it.

pub mod fate;
mod jobs;
mod rounds;
mod sight;
mod silence;
mod watch;

use std::cell::RefCell;
use std::collections::HashSet;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::SignedDuration;

use crate::apply::Progress;
use crate::event::{Event, Events, Level};
use crate::names::{Namespace, Repository};
use crate::outcome::{Failure, State, TagOutcome};
use crate::plan::{Pair, Plan};
use crate::prose::counted;
use crate::swr::client::Client;
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::reads::{Reads, Tries};
use crate::wait::fate::Look;
use crate::wait::rounds::Rounds;
use crate::wait::watch::Watches;

/// How long and how widely is waited.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// For the whole wait.
    pub timeout: Duration,
    /// Requests under way at once.
    pub concurrency: usize,
}

/// What is followed, from before the first call on.
#[expect(missing_debug_implementations, reason = "functions do not print")]
pub struct Waiting<'a> {
    plan: &'a Plan,
    reads: Reads<'a>,
    settings: Settings,
    sources: Vec<Source<'a>>,
    /// The repository of each pair of the plan, by its index in `sources`.
    source_of: Vec<usize>,
}

/// A repository that is copied from.
struct Source<'a> {
    namespace: &'a Namespace,
    repository: &'a Repository,
    earlier: RefCell<jobs::Earlier>,
    /// Why its jobs cannot be read at all.
    unreadable: RefCell<Option<Arc<Failure>>>,
}

impl<'a> Waiting<'a> {
    /// Prepares to follow a plan; nothing is sent yet.
    pub fn new(plan: &'a Plan, client: &'a Client, settings: Settings, events: Events<'a>) -> Self {
        let mut sources: Vec<Source<'a>> = Vec::new();
        let mut source_of = Vec::with_capacity(plan.pairs.len());
        for Pair { images, .. } in &plan.pairs {
            // Pairs of one repository follow each other in a plan.
            let is_same = sources.last().is_some_and(|source| {
                *source.namespace == images.namespace && *source.repository == images.repository
            });
            if !is_same {
                sources.push(Source {
                    namespace: &images.namespace,
                    repository: &images.repository,
                    earlier: RefCell::new(None),
                    unreadable: RefCell::new(None),
                });
            }
            source_of.push(sources.len() - 1);
        }
        let tries = Tries::Once;
        Self {
            plan,
            reads: Reads {
                client,
                tries,
                events,
            },
            settings,
            sources,
            source_of,
        }
    }

    /// Before the first call: notes the sync jobs that are there already, so that none of them is taken for one of this
    /// run. Where they cannot be read, their times have to do.
    pub async fn note_earlier_jobs(&self) {
        let reads = Reads {
            tries: Tries::Configured,
            ..self.reads
        };
        self.concurrently(&self.sources, async |source| {
            let mut earlier = HashSet::new();
            let read = reads.sync_jobs(source.namespace, source.repository, |page| {
                // Only what is as young as the run itself can be taken for one of it.
                let since = page.server_time.map_or_else(
                    || reads.client.clock.now() - SignedDuration::from_mins(15),
                    |now| now - SignedDuration::from_mins(1),
                );
                let is_last = jobs::is_last(&page.rows, since);
                earlier.extend(page.rows.into_iter().filter_map(|row| row.id));
                if is_last {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            match read.await {
                Ok(()) => *source.earlier.borrow_mut() = Some(earlier),
                // The sync call itself will tell more about a repository that is not there.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => self.no_jobs(source, &error),
            }
        })
        .await;
    }

    /// Follows the tags of all calls that were answered 200, and notes in `progress` what became of each.
    pub async fn follow(&self, progress: &Progress) {
        let target = match self.reads.only_source().await {
            Some(failure) => Look::Unreadable(Arc::new(failure)),
            None => Look::NotYet,
        };
        let watches = Watches::new(self.plan, progress, &self.source_of, &target);
        if watches.all.is_empty() {
            return;
        }
        let nobody_knows = TagOutcome {
            state: State::Pending,
            failure: None,
        };
        for watch in &watches.all {
            progress.settle(watch.accepted.call, watch.place, nobody_knows.clone());
        }
        let timeout = humantime::format_duration(self.settings.timeout);
        self.log(
            Level::Info,
            format!(
                "waiting for {} to land, {timeout} at most",
                counted(watches.all.len(), "tag")
            ),
        );
        if let Look::Unreadable(failure) = &target {
            self.log(
                Level::Info,
                format!("targets are not read: {}", failure.message),
            );
        }
        let rounds = Rounds::new(self, progress, watches);
        // A request that hangs is given up at the deadline.
        let _ = tokio::time::timeout(self.settings.timeout, rounds.all()).await;
        rounds.close();
    }

    /// Does something for each, as many at once as are allowed.
    async fn concurrently<T, F: Future<Output = ()>>(
        &self,
        each: impl IntoIterator<Item = T>,
        work: impl Fn(T) -> F,
    ) {
        stream::iter(each)
            .map(work)
            .buffer_unordered(self.settings.concurrency)
            .for_each(|()| std::future::ready(()))
            .await;
    }

    /// Notes that the jobs of a repository cannot be read, unless a later try may succeed.
    fn no_jobs(&self, source: &Source<'_>, error: &ApiError) {
        if error.is_retryable() || error.is_end() {
            return;
        }
        self.log(
            Level::Warn,
            format!(
                "the sync jobs of {}/{} cannot be read, so the digests in the target have to tell: {}",
                source.namespace, source.repository, error.failure
            ),
        );
        *source.unreadable.borrow_mut() = Some(Arc::new(error.failure.clone()));
    }

    fn log(&self, level: Level, text: String) {
        (self.reads.events)(Event::Log(level, text));
    }
}
