//! What is sent again, when, and what never is; told by the log of the stand-in.

mod gate;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use standin::{
    Answer, ConnectionFault, DEMO_TOKEN, Delivery, ErrorShape, Fault, Matcher, Reply, Request,
    Standin, Sync, SyncRule, When, World,
};

use crate::common::Run;

/// One repository with two tags, one target: one call.
fn one_call(standin: &Standin) -> Run {
    Run::github()
        .against(standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app")
        .input("tags", "1.0.0,1.1.0")
        .input("targets", "cn-east-3")
}

/// An answer that allows the next try at once.
fn at_once(answer: Answer) -> Answer {
    answer.with("Retry-After", "0")
}

fn answer(status: u16) -> Answer {
    Answer::error(
        ErrorShape::Generic,
        status,
        "X.1",
        "an answer of this status",
    )
}

/// The time of day in so long a while, as headers have it.
#[expect(
    clippy::disallowed_methods,
    reason = "the server asks for a wait by the clock"
)]
fn http_date(after: SignedDuration) -> String {
    let date = Timestamp::now() + after;
    date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn asked_tags(standin: &Standin) -> Vec<Value> {
    standin
        .sync_requests()
        .iter()
        .map(|request| request.json()["imageTag"].clone())
        .collect()
}

/// The time from one request to the next, by their place in the log.
fn pause(requests: &[Request], earlier: usize, later: usize) -> f64 {
    (requests[later].arrived - requests[earlier].arrived).as_secs_f64()
}

#[test]
fn what_may_pass_is_tried_again() {
    let plain = [408, 425, 429, 500, 502, 503, 504].map(answer);
    let throttling = [(403, "4031032"), (403, "4031042"), (409, "4090023")]
        .map(|(status, code)| Answer::swr(status, code, "Too many requests"));
    for answer in plain.into_iter().chain(throttling) {
        let status = answer.status;
        let standin = Standin::start(World::demo());
        standin.fault(Fault::answer(at_once(answer)).when(When::First(1)));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(0), "{status}\n{}", finished.stdout);
        assert_eq!(standin.requests().len(), 2, "{status}");
        let call = &finished.json("results")[0]["calls"][0];
        assert_eq!(call["attempts"], 2, "{status}");
        assert_eq!(call["httpStatus"], 200, "{status}");
        assert!(
            finished.stdout.contains("2 attempts"),
            "{}",
            finished.stdout
        );
    }
}

#[test]
fn a_lost_answer_is_asked_for_again() {
    for delivery in [
        Delivery::Reset,
        Delivery::Close,
        Delivery::ResetInBody,
        Delivery::Never,
    ] {
        let standin = Standin::start(World::demo());
        // The service does what it is asked, and nobody learns of it.
        standin.fault(Fault::delivery(delivery).when(When::First(1)));
        let finished = one_call(&standin).input("timeout", "2s").run();
        assert_eq!(finished.code, Some(0), "{delivery:?}\n{}", finished.stdout);
        assert_eq!(
            asked_tags(&standin),
            [json!(["1.0.0", "1.1.0"]), json!(["1.0.0", "1.1.0"])],
            "{delivery:?}"
        );
    }
    for fault in [ConnectionFault::Reset, ConnectionFault::Close] {
        let standin = Standin::start(World::demo());
        standin.connection_fault(fault, When::First(1));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(0), "{fault:?}\n{}", finished.stdout);
        assert_eq!(
            finished.json("results")[0]["calls"][0]["attempts"],
            2,
            "{fault:?}"
        );
    }
}

#[test]
fn what_would_not_pass_is_never_tried_again() {
    let cases = [
        (201, 5),
        (202, 5),
        (204, 5),
        (206, 5),
        (301, 5),
        (302, 5),
        (307, 5),
        (308, 5),
        (400, 5),
        (401, 3),
        (402, 5),
        (403, 3),
        (404, 4),
        (405, 5),
        (409, 5),
        (410, 5),
        (413, 5),
        (422, 5),
        (501, 5),
        (505, 5),
    ];
    for (status, exit) in cases {
        let standin = Standin::start(World::demo());
        let answer = answer(status).with("Location", &standin.endpoint());
        standin.fault(Fault::answer(at_once(answer)));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(exit), "{status}\n{}", finished.stdout);
        assert_eq!(standin.requests().len(), 1, "{status}");
        assert_eq!(finished.states(), ["failed", "failed"], "{status}");
    }
}

#[test]
fn an_answer_that_cannot_be_understood_is_never_tried_again() {
    for body in [
        "{}",
        "<html>",
        r#"["another"]"#,
        "[1]",
        r#"{"error_code":"X"}"#,
    ] {
        let standin = Standin::start(World::demo());
        standin.fault(Fault::answer(Answer::text(200, "application/json", body)));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(6), "{body}\n{}", finished.stdout);
        assert_eq!(standin.requests().len(), 1, "{body}");
        assert_eq!(finished.states(), ["unknown", "unknown"], "{body}");
    }
}

