//! The tags that are followed, by repository, and what is known of each.

use std::collections::HashMap;

use crate::apply::{Accepted, Progress};
use crate::names::Tag;
use crate::outcome::{Failure, State, TagOutcome};
use crate::plan::Plan;
use crate::wait::fate::{Job, Look};

/// One tag on its way to one target.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) accepted: Accepted,
    /// Its place among the tags of the call.
    pub(super) place: usize,
    pub(super) pair: usize,
    pub(super) tag: &'a Tag,
    pub(super) job: Job,
    pub(super) source: Look,
    pub(super) target: Look,
    pub(super) is_open: bool,
}

/// How many tags came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) landed: usize,
    pub(super) existed: usize,
    pub(super) failed: usize,
}

impl Counts {
    pub(super) fn settled(self) -> usize {
        self.landed + self.existed + self.failed
    }
}

/// All tags that are followed.
#[derive(Debug)]
pub(super) struct Watches<'a> {
    pub(super) all: Vec<Watch<'a>>,
    /// The open ones of each repository, in plan order.
    pub(super) open: Vec<Vec<usize>>,
    /// Each by remote region, remote namespace and tag, for each repository.
    places: Vec<HashMap<(&'a str, &'a str, &'a str), usize>>,
    pub(super) counts: Counts,
    /// Those that failed since this was last looked at.
    pub(super) failed: Vec<usize>,
}

impl<'a> Watches<'a> {
    /// The tags of the calls that were accepted. `repository_of` gives the repository of each pair; `target` is what is
    /// known of every target beforehand.
    pub(super) fn new(
        plan: &'a Plan,
        progress: &Progress,
        repository_of: &[usize],
        target: &Look,
    ) -> Self {
        let repositories = repository_of.iter().max().map_or(0, |last| last + 1);
        let mut watches = Self {
            all: Vec::new(),
            open: vec![Vec::new(); repositories],
            places: vec![HashMap::new(); repositories],
            counts: Counts::default(),
            failed: Vec::new(),
        };
        for accepted in progress.accepted() {
            let call = &plan.calls[accepted.call];
            let (pair, tags) = plan.resolve(call);
            let repository = repository_of[call.pair];
            for (place, tag) in tags.iter().enumerate() {
                let index = watches.all.len();
                let target_of = &pair.target;
                watches.places[repository].insert(
                    (
                        target_of.region.as_str(),
                        target_of.namespace.as_str(),
                        tag.as_str(),
                    ),
                    index,
                );
                watches.open[repository].push(index);
                watches.all.push(Watch {
                    accepted,
                    place,
                    pair: call.pair,
                    tag,
                    job: Job::NotRead,
                    source: Look::NotYet,
                    target: target.clone(),
                    is_open: true,
                });
            }
        }
        watches
    }

    /// The tag of a repository that a job row speaks of.
    pub(super) fn find(
        &self,
        repository: usize,
        region: &str,
        namespace: &str,
        tag: &str,
    ) -> Option<usize> {
        self.places[repository]
            .get(&(region, namespace, tag))
            .copied()
    }

    /// Notes the end of a tag, here and in the progress of the run.
    pub(super) fn settle(
        &mut self,
        progress: &Progress,
        index: usize,
        state: State,
        failure: Option<Failure>,
    ) {
        let watch = &mut self.all[index];
        watch.is_open = false;
        match state {
            State::Landed => self.counts.landed += 1,
            State::Existed => self.counts.existed += 1,
            _ => {
                self.counts.failed += 1;
                self.failed.push(index);
            }
        }
        let outcome = TagOutcome {
            state,
            failure: failure.map(std::sync::Arc::new),
        };
        progress.settle(watch.accepted.call, watch.place, outcome);
    }
}
