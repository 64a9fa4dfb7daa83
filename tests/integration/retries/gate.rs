//! What one answer means for all other calls: the first goes alone, one that throttles holds back, a 401 ends the run.

use std::time::{Duration, Instant};

use serde_json::json;
use standin::{Answer, Fault, Standin, When, World};

use super::{answer, pause};
use crate::common::Run;

/// So many repositories with one tag, one target: as many calls.
fn many_calls(standin: &Standin, calls: usize) -> Run {
    let images: Vec<String> = (0..calls)
        .map(|call| format!("swr.cn-north-4.myhuaweicloud.com/bulk/r{call:04}:t00000"))
        .collect();
    Run::github()
        .against(standin)
        .input("images", &images.join("\n"))
        .input("targets", "cn-east-3")
}

fn bulk(calls: usize) -> Standin {
    Standin::start(World::sized(calls, 1))
}

#[test]
fn a_throttled_answer_holds_back_all_calls_not_yet_sent() {
    const CALLS: usize = 12;
    let standin = bulk(CALLS);
    standin.fault(
        Fault::answer(Answer::throttled().with("Retry-After", "3")).when(When::Calls(vec![2])),
    );
    // The others are answered well after the throttled one.
    standin.fault(Fault::delay(Duration::from_secs(1)).when(When::After(1)));
    let finished = many_calls(&standin, CALLS).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let requests = standin.requests();
    assert_eq!(requests.len(), CALLS + 1);
    let since: Vec<f64> = (1..requests.len())
        .map(|later| pause(&requests, 1, later))
        .collect();
    // The throttled one and three that went beside it; then nothing for three seconds.
    let early = since.iter().filter(|since| **since < 2.9).count();
    assert_eq!(early, 4, "{since:?}");
}

#[test]
fn a_gateway_that_throttles_everything_sees_no_more_than_a_few_requests_at_once() {
    const CALLS: usize = 8;
    let standin = bulk(CALLS);
    standin.fault(Fault::answer(Answer::throttled().with("Retry-After", "1")));
    let finished = many_calls(&standin, CALLS)
        .input("retries", "1")
        .input("concurrency", "4")
        .run();
    assert_eq!(finished.code, Some(5), "{}", finished.stdout);
    let requests = standin.requests();
    assert_eq!(requests.len(), CALLS * 2, "1 + `retries` each, no more");
    for first in 0..requests.len() {
        let within = (first..requests.len())
            .filter(|later| pause(&requests, first, *later) < 0.7)
            .count();
        assert!(within <= 4, "{within} requests within 0.7 s");
    }
}

#[test]
fn a_401_in_the_middle_ends_the_run() {
    const CALLS: usize = 12;
    let standin = bulk(CALLS);
    standin.fault(
        Fault::answer(Answer::gateway(
            401,
            "0301",
            "Incorrect IAM authentication information: AK not exist",
        ))
        .when(When::Calls(vec![4])),
    );
    standin.fault(Fault::delay(Duration::from_secs(1)).when(When::Calls(vec![2, 3, 4])));
    let finished = many_calls(&standin, CALLS).run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    // The first alone, four at once, of which one was refused; nothing after that.
    assert_eq!(standin.requests().len(), 5);
    let states = finished.states();
    let count = |wanted: &str| states.iter().filter(|state| *state == wanted).count();
    assert_eq!(
        (count("accepted"), count("failed"), count("skipped")),
        (4, 1, 7)
    );
    let results = finished.json("results");
    let reason = results[CALLS - 1]["tags"][0]["reason"].clone();
    assert!(
        reason.as_str().expect("a reason").contains("401"),
        "{reason}"
    );
    assert_eq!(
        results[CALLS - 1]["calls"],
        json!([]),
        "a call never sent is no call"
    );
}

#[test]
fn a_401_ends_the_pause_of_a_call_that_was_to_be_sent_again() {
    let standin = bulk(6);
    standin.fault(Fault::answer(answer(503).with("Retry-After", "30")).when(When::Calls(vec![2])));
    standin.fault(
        Fault {
            delay: Duration::from_millis(500),
            ..Fault::answer(answer(401))
        }
        .when(When::Calls(vec![3])),
    );
    let started = Instant::now();
    let finished = many_calls(&standin, 6).run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(standin.requests().len(), 6, "each once");
    let results = finished.json("results");
    let paused: Vec<_> = results
        .as_array()
        .expect("an array")
        .iter()
        .filter(|pair| pair["calls"][0]["httpStatus"] == 503)
        .collect();
    assert_eq!(paused.len(), 1);
    assert_eq!(paused[0]["tags"][0]["state"], "failed");
    assert_eq!(paused[0]["calls"][0]["attempts"], 1);
}

#[test]
fn the_first_request_goes_alone_until_its_first_attempt_has_ended() {
    let standin = bulk(5);
    standin.fault(
        Fault {
            delay: Duration::from_secs(1),
            ..Fault::answer(answer(503).with("Retry-After", "3"))
        }
        .when(When::First(1)),
    );
    let finished = many_calls(&standin, 5).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let requests = standin.requests();
    assert_eq!(requests.len(), 6);
    assert!(
        pause(&requests, 0, 1) >= 0.99,
        "nothing before the first answer"
    );
    assert!(
        pause(&requests, 0, 4) < 3.9,
        "the others do not wait for its retries"
    );
    assert_eq!(
        requests[5].path, requests[0].path,
        "the retry comes after them"
    );
    assert!(
        requests[1..5]
            .iter()
            .all(|request| request.path != requests[0].path)
    );
}
