//! Failures as people read them: tags that failed for the same reason stand together.

use std::collections::HashMap;
use std::sync::Arc;

use crate::names::Tag;
use crate::outcome::{Ending, Failure, Outcome, PairOutcome};

/// More reasons of one pair are counted, not told, where people read.
pub const REASONS_SHOWN: usize = 3;

/// Tags of a pair that failed for one reason.
#[derive(Debug)]
pub struct FailedTags<'a> {
    /// The tags, in input order.
    pub tags: Vec<&'a Tag>,
    /// The reason.
    pub failure: &'a Failure,
}

/// The failed tags of a pair by reason, in the order of the first tag of each.
pub fn by_reason(pair: &PairOutcome) -> Vec<FailedTags<'_>> {
    let mut reasons = Reasons::default();
    let mut groups: Vec<FailedTags<'_>> = Vec::new();
    for (tag, fate) in pair.fates() {
        let Some(failure) = fate.failure.as_ref().filter(|_| !fate.state.is_synced()) else {
            continue;
        };
        let index = reasons.index(failure);
        if index == groups.len() {
            groups.push(FailedTags {
                tags: Vec::new(),
                failure,
            });
        }
        groups[index].tags.push(tag);
    }
    groups
}

/// Everything that failed in a run, each reason once, in plan order.
pub fn distinct(outcome: &Outcome) -> Vec<&Failure> {
    let mut reasons = Reasons::default();
    let mut all: Vec<&Failure> = match &outcome.ending {
        Ending::Stopped(failures) => failures.iter().collect(),
        _ => Vec::new(),
    };
    let stopped = all.len();
    let fates = outcome.pairs.iter().flat_map(|pair| &pair.tags);
    for failure in fates.filter_map(|fate| fate.failure.as_ref()) {
        if reasons.index(failure) + stopped == all.len() {
            all.push(failure);
        }
    }
    let (stopped, others) = all.split_at(stopped);
    let repeated = |failure: &&&Failure| !stopped.contains(failure);
    stopped
        .iter()
        .chain(others.iter().filter(repeated))
        .copied()
        .collect()
}

/// Numbers failures in the order they come; the same reason has the same number. Thousands of tags share one failure,
/// so its text is made once.
#[derive(Default)]
struct Reasons {
    by_address: HashMap<*const Failure, usize>,
    by_text: HashMap<String, usize>,
}

impl Reasons {
    fn index(&mut self, failure: &Arc<Failure>) -> usize {
        let next = self.by_text.len();
        *self
            .by_address
            .entry(Arc::as_ptr(failure))
            .or_insert_with(|| {
                let text = format!("{failure} {:?} {:?}", failure.exit, failure.remedy);
                *self.by_text.entry(text).or_insert(next)
            })
    }
}
