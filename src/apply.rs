//! From the plan to the fate of each tag: order, concurrency, retries and the rules that stop a run.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::config::OnFailure;
use crate::event::{Event, Events, Level};
use crate::outcome::{CallRecord, Exit, Failure, PairOutcome, State, TagOutcome};
use crate::plan::{Call, Plan};
use crate::swr::client::{ANSWER_LIMIT, Client, unreadable};
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::pace::backoff;
use crate::swr::{operations, wire};

/// What the array in a 200 answer is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The tags that failed; they are sent again.
    Failed,
    /// A hint; jobs and digests will decide.
    Hint,
}

/// How the plan is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Requests under way at once.
    pub concurrency: usize,
    /// What happens after a failure.
    pub on_failure: OnFailure,
    /// What the array in an answer means.
    pub named: Named,
}

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
struct Slot {
    /// One entry for each tag of the call.
    tags: Vec<TagOutcome>,
    record: CallRecord,
    started: Option<Instant>,
    accepted: Option<Accepted>,
}

/// What is known of each call of a plan, by its index, at any moment.
#[derive(Debug)]
pub struct Progress {
    slots: RefCell<Vec<Slot>>,
    finished: Cell<usize>,
    stopped: RefCell<Option<Arc<Failure>>>,
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
    fn sending(&mut self, asked: &[usize]) {
        self.started.get_or_insert_with(Instant::now);
        self.record.attempts += 1;
        self.set(asked, State::Unknown, None);
    }

