//! Everything that can go wrong between the program and the service, injected at the socket: what becomes of the tags, and
//! what a person with a red pipeline reads.

mod proxies;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::Value;
use standin::{
    Answer, Certificate, ConnectionFault, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Delivery, ErrorShape,
    Fault, Standin, When, World,
};

use crate::common::{Finished, Run};

/// One call with one tag, without retries.
fn run() -> Run {
    Run::github()
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0")
        .input("targets", "cn-east-3")
        .input("access-key", DEMO_ACCESS_KEY)
        .input("secret-key", DEMO_SECRET_KEY)
        .input("retries", "0")
}

/// The same against a stand-in.
fn against(standin: &Standin) -> Run {
    run()
        .input("endpoint", &standin.endpoint())
        .input("ca-certs", standin.ca_pem())
}

/// The same against a stand-in with one fault, over HTTP/1.1.
fn under(fault: Fault) -> Finished {
    let standin = Standin::start(World::demo());
    standin.fault(fault);
    against(&standin).input("timeout", "2s").run()
}

/// The same over TLS and HTTP/2.
fn under_http2(fault: Fault) -> Finished {
    let standin = encrypted(Certificate::Good);
    standin.fault(fault);
    let finished = against(&standin).input("timeout", "2s").run();
    assert_eq!(standin.requests()[0].version, "HTTP/2");
    finished
}

fn encrypted(certificate: Certificate) -> Standin {
    Standin::start_tls(World::demo(), certificate)
}

fn page(status: u16, title: &str) -> Answer {
    Answer::error(ErrorShape::Html, status, "", title)
}

/// A port of loopback that nobody listens on.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// Fails unless the run ended with this code and state, and says all of this in one annotation.
fn told(finished: &Finished, exit: i32, state: &str, texts: &[&str]) {
    let log = &finished.stdout;
    assert_eq!(finished.code, Some(exit), "{log}");
    let tag = &finished.json("results")[0]["tags"][0];
    assert_eq!(tag["state"], state, "{log}");
    let errors: Vec<_> = log
        .lines()
        .filter(|line| line.starts_with("::error "))
        .collect();
    let [error] = errors[..] else {
        panic!("not one annotation\n{log}")
    };
    for text in texts.iter().chain(&["What to do: "]) {
        assert!(error.contains(text), "{text:?} is not told\n{log}");
    }
    assert!(!error.contains("()"), "a name is missing\n{log}");
}

fn synced(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(finished.output("failed-count"), "0");
}

#[test]
fn a_refused_connection_is_told_with_its_address() {
    let address = closed();
    let finished = run().input("endpoint", &format!("http://{address}")).run();
    let cannot = format!("cannot connect to {address}: ");
    told(&finished, 5, "unknown", &[&cannot, "HTTPS_PROXY"]);
}

#[test]
fn a_name_that_cannot_be_looked_up_is_told() {
    // No resolver is asked for a label this long.
    let host = format!("{}.localhost", "a".repeat(70));
    let finished = run().input("endpoint", &format!("http://{host}")).run();
    let cannot = format!("the name {host} cannot be looked up");
    told(
        &finished,
        5,
        "unknown",
        &[&cannot, "`region`", "`endpoint`"],
    );
}

#[test]
fn a_connection_that_ends_before_the_request_is_told() {
    for fault in [ConnectionFault::Reset, ConnectionFault::Close] {
        let plain = Standin::start(World::demo());
        plain.connection_fault(fault, When::Always);
        let finished = against(&plain).run();
        let broke = format!("the connection to {} broke", plain.address());
        let cannot = format!("cannot connect to {}", plain.address());
        // A reset may arrive while the connection is still being made.
        let is_early = fault == ConnectionFault::Reset && finished.stdout.contains(&cannot);
        let texts = if is_early {
            [cannot.as_str(), "HTTPS_PROXY"]
        } else {
            [broke.as_str(), "may have been accepted"]
        };
        told(&finished, 5, "unknown", &texts);
        assert_eq!(plain.requests().len(), 0);

        let encrypted = encrypted(Certificate::Good);
        encrypted.connection_fault(fault, When::Always);
        let finished = against(&encrypted).run();
        let cannot = format!("cannot connect to {}", encrypted.address());
        told(&finished, 5, "unknown", &[&cannot]);
    }
}

#[test]
fn a_connection_that_ends_after_the_request_or_in_the_answer_is_told() {
    for delivery in [
        Delivery::Reset,
        Delivery::Close,
        Delivery::ResetInBody,
        Delivery::CloseInBody,
        Delivery::LengthTooLong,
        Delivery::Garbage,
    ] {
        let finished = under(Fault::delivery(delivery));
        let texts = [
            "the connection to 127.0.0.1:",
            "broke before the answer was complete",
            "may have been accepted",
        ];
        told(&finished, 5, "unknown", &texts);
    }
}

