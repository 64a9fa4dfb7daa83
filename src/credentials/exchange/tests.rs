use std::time::Instant;

use super::*;
use crate::credentials::tests::{fixed_clock, server};
use crate::transport;

async fn send(address: &str, retries: u32) -> Result<Answer, Failure> {
    let exchange = Exchange {
        http: &transport::direct(Duration::from_secs(5)).unwrap(),
        retries,
        clock: fixed_clock(),
        events: &|event| panic!("nothing to tell, but {event:?}"),
    };
    let address = format!("{address}/token?secret=hunter2");
    exchange
        .send("the service", &[404, 503], |http| http.get(&address))
        .await
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_not() {
    for (status, tries) in [
        (200, 1),
        (400, 1),
        (401, 1),
        (403, 1),
        (404, 1),
        (503, 1),
        (429, 2),
        (502, 2),
    ] {
        let mut server = server().await;
        let mock = server
            .mock("GET", "/token?secret=hunter2")
            .with_status(status)
            .expect(tries)
            .create_async()
            .await;
        let result = send(&server.url(), 1).await;
        assert_eq!(result.is_err(), tries > 1, "{status}");
        drop(mock);
    }
}

#[tokio::test]
async fn a_later_answer_counts() {
    let mut server = server().await;
    let mut mocks = Vec::new();
    for status in [500, 200] {
        let mock = server.mock("GET", "/token?secret=hunter2");
        mocks.push(mock.with_status(status).create_async().await);
    }
    assert_eq!(send(&server.url(), 1).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_server_may_make_us_wait_but_not_for_long() {
    let mut server = server().await;
    let _mock = server
        .mock("GET", "/token?secret=hunter2")
        .with_status(429)
        .with_header("Retry-After", "61")
        .expect(1)
        .create_async()
        .await;
    let started = Instant::now();
    let failure = send(&server.url(), 5).await.unwrap_err();
    assert_eq!(
        (failure.exit, failure.http_status),
        (Exit::Refused, Some(429))
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let mut server = server().await;
    let _mock = server
        .mock("GET", "/token?secret=hunter2")
        .with_body("x".repeat(ANSWER_LIMIT + 1))
        .create_async()
        .await;
    let failure = send(&server.url(), 1).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Unreadable);
}

#[tokio::test]
async fn that_a_service_cannot_be_reached_is_told_without_the_address() {
    let failure = send("http://127.0.0.1:1", 1).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert!(
        failure
            .message
            .starts_with("the service cannot be reached: "),
        "{failure}"
    );
    assert!(failure.message.ends_with(" (2 attempts)"), "{failure}");
    assert!(!failure.message.contains("hunter2"), "{failure}");
}

#[test]
fn the_words_of_every_service_are_read() {
    let said = |body: &str| {
        let answer = Answer {
            status: 401,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        answer
            .failure("no", Exit::NotAllowed, String::new())
            .to_string()
    };
    assert_eq!(
        said(
            r#"{"error_code":"STS5.1001","error_msg":"denied","request_id":"r","encoded_authorization_message":"SEALED"}"#
        ),
        "HTTP 401 STS5.1001: no: denied (request id r)"
    );
    assert_eq!(
        said(r#"{"error":{"code":401,"message":"The token is bad","title":"Unauthorized"}}"#),
        "HTTP 401: no: The token is bad"
    );
    assert_eq!(
        said(r#"{"error_msg":"bad","error_code":"IAM.0101"}"#),
        "HTTP 401 IAM.0101: no: bad"
    );
    for nothing in [
        "",
        "hunter2",
        r#"{"secret":"hunter2"}"#,
        r#"["hunter2"]"#,
        r#"{"error":"hunter2"}"#,
    ] {
        assert_eq!(said(nothing), "HTTP 401: no");
    }
}
