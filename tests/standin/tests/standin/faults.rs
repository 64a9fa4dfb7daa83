//! Everything that can go wrong goes wrong as asked.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use standin::{
    Answer, ConnectionFault, Delivery, ErrorShape, Fault, Matcher, Standin, When, World,
};

use crate::client::{Call, Reply, exchange, read, sync};

fn call(standin: &Standin) -> Call {
    sync("app", &["1.0.0"], "cn-east-3", false).signed(standin)
}

fn delivered(delivery: Delivery) -> std::io::Result<Vec<u8>> {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::delivery(delivery));
    exchange(&standin, &call(&standin).bytes())
}

#[test]
fn an_answer_comes_instead_at_the_turns_asked_for() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(Answer::throttled().with("Retry-After", "1"))
            .on(Matcher::sync())
            .when(When::Calls(vec![2])),
    );
    let replies: Vec<Reply> = (0..3).map(|_| call(&standin).send(&standin)).collect();
    assert_eq!(
        replies.iter().map(|reply| reply.status).collect::<Vec<_>>(),
        [200, 429, 200]
    );
    assert_eq!(replies[1].header("Retry-After"), Some("1"));
    assert_eq!(
        replies[1].json()["request_id"].as_str().unwrap(),
        replies[1].header("X-Request-Id").unwrap()
    );
    assert_eq!(
        standin
            .requests()
            .iter()
            .map(|request| request.faulted)
            .collect::<Vec<_>>(),
        [false, true, false]
    );
}

#[test]
fn a_matcher_looks_at_method_path_and_body() {
    let standin = Standin::start(World::demo());
    let on = Matcher {
        method: Some("POST".into()),
        path: Some("/swr/cn-north-4/*".into()),
        body: Some("\"1.1.0\"".into()),
    };
    standin.fault(
        Fault::answer(Answer::swr(
            500,
            "5000022",
            "Metadata synchronization failed",
        ))
        .on(on),
    );
    assert_eq!(call(&standin).send(&standin).status, 200);
    assert_eq!(
        sync("app", &["1.1.0"], "cn-east-3", false)
            .signed(&standin)
            .send(&standin)
            .status,
        500
    );
    standin.clear_faults();
    assert_eq!(
        sync("app", &["1.1.0"], "cn-east-3", false)
            .signed(&standin)
            .send(&standin)
            .status,
        200
    );
}

#[test]
fn every_shape_of_error_body_can_be_had() {
    let body = |shape| {
        let standin = Standin::start(World::demo());
        standin.fault(Fault::answer(Answer::error(shape, 400, "C", "M")));
        call(&standin).send(&standin)
    };
    assert_eq!(
        body(ErrorShape::Current).json()["errors"][0]["errorCode"],
        "C"
    );
    assert_eq!(body(ErrorShape::Array).json()[0]["errorMessage"], "M");
    assert_eq!(body(ErrorShape::Single).json()["errorCode"], "C");
    assert_eq!(body(ErrorShape::Gateway).json()["error_msg"], "M");
    assert_eq!(body(ErrorShape::Generic).json()["error_code"], "C");
    assert_eq!(body(ErrorShape::CodeAndMessage).json()["message"], "M");
    assert_eq!(body(ErrorShape::Registry).json()["errors"][0]["code"], "C");
    assert!(body(ErrorShape::Html).body.starts_with(b"<html>"));
    assert!(body(ErrorShape::Empty).body.is_empty());
}