#[test]
fn a_call_is_sent_once_and_as_often_again_as_retries_says() {
    for retries in [0, 1, 4] {
        let standin = Standin::start(World::demo());
        standin.fault(Fault::answer(at_once(answer(503))));
        let finished = one_call(&standin)
            .input("retries", &retries.to_string())
            .run();
        assert_eq!(finished.code, Some(5), "{}", finished.stdout);
        assert_eq!(standin.requests().len(), retries + 1);
        assert_eq!(
            finished.json("results")[0]["calls"][0]["attempts"],
            retries + 1
        );
    }
}

#[test]
fn failures_and_named_tags_share_one_budget() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("1.1.0", Sync::named_and_failing()));
    standin.fault(Fault::answer(at_once(answer(503))).when(When::Calls(vec![1, 3])));
    let finished = one_call(&standin).input("retries", "3").run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    let (both, named) = (json!(["1.0.0", "1.1.0"]), json!(["1.1.0"]));
    assert_eq!(
        asked_tags(&standin),
        [both.clone(), both, named.clone(), named]
    );
    assert_eq!(finished.states(), ["accepted", "failed"]);
    assert_eq!(finished.json("results")[0]["calls"][0]["attempts"], 4);
}

#[test]
fn after_a_lost_answer_only_tags_not_known_good_are_sent_again() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule {
        times: Some(1),
        ..SyncRule::tag("1.1.0", Sync::named_and_failing())
    });
    standin.fault(Fault::delivery(Delivery::Reset).when(When::Calls(vec![2])));
    let finished = one_call(&standin).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(
        asked_tags(&standin),
        [
            json!(["1.0.0", "1.1.0"]),
            json!(["1.1.0"]),
            json!(["1.1.0"])
        ]
    );
    assert_eq!(finished.states(), ["accepted", "accepted"]);
}

#[test]
fn a_wait_that_the_server_asks_for_is_kept() {
    // A date is cut to the second, and some time passes before the answer is sent.
    for (wait, shortest) in [
        ("2".to_owned(), 2.0),
        (http_date(SignedDuration::from_secs(3)), 1.0),
    ] {
        let standin = Standin::start(World::demo());
        let answer = answer(503).with("Retry-After", &wait);
        standin.fault(Fault::answer(answer).when(When::First(1)));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(0), "{wait}\n{}", finished.stdout);
        let pause = pause(&standin.requests(), 0, 1);
        assert!((shortest..10.0).contains(&pause), "{wait}: {pause}");
    }
}

#[test]
fn a_date_to_wait_for_is_one_of_the_servers_clock() {
    let offset = SignedDuration::from_mins(20);
    let standin = Standin::start(World::demo());
    standin.set_clock_offset(offset);
    let date = http_date(offset + SignedDuration::from_secs(3));
    let answer = answer(503).with("Retry-After", &date);
    standin.fault(Fault::answer(answer).when(When::First(1)));
    let finished = one_call(&standin)
        .input("access-key", "")
        .input("secret-key", "")
        .input("auth-token", DEMO_TOKEN)
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let pause = pause(&standin.requests(), 0, 1);
    assert!((1.0..10.0).contains(&pause), "{pause}");
}

#[test]
fn a_wait_that_is_garbage_or_over_is_no_reason_to_give_up() {
    for wait in ["soon", "-1", "", "Tue, 24 Nov 2015 10:00:00 GMT"] {
        let standin = Standin::start(World::demo());
        let answer = answer(503).with("Retry-After", wait);
        standin.fault(Fault::answer(answer).when(When::First(1)));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(0), "{wait}\n{}", finished.stdout);
        assert_eq!(standin.requests().len(), 2, "{wait}");
    }
}

#[test]
fn a_wait_of_more_than_a_minute_is_given_up_and_told() {
    let in_an_hour = http_date(SignedDuration::from_hours(1));
    for (wait, told) in [("61", "asks to wait 1m 1s"), (&in_an_hour, "asks to wait ")] {
        let standin = Standin::start(World::demo());
        standin.fault(Fault::answer(Answer::throttled().with("Retry-After", wait)));
        let finished = one_call(&standin).run();
        assert_eq!(finished.code, Some(5), "{wait}\n{}", finished.stdout);
        assert_eq!(standin.requests().len(), 1, "{wait}");
        assert!(finished.stdout.contains(told), "{}", finished.stdout);
    }
}

#[test]
fn each_try_is_signed_anew() {
    let standin = Standin::start(World::demo());
    let fault = Fault {
        reply: Reply::AfterService(answer(503).with("Retry-After", "1")),
        ..Fault::delivery(Delivery::Whole)
    };
    standin.fault(fault.when(When::First(1)));
    let finished = one_call(&standin).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let requests = standin.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.verdict.is_accepted()));
    for header in ["x-sdk-date", "authorization"] {
        assert_ne!(requests[0].header(header), requests[1].header(header));
    }
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn the_summary_counts_attempts() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(at_once(answer(503)))
            .on(Matcher::sync())
            .when(When::First(2)),
    );
    let finished = one_call(&standin).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let summary = finished.file("summary.md");
    let row = summary
        .lines()
        .find(|line| line.contains("cn-east-3") && line.starts_with('|'))
        .unwrap_or_else(|| panic!("no row\n{summary}"));
    assert!(
        row.split('|').any(|cell| cell.trim() == "3"),
        "no cell with the three attempts: {row}"
    );
}
