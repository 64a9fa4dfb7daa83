//! Target regions that do not answer: asked once in a round, and given up after a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::names::Region;
use crate::outcome::Failure;

/// A region that answers nothing for this long counts as one that cannot be read.
const UNREACHABLE: Duration = Duration::from_secs(30);

/// A region that did not answer the last time.
#[derive(Debug)]
struct Silence {
    since: Instant,
    round: u32,
    failure: Arc<Failure>,
}

/// The regions that did not answer the last time.
#[derive(Debug, Default)]
pub(super) struct Silences<'a>(HashMap<&'a Region, Silence>);

impl<'a> Silences<'a> {
    pub(super) fn answered(&mut self, region: &Region) {
        self.0.remove(region);
    }

    pub(super) fn unanswered(
        &mut self,
        region: &'a Region,
        round: u32,
        now: Instant,
        failure: Failure,
    ) {
        let since = self.0.get(region).map_or(now, |silence| silence.since);
        let failure = Arc::new(failure);
        let silence = Silence {
            since,
            round,
            failure,
        };
        self.0.insert(region, silence);
    }

    /// Whether a region did not answer in this round.
    pub(super) fn is_silent(&self, region: &Region, round: u32) -> bool {
        self.0
            .get(region)
            .is_some_and(|silence| silence.round == round)
    }

    /// Why a region did not answer the last time.
    pub(super) fn failure(&self, region: &Region) -> Option<&Failure> {
        self.0.get(region).map(|silence| &*silence.failure)
    }

    /// The same of a region that has not answered for too long.
    pub(super) fn given_up(&self, region: &Region, now: Instant) -> Option<Arc<Failure>> {
        let silence = self.0.get(region)?;
        (now.duration_since(silence.since) >= UNREACHABLE).then(|| Arc::clone(&silence.failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Exit;

    #[test]
    fn a_region_is_asked_once_in_a_round_and_given_up_after_half_a_minute_without_an_answer() {
        let region: Region = "cn-east-3".parse().expect("a region");
        let failure = |text: &str| Failure::new(Exit::Refused, text, None);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut silences = Silences::default();
        assert!(!silences.is_silent(&region, 1));
        silences.unanswered(&region, 1, start, failure("first"));
        assert!(silences.is_silent(&region, 1) && !silences.is_silent(&region, 2));
        silences.unanswered(&region, 2, after(29), failure("second"));
        assert_eq!(silences.given_up(&region, after(29)), None);
        let last = Some(Arc::new(failure("second")));
        assert_eq!(silences.given_up(&region, after(30)), last);
        assert_eq!(silences.failure(&region), last.as_deref());
        // An answer makes up for all.
        silences.answered(&region);
        silences.unanswered(&region, 3, after(31), failure("third"));
        assert_eq!(silences.given_up(&region, after(60)), None);
    }
}