#[test]
fn an_error_whose_body_breaks_off_is_still_that_error() {
    for delivery in [
        Delivery::ResetInBody,
        Delivery::CloseInBody,
        Delivery::LengthTooLong,
    ] {
        let answer = Answer::swr(404, "4040058", "Namespace does not exist");
        let finished = under(Fault {
            delivery,
            ..Fault::answer(answer)
        });
        told(&finished, 4, "failed", &["HTTP 404"]);
    }
}

#[test]
fn an_answer_that_never_comes_or_comes_too_slowly_is_given_up_in_time() {
    let silent = Standin::start(World::demo());
    silent.connection_fault(ConnectionFault::Silent, When::Always);
    let never = Fault::delivery(Delivery::Never);
    let slow = Fault::delivery(Delivery::Trickle(Duration::from_secs(1)));
    let runs: [&dyn Fn() -> Finished; 5] = [
        &|| against(&silent).input("timeout", "2s").run(),
        &|| under(never.clone()),
        &|| under_http2(never.clone()),
        &|| under(slow.clone()),
        &|| under_http2(slow.clone()),
    ];
    for run in runs {
        let started = Instant::now();
        let finished = run();
        let spent = started.elapsed();
        told(&finished, 5, "unknown", &["no answer from", "`timeout`"]);
        assert!((2.0..9.0).contains(&spent.as_secs_f64()), "{spent:?}");
    }
}

#[test]
fn a_slow_answer_that_ends_in_time_is_an_answer() {
    let slow = Fault::delivery(Delivery::Trickle(Duration::from_millis(20)));
    synced(&under(slow.clone()));
    synced(&under_http2(slow));
}

#[test]
fn no_more_than_the_limit_is_read_of_an_endless_answer() {
    for run in [under, under_http2] {
        let finished = run(Fault::delivery(Delivery::Endless));
        told(&finished, 6, "unknown", &["longer than 1 MiB"]);
        let answer = Answer::swr(404, "4040058", "Namespace does not exist");
        let finished = run(Fault {
            delivery: Delivery::Endless,
            ..Fault::answer(answer)
        });
        told(&finished, 4, "failed", &["HTTP 404", "Namespace does not"]);
    }
    // Forty megabytes that travel as forty kilobytes.
    let bomb = Answer::text(200, "application/json", " ".repeat(40 * 1024 * 1024));
    let finished = under(Fault {
        delivery: Delivery::Gzip,
        ..Fault::answer(bomb)
    });
    told(&finished, 6, "unknown", &["longer than 1 MiB"]);
}

#[test]
fn a_body_cut_by_a_length_too_short_is_not_taken_for_an_answer() {
    let finished = under(Fault::delivery(Delivery::LengthTooShort));
    told(&finished, 6, "unknown", &["the body is not JSON"]);
}

#[test]
fn an_answer_may_travel_in_every_way_that_http_knows() {
    for delivery in [
        Delivery::Chunked,
        Delivery::Gzip,
        Delivery::Informational,
        Delivery::LastOfConnection,
    ] {
        synced(&under(Fault::delivery(delivery)));
        synced(&under_http2(Fault::delivery(delivery)));
    }
}

#[test]
fn a_redirect_is_never_followed() {
    let elsewhere = Standin::start(World::demo());
    for status in [301, 302, 303, 307, 308] {
        let answer = page(status, "Moved").with("Location", elsewhere.url());
        let finished = under(Fault::answer(answer));
        let status = format!("HTTP {status}");
        told(&finished, 5, "failed", &[&status, "never followed"]);
    }
    assert_eq!(elsewhere.counters().connections, 0);
}

#[test]
fn a_page_in_place_of_an_answer_is_recognised() {
    let finished = under(Fault::answer(page(200, "Login")));
    let texts = ["a web page titled “200 Login”", "a login page"];
    told(&finished, 6, "unknown", &texts);
    let finished = under(Fault::answer(page(502, "Bad Gateway")));
    let texts = ["HTTP 502", "a web page titled “502 Bad Gateway”"];
    told(&finished, 5, "failed", &texts);
}

#[test]
fn a_clock_twenty_minutes_off_is_told_with_the_difference() {
    for (offset, side) in [(20, "20m behind"), (-20, "20m ahead of")] {
        let standin = Standin::start(World::demo());
        standin.set_clock_offset(SignedDuration::from_mins(offset));
        let finished = against(&standin).input("retries", "3").run();
        told(&finished, 3, "failed", &["set the runner's clock", side]);
        assert_eq!(standin.requests().len(), 1);
    }
}

#[test]
fn what_a_call_came_to_is_in_results_also_without_an_answer() {
    let finished = under(Fault::delivery(Delivery::Reset));
    let call = &finished.json("results")[0]["calls"][0];
    assert_eq!(call["httpStatus"], Value::Null);
    assert_eq!(call["attempts"], 1);
    assert!(
        call["message"]
            .as_str()
            .is_some_and(|text| text.contains("broke"))
    );
}