#[test]
fn a_reset_after_the_request_leaves_the_work_done() {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::delivery(Delivery::Reset));
    let error = exchange(&standin, &call(&standin).bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(standin.requests()[0].status, None);
    standin.clear_faults();
    let jobs =
        "/swr/cn-north-4/v2/manage/namespaces/team/repos/app/sync_job?filter=limit::10|offset::0";
    assert_eq!(
        Call::get(jobs)
            .signed(&standin)
            .send(&standin)
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn answers_can_be_cut() {
    assert_eq!(delivered(Delivery::Close).unwrap(), b"");
    assert_eq!(
        delivered(Delivery::ResetInBody).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let reply = read(&delivered(Delivery::CloseInBody).unwrap());
    assert_eq!(
        (reply.header("Content-Length"), reply.body.as_slice()),
        (Some("2"), b"[".as_slice())
    );
}

#[test]
fn lengths_can_be_wrong() {
    let short = read(&delivered(Delivery::LengthTooShort).unwrap());
    assert_eq!(
        (short.header("Content-Length"), short.body.as_slice()),
        (Some("1"), b"[]".as_slice())
    );
    let long = read(&delivered(Delivery::LengthTooLong).unwrap());
    assert_eq!(
        (long.header("Content-Length"), long.body.as_slice()),
        (Some("12"), b"[]".as_slice())
    );
}

#[test]
fn encodings_can_vary() {
    let chunked = read(&delivered(Delivery::Chunked).unwrap());
    assert_eq!(chunked.body, b"2\r\n[]\r\n0\r\n\r\n");
    let zipped = read(&delivered(Delivery::Gzip).unwrap());
    assert_eq!(zipped.header("Content-Encoding"), Some("gzip"));
    assert_eq!(zipped.body[..2], [0x1f, 0x8b]);
    let informed = delivered(Delivery::Informational).unwrap();
    assert!(informed.starts_with(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"));
    assert!(informed.ends_with(b"\r\n\r\n[]"));
    assert!(!delivered(Delivery::Garbage).unwrap().starts_with(b"HTTP"));
}

#[test]
fn answers_can_be_slow_silent_or_endless() {
    let start = Instant::now();
    let slow = read(&delivered(Delivery::Trickle(Duration::from_millis(30))).unwrap());
    assert_eq!(slow.body, b"[]");
    assert!(start.elapsed() >= Duration::from_millis(60));

    for (delivery, patience, some) in [
        (Delivery::Never, Duration::from_millis(100), false),
        (Delivery::Endless, Duration::from_secs(10), true),
    ] {
        let standin = Standin::start(World::demo());
        standin.fault(Fault::delivery(delivery));
        let mut stream = TcpStream::connect(standin.address()).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        stream.write_all(&call(&standin).bytes()).unwrap();
        let mut much = vec![0; 1 << 20];
        assert_eq!(stream.read_exact(&mut much).is_ok(), some);
    }

    let standin = Standin::start(World::demo());
    standin.set_latency(Duration::from_millis(50));
    let start = Instant::now();
    call(&standin).send(&standin);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn connections_can_fail_before_they_are_read() {
    let standin = Standin::start(World::demo());
    standin.connection_fault(ConnectionFault::Reset, When::Calls(vec![1]));
    standin.connection_fault(ConnectionFault::Close, When::Calls(vec![2]));
    let bytes = call(&standin).bytes();
    // The first may break in the writing or in the reading.
    assert!(exchange(&standin, &bytes).is_err());
    assert!(exchange(&standin, &bytes).map_or(true, |answer| answer.is_empty()));
    assert_eq!(read(&exchange(&standin, &bytes).unwrap()).status, 200);
    assert_eq!(
        (standin.counters().connections, standin.counters().requests),
        (3, 1)
    );
}

#[test]
fn a_connection_serves_many_requests_one_after_the_other() {
    let standin = Standin::start(World::demo());
    let one = String::from_utf8(call(&standin).bytes())
        .unwrap()
        .replace("Connection: close\r\n", "");
    let answers = exchange(
        &standin,
        [one.as_bytes(), one.as_bytes(), &call(&standin).bytes()]
            .concat()
            .as_slice(),
    )
    .unwrap();
    assert_eq!(
        String::from_utf8(answers)
            .unwrap()
            .matches("HTTP/1.1 200")
            .count(),
        3
    );
    let counters = standin.counters();
    assert_eq!(
        (
            counters.connections,
            counters.requests,
            counters.most_in_flight
        ),
        (1, 3, 1)
    );
}

#[test]
fn a_chunked_request_is_read() {
    let standin = Standin::start(World::demo());
    let call = call(&standin);
    let head = String::from_utf8(
        Call {
            body: Vec::new(),
            ..call.clone()
        }
        .bytes(),
    )
    .unwrap()
    .replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let body = format!(
        "{:x}\r\n{}\r\n0\r\n\r\n",
        call.body.len(),
        String::from_utf8(call.body).unwrap()
    );
    assert_eq!(
        read(&exchange(&standin, (head + &body).as_bytes()).unwrap()).status,
        200
    );
}

#[test]
fn the_log_knows_when_an_answer_had_been_sent() {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::delay(Duration::from_millis(50)).when(When::First(1)));
    call(&standin).send(&standin);
    call(&standin).send(&standin);
    assert!(standin.wait_for(Duration::from_secs(5), |log| {
        log.len() == 2 && log.iter().all(|request| request.answered.is_some())
    }));
    let log = standin.requests();
    assert!(log[0].answered.unwrap() >= log[0].arrived + Duration::from_millis(50));
    assert!(log[1].arrived >= log[0].answered.unwrap());
}