    /// A 200 came from a server whose clock shows, or showed a little earlier, `server_time`.
    fn accepted(&mut self, call: usize, server_time: Timestamp) {
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

    fn set(&mut self, indices: &[usize], state: State, failure: Option<&Arc<Failure>>) {
        for &index in indices {
            self.tags[index] = TagOutcome {
                state,
                failure: failure.cloned(),
            };
        }
    }

    fn answered(
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

/// Makes every call of the plan, as far as the rules allow. The first goes alone until its first attempt has ended; what
/// is learned stands in `progress`, also when this future is dropped.
pub async fn apply(
    plan: &Plan,
    client: &Client,
    rules: Rules,
    progress: &Progress,
    events: Events<'_>,
) {
    let run = Run {
        plan,
        client,
        rules,
        progress,
        events,
    };
    // Unordered: behind one slow call the others must not wait, and each has its slot.
    stream::iter(0..plan.calls.len())
        .map(|index| run.call(index))
        .buffer_unordered(rules.concurrency)
        .for_each(|()| std::future::ready(()))
        .await;
}

struct Run<'a> {
    plan: &'a Plan,
    client: &'a Client,
    rules: Rules,
    progress: &'a Progress,
    events: Events<'a>,
}

impl Run<'_> {
    async fn call(&self, index: usize) {
        if self.progress.stopped.borrow().is_some() {
            return;
        }
        let call = &self.plan.calls[index];
        let sent = self.tries(index, call).await;
        if sent {
            self.finished(index, call);
        }
    }

    /// Sends a call until its tags are settled or its tries are used up. False where it was never sent.
    async fn tries(&self, index: usize, call: &Call) -> bool {
        let (pair, tags) = self.plan.resolve(call);
        let mut open: Vec<usize> = (0..tags.len()).collect();
        let mut tries = 0;
        loop {
            let asked: Vec<_> = open.iter().map(|&index| tags[index].clone()).collect();
            let request = operations::sync_images(
                &pair.images,
                &pair.target,
                &asked,
                self.plan.override_existing,
            );
            let source = &self.client.source;
            let sending = || self.slot(index, |slot| slot.sending(&open));
            let result = self
                .client
                .attempt(source, &request, ANSWER_LIMIT, &sending, self.events)
                .await;
            tries += 1;
            let result = result.and_then(|answer| match wire::named_tags(&answer.body, &asked) {
                Ok(named) => Ok((answer, named)),
                Err(error) => Err(unreadable(error.to_string(), answer.request_id)),
            });
            match result {
                Ok((answer, named)) => {
                    let named: Vec<usize> = named.into_iter().map(|place| open[place]).collect();
                    let accepted: Vec<usize> = open
                        .iter()
                        .copied()
                        .filter(|index| !named.contains(index))
                        .collect();
                    let failure = (!named.is_empty()).then(|| {
                        Arc::new(named_failure(
                            &named,
                            tries == 1 && accepted.is_empty(),
                            answer.request_id.clone(),
                        ))
                    });
                    // Signatures are taken from clocks that are up to 15 minutes off.
                    let server_time = answer
                        .server_time
                        .unwrap_or_else(|| self.client.clock.now() - SignedDuration::from_mins(15));
                    self.slot(index, |slot| {
                        slot.accepted(index, server_time);
                        match self.rules.named {
                            // Until somebody has looked at the jobs, nothing is known.
                            Named::Hint => slot.set(&open, State::Pending, None),
                            Named::Failed => {
                                slot.set(&accepted, State::Accepted, None);
                                slot.set(&named, State::Failed, failure.as_ref());
                            }
                        }
                        slot.answered(Some(200), failure.as_deref(), answer.request_id.as_ref());
                    });
                    if named.is_empty()
                        || self.rules.named == Named::Hint
                        || tries > self.client.retries
                    {
                        return true;
                    }
                    open = named;
                    self.client.gate.pause(backoff(tries)).await;
                }
                Err(error) if error.kind == ErrorKind::NotSent => {
                    self.not_sent(&error);
                    return tries > 1;
                }
                Err(error) => {
                    let delay = self.client.delay(&error, tries);
                    let failure = Arc::new(error.failure.clone());
                    let state = if error.is_answer() {
                        State::Failed
                    } else {
                        State::Unknown
                    };
                    self.slot(index, |slot| {
                        slot.set(&open, state, Some(&failure));
                        slot.answered(
                            failure.http_status,
                            Some(&failure),
                            failure.request_id.as_ref(),
                        );
                    });
                    if error.kind == ErrorKind::Unauthorized {
                        self.stop(
                            &failure,
                            "not asked, since an earlier request was answered 401",
                        );
                    }
                    match delay {
                        Some(delay) => self.client.gate.pause(delay).await,
                        None => return true,
                    }
                }
            }
        }
    }

    fn slot(&self, index: usize, change: impl FnOnce(&mut Slot)) {
        change(&mut self.progress.slots.borrow_mut()[index]);
    }

    fn not_sent(&self, error: &ApiError) {
        if self.progress.stopped.borrow().is_none() {
            *self.progress.stopped.borrow_mut() = Some(Arc::new(error.failure.clone()));
        }
    }

    /// Starts nothing new from here on.
    fn stop(&self, cause: &Failure, why: &str) {
        let failure = Failure {
            message: why.to_owned(),
            ..Failure::new(cause.exit, "", cause.remedy.as_deref())
        };
        self.progress
            .stopped
            .borrow_mut()
            .get_or_insert_with(|| Arc::new(failure));
    }

    /// One log line for a call that is over, with progress, and the rule that a failure may stop the run.
    fn finished(&self, index: usize, call: &Call) {
        self.progress.finished.set(self.progress.finished.get() + 1);
        let (pair, tags) = self.plan.resolve(call);
        let (failed, record, failure) = {
            let slot = &self.progress.slots.borrow()[index];
            let failed: Vec<&str> = tags
                .iter()
                .zip(&slot.tags)
                .filter(|(_, fate)| !fate.state.is_synced())
                .map(|(tag, _)| tag.as_str())
                .collect();
            let failure = slot.tags.iter().find_map(|tag| tag.failure.clone());
            (failed, slot.record.clone(), failure)
        };
        let progress = format!(
            "[{}/{}]",
            self.progress.finished.get(),
            self.plan.calls.len()
        );
        let what = format!(
            "{}/{} → {}",
            pair.images.namespace, pair.images.repository, pair.target
        );
        let tries = if record.attempts > 1 {
            format!(", {} attempts", record.attempts)
        } else {
            String::new()
        };
        let spent = humantime::format_duration(std::time::Duration::from_millis(
            u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
        ));
        let (level, line) = match failure {
            None => (
                Level::Info,
                format!(
                    "{progress} {what}: {} accepted by SWR ({spent}{tries})",
                    count(tags.len())
                ),
            ),
            Some(failure) => {
                let line = format!(
                    "{progress} {what}: {} of {} failed: {} — {failure} ({spent}{tries})",
                    failed.len(),
                    count(tags.len()),
                    some(&failed)
                );
                (Level::Error, line)
            }
        };
        (self.events)(Event::Log(level, line));
        if level == Level::Error && self.rules.on_failure == OnFailure::Stop {
            self.stop(
                &Failure::new(Exit::TagsFailed, "", None),
                "not asked, since `fail-fast` stopped the run after a failure",
            );
        }
    }
}

/// Why tags failed that a 200 answer names.
fn named_failure(named: &[usize], is_whole_request: bool, request_id: Option<String>) -> Failure {
    let mut message = "SWR's answer names it as failed and gives no reason".to_owned();
    if is_whole_request && !named.is_empty() {
        message.push_str("; the answer names every tag of the request, and some editions of the service are documented to list the successful tags there");
    }
    let remedy = if is_whole_request {
        "set `wait: true`, which settles it by looking at the sync jobs and the target"
    } else {
        "check that the tag exists in the source and that the organization exists in the target; `wait: true` tells more"
    };
    Failure {
        request_id,
        ..Failure::new(Exit::TagsFailed, message, Some(remedy))
    }
}

/// Tags, counted.
pub(crate) fn count(tags: usize) -> String {
    if tags == 1 {
        "1 tag".to_owned()
    } else {
        format!("{tags} tags")
    }
}

/// The first few names, and how many more there are.
pub(crate) fn some(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    match names.len() {
        0..=SHOWN => names.join(", "),
        more => format!("{} and {} more", names[..SHOWN].join(", "), more - SHOWN),
    }
}
