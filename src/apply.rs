//! From the plan to the fate of each tag: order, concurrency, retries and the rules that stop a run.

mod progress;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use jiff::SignedDuration;

use crate::config::OnFailure;
use crate::event::{Event, Events, Level};
use crate::outcome::{Exit, Failure, State};
use crate::plan::{Call, Pair, Plan};
use crate::prose::{NAMES_LIMIT, counted, listed};
use crate::swr::client::{ANSWER_LIMIT, Answer, Client, unreadable};
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::pace::backoff;
use crate::swr::{operations, wire};

pub use progress::{Accepted, Progress};

use progress::Slot;

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

/// A 200 answer that could be understood.
struct Answered {
    answer: Answer,
    /// The tags it names, by their place in the call.
    named: Vec<usize>,
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
        let mut open: Vec<usize> = (0..call.tags.len()).collect();
        let mut first_named_all = false;
        let mut tries = 0;
        loop {
            let result = self.attempt(index, call, &open).await;
            tries += 1;
            let delay = match result {
                Ok(answered) => {
                    first_named_all |= tries == 1 && answered.named.len() == open.len();
                    self.accept(index, &open, &answered, first_named_all);
                    open = answered.named;
                    let is_settled = open.is_empty() || self.rules.named == Named::Hint;
                    (!is_settled && tries <= self.client.retries).then(|| backoff(tries))
                }
                Err(error) if error.kind == ErrorKind::NotSent => {
                    self.stop(error.failure);
                    return tries > 1;
                }
                Err(error) => {
                    let delay = self.client.delay(&error, tries);
                    self.refuse(index, &open, &error);
                    delay
                }
            };
            match delay {
                Some(delay) => self.client.gate.pause(delay).await,
                None => return true,
            }
        }
    }

    /// Asks for the tags of a call that are still open, once.
    async fn attempt(
        &self,
        index: usize,
        call: &Call,
        open: &[usize],
    ) -> Result<Answered, ApiError> {
        let (pair, tags) = self.plan.resolve(call);
        let asked: Vec<_> = open.iter().map(|&place| tags[place].clone()).collect();
        let request = operations::sync_images(
            &pair.images,
            &pair.target,
            &asked,
            self.plan.override_existing,
        );
        let sending = || self.slot(index, |slot| slot.sending(open));
        let source = &self.client.source;
        let answer = self
            .client
            .attempt(source, &request, ANSWER_LIMIT, &sending, self.events)
            .await?;
        match wire::named_tags(&answer.body, &asked) {
            Ok(named) => Ok(Answered {
                answer,
                named: named.into_iter().map(|place| open[place]).collect(),
            }),
            Err(error) => Err(unreadable(error.to_string(), answer.request_id)),
        }
    }

    /// Notes a 200 answer.
    fn accept(&self, index: usize, open: &[usize], answered: &Answered, first_named_all: bool) {
        let Answered { answer, named } = answered;
        let failure = (!named.is_empty())
            .then(|| Arc::new(named_failure(first_named_all, answer.request_id.clone())));
        // Signatures are taken from clocks that are up to 15 minutes off.
        let server_time = answer
            .server_time
            .unwrap_or_else(|| self.client.clock.now() - SignedDuration::from_mins(15));
        self.slot(index, |slot| {
            slot.accepted(index, server_time);
            match self.rules.named {
                // Until somebody has looked at the jobs, nothing is known.
                Named::Hint => slot.set(open, State::Pending, None),
                Named::Failed => {
                    slot.set(open, State::Accepted, None);
                    slot.set(named, State::Failed, failure.as_ref());
                }
            }
            slot.answered(Some(200), failure.as_deref(), answer.request_id.as_ref());
        });
    }

    /// Notes an attempt that failed; a 401 ends the run.
    fn refuse(&self, index: usize, open: &[usize], error: &ApiError) {
        let failure = Arc::new(error.failure.clone());
        let state = if error.is_answer() {
            State::Failed
        } else {
            State::Unknown
        };
        self.slot(index, |slot| {
            slot.set(open, state, Some(&failure));
            slot.answered(
                failure.http_status,
                Some(&failure),
                failure.request_id.as_ref(),
            );
        });
        if error.kind == ErrorKind::Unauthorized {
            let message = "not asked, since an earlier request was answered 401";
            self.stop(Failure::new(
                failure.exit,
                message,
                failure.remedy.as_deref(),
            ));
        }
    }

    fn slot(&self, index: usize, change: impl FnOnce(&mut Slot)) {
        change(&mut self.progress.slots.borrow_mut()[index]);
    }

    /// Starts nothing new from here on; the first reason stays.
    fn stop(&self, why: Failure) {
        self.progress
            .stopped
            .borrow_mut()
            .get_or_insert_with(|| Arc::new(why));
    }

    /// One log line for a call that is over, with progress, and the rule that a failure may stop the run.
    fn finished(&self, index: usize, call: &Call) {
        let done = self.progress.finished.get() + 1;
        self.progress.finished.set(done);
        let slots = self.progress.slots.borrow();
        let line = self.line(call, &slots[index]);
        let has_failed = slots[index].tags.iter().any(|tag| tag.failure.is_some());
        drop(slots);
        let level = if has_failed {
            Level::Error
        } else {
            Level::Info
        };
        let line = format!("[{done}/{}] {line}", self.plan.calls.len());
        (self.events)(Event::Log(level, line));
        if has_failed && self.rules.on_failure == OnFailure::Stop {
            let message = "not asked, since `fail-fast` stopped the run after a failure";
            self.stop(Failure::new(Exit::TagsFailed, message, None));
        }
    }

    /// What became of a call, on one line.
    fn line(&self, call: &Call, slot: &Slot) -> String {
        let (pair, tags) = self.plan.resolve(call);
        let Pair { images, target } = pair;
        let what = format!("{}/{} → {target}", images.namespace, images.repository);
        let attempts = match slot.record.attempts {
            1 => String::new(),
            attempts => format!(", {attempts} attempts"),
        };
        let spent = Duration::from_millis(
            u64::try_from(slot.record.duration.as_millis()).unwrap_or(u64::MAX),
        );
        let spent = humantime::format_duration(spent);
        let all = counted(tags.len(), "tag");
        let failed = tags
            .iter()
            .zip(&slot.tags)
            .filter(|(_, fate)| fate.failure.is_some());
        let failed: Vec<&str> = failed.map(|(tag, _)| tag.as_str()).collect();
        match slot.tags.iter().find_map(|tag| tag.failure.as_ref()) {
            None => format!("{what}: {all} accepted by SWR ({spent}{attempts})"),
            Some(failure) => {
                let names = listed(failed.iter().copied(), NAMES_LIMIT);
                format!(
                    "{what}: {} of {all} failed: {names} — {failure} ({spent}{attempts})",
                    failed.len()
                )
            }
        }
    }
}

/// Why tags failed that a 200 answer names.
fn named_failure(first_named_all: bool, request_id: Option<String>) -> Failure {
    let (message, remedy) = if first_named_all {
        (
            "SWR's answer names it as failed and gives no reason; the first answer named every tag of the request, and \
            some editions of the service are documented to list the successful tags there",
            "set `wait: true`, which settles it by looking at the sync jobs and the target",
        )
    } else {
        (
            "SWR's answer names it as failed and gives no reason",
            "check that the tag exists in the source and that the organization exists in the target; `wait: true` tells more",
        )
    };
    Failure {
        request_id,
        ..Failure::new(Exit::TagsFailed, message, Some(remedy))
    }
}
