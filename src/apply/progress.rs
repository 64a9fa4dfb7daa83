//! What is known of each call at any moment. It outlives a run that is cut short, so that its end can be told truthfully.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::outcome::{CallRecord, Failure, PairOutcome, State, TagOutcome};
use crate::plan::Plan;

/// A call that was answered 200, and when; what tells its sync jobs from those of other calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The call, by its index in the plan.
    pub call: usize,
    /// No job of the call was made before this, by the server's clock.
    pub since: Timestamp,
    /// When the answer came.
    pub at: Instant,
    /// Whether it was sent more than once, so that there may be several jobs for one tag.
    pub was_repeated: bool,
}

/// What is known of a call; it survives when the run is cut short.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// One entry for each tag of the call.
    pub(super) tags: Vec<TagOutcome>,
    pub(super) record: CallRecord,
    started: Option<Instant>,
    accepted: Option<Accepted>,
}

/// What is known of each call of a plan, by its index, at any moment.
#[derive(Debug)]
pub struct Progress {
    pub(super) slots: RefCell<Vec<Slot>>,
    pub(super) finished: Cell<usize>,
    /// Why nothing new is started any more.
    pub(super) stopped: RefCell<Option<Arc<Failure>>>,
}

impl Progress {
    /// Nothing was sent yet.
    pub fn new(plan: &Plan) -> Self {
        let slots = plan
            .calls
            .iter()
            .map(|call| Slot::new(call.tags.clone()))
            .collect();
        Self {
            slots: RefCell::new(slots),
            finished: Cell::new(0),
            stopped: RefCell::new(None),
        }
    }

    /// The calls that were answered 200 so far, in plan order.
    pub fn accepted(&self) -> Vec<Accepted> {
        let slots = self.slots.borrow();
        slots.iter().filter_map(|slot| slot.accepted).collect()
    }

    /// Notes what became of one tag of a call after it was accepted.
    pub fn settle(&self, call: usize, tag: usize, outcome: TagOutcome) {
        self.slots.borrow_mut()[call].tags[tag] = outcome;
    }

    /// Why a tag of a call is not synced.
    pub fn failure(&self, call: usize, tag: usize) -> Option<Arc<Failure>> {
        self.slots.borrow()[call].tags[tag].failure.clone()
    }

    /// The fate of every pair of the plan, in order. Tags that were never asked for, or whose fate is not known yet, get
    /// `unfinished` as their reason, unless the run itself knows why they were not asked for.
    pub fn into_pairs(self, plan: &Plan, unfinished: &Arc<Failure>) -> Vec<PairOutcome> {
        let stopped = self.stopped.into_inner();
        let stopped = stopped.as_ref().unwrap_or(unfinished);
        let mut pairs: Vec<PairOutcome> = plan
            .pairs
            .iter()
            .map(|pair| PairOutcome {
                pair: pair.clone(),
                tags: Vec::new(),
                calls: Vec::new(),
            })
            .collect();
        for (call, slot) in plan.calls.iter().zip(self.slots.into_inner()) {
            let pair = &mut pairs[call.pair];
            pair.tags.extend(slot.tags.into_iter().map(|mut tag| {
                if tag.failure.is_none() && !tag.state.is_synced() {
                    let reason = match tag.state {
                        State::Skipped => stopped,
                        _ => unfinished,
                    };
                    tag.failure = Some(Arc::clone(reason));
                }
                tag
            }));
            if slot.record.attempts > 0 {
                pair.calls.push(slot.record);
            }
        }
        pairs
    }
}

impl Slot {
    fn new(tags: Range<usize>) -> Self {
        let record = CallRecord {
            tags: tags.clone(),
            http_status: None,
            error_code: None,
            message: None,
            request_id: None,
            attempts: 0,
            duration: std::time::Duration::ZERO,
        };
        Self {
            tags: vec![
                TagOutcome {
                    state: State::Skipped,
                    failure: None
                };
                tags.len()
            ],
            record,
            started: None,
            accepted: None,
        }
    }

    /// Another request goes out: until it is answered nobody knows about its tags.
    pub(super) fn sending(&mut self, asked: &[usize]) {
        self.started.get_or_insert_with(Instant::now);
        self.record.attempts += 1;
        self.set(asked, State::Unknown, None);
    }

    /// A 200 came from a server whose clock shows, or showed a little earlier, `server_time`.
    pub(super) fn accepted(&mut self, call: usize, server_time: Timestamp) {
        let at = Instant::now();
        let spent = self.started.map(|started| at - started).unwrap_or_default();
        let spent = SignedDuration::try_from(spent).unwrap_or(SignedDuration::MAX);
        self.accepted = Some(Accepted {
            call,
            since: server_time.checked_sub(spent).unwrap_or(server_time),
            at,
            was_repeated: self.record.attempts > 1,
        });
    }

    pub(super) fn set(&mut self, indices: &[usize], state: State, failure: Option<&Arc<Failure>>) {
        for &index in indices {
            self.tags[index] = TagOutcome {
                state,
                failure: failure.cloned(),
            };
        }
    }

    pub(super) fn answered(
        &mut self,
        status: Option<u16>,
        failure: Option<&Failure>,
        request_id: Option<&String>,
    ) {
        self.record.http_status = status;
        self.record.error_code = failure.and_then(|failure| failure.code.clone());
        self.record.message = failure.map(|failure| failure.message.clone());
        self.record.request_id = request_id.cloned();
        self.record.duration = self
            .started
            .map(|started| started.elapsed())
            .unwrap_or_default();
    }
}
