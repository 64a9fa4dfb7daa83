//! What `results` and the JSON report say of one repository × target. These structs are a contract with users; they
//! follow the outcome by hand, so that a change inside the program does not change what users read.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::outcome::{CallRecord, Failure, Outcome, PairOutcome};
use crate::report::sanitise::Sanitiser;

/// More of a message is never repeated.
const MESSAGE_LIMIT: usize = 1000;

/// One repository × target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PairResult<'a> {
    namespace: &'a str,
    repository: &'a str,
    remote_region_id: &'a str,
    remote_namespace: &'a str,
    failed_count: usize,
    synced_count: usize,
    tags: Vec<TagResult<'a>>,
    calls: Vec<CallResult>,
}

#[derive(Debug, Serialize)]
struct TagResult<'a> {
    tag: &'a str,
    state: &'static str,
    reason: Option<Arc<str>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallResult {
    http_status: Option<u16>,
    error_code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    attempts: u32,
    duration_ms: u64,
}

/// All pairs, in plan order.
pub fn results<'a>(outcome: &'a Outcome, sanitiser: &Sanitiser) -> Vec<PairResult<'a>> {
    let mut reasons = Reasons {
        sanitiser,
        known: HashMap::new(),
    };
    outcome
        .pairs
        .iter()
        .map(|pair| pair_result(pair, &mut reasons))
        .collect()
}

fn pair_result<'a>(outcome: &'a PairOutcome, reasons: &mut Reasons<'_>) -> PairResult<'a> {
    let PairOutcome { pair, tags, calls } = outcome;
    let failed_count = outcome.failed_count();
    PairResult {
        namespace: pair.images.namespace.as_str(),
        repository: pair.images.repository.as_str(),
        remote_region_id: pair.target.region.as_str(),
        remote_namespace: pair.target.namespace.as_str(),
        failed_count,
        synced_count: tags.len() - failed_count,
        tags: outcome
            .fates()
            .map(|(tag, fate)| TagResult {
                tag: tag.as_str(),
                state: fate.state.name(),
                reason: fate.failure.as_ref().map(|failure| reasons.of(failure)),
            })
            .collect(),
        calls: calls
            .iter()
            .map(|call| call_result(call, reasons.sanitiser))
            .collect(),
    }
}

fn call_result(call: &CallRecord, sanitiser: &Sanitiser) -> CallResult {
    let CallRecord {
        tags: _,
        http_status,
        error_code,
        message,
        request_id,
        attempts,
        duration,
    } = call;
    let clean = |text: &Option<String>| {
        let text = sanitiser.clean(text.as_deref()?).cut(MESSAGE_LIMIT);
        Some(text.to_string())
    };
    CallResult {
        http_status: *http_status,
        error_code: clean(error_code),
        message: clean(message),
        request_id: clean(request_id),
        attempts: *attempts,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Thousands of tags share one failure; its text is made once.
struct Reasons<'a> {
    sanitiser: &'a Sanitiser,
    known: HashMap<*const Failure, Arc<str>>,
}

impl Reasons<'_> {
    fn of(&mut self, failure: &Arc<Failure>) -> Arc<str> {
        let reason = self.known.entry(Arc::as_ptr(failure)).or_insert_with(|| {
            let text = self.sanitiser.clean(&failure.to_string());
            Arc::from(text.cut(MESSAGE_LIMIT).as_str())
        });
        Arc::clone(reason)
    }
}
