//! One attempt of a call, one test for each class of answer and each documented code that is treated apart.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use mockito::{Matcher, Mock, Server, ServerOpts};
use swr_image_sync::clock::Clock;
use swr_image_sync::config::{Endpoint, Override};
use swr_image_sync::credentials::{Keys, Provider, Services, Source};
use swr_image_sync::event::Event;
use swr_image_sync::names::{Region, Target};
use swr_image_sync::outcome::Exit;
use swr_image_sync::plan::Images;
use swr_image_sync::swr::client::{ANSWER_LIMIT, Answer, Client};
use swr_image_sync::swr::error::{ApiError, ErrorKind};
use swr_image_sync::swr::gate::Gate;
use swr_image_sync::swr::operations::{self, Request};
use swr_image_sync::transport;

/// A server whose mocks must all be hit, exactly as often as they say.
pub(crate) async fn server() -> Server {
    Server::new_with_opts_async(ServerOpts {
        assert_on_drop: true,
        ..ServerOpts::default()
    })
    .await
}

fn clock() -> Timestamp {
    "2026-11-24T03:00:00Z".parse().expect("a time")
}

pub(crate) fn client(server: &Server, project_id: Option<&str>) -> Client {
    let keys = Keys {
        access_key: "HWTESTAKAAAAAAAAAAA1".to_owned(),
        secret_key: "hwTestSkBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB2".into(),
        security_token: None,
    };
    let http = transport::direct(Duration::from_secs(5)).expect("a client");
    let services = Services {
        http: http.clone(),
        sts: String::new(),
        iam: String::new(),
        retries: 0,
    };
    let source = Source::Keys {
        from: "the test",
        keys,
    };
    Client {
        http,
        endpoint: Endpoint::parse(&server.url()).expect("loopback"),
        source: region(),
        project_id: project_id.map(str::to_owned),
        credentials: Provider::new(source, services, Clock(clock)),
        clock: Clock(clock),
        retries: 3,
        gate: Gate::default(),
    }
}

pub(crate) fn region() -> Region {
    "cn-north-4".parse().expect("a region")
}

fn request() -> Request {
    let images = Images {
        namespace: "group".parse().expect("a namespace"),
        repository: "team/app".parse().expect("a repository"),
        tags: ["v1", "v2"]
            .iter()
            .map(|tag| tag.parse().expect("a tag"))
            .collect(),
    };
    let target = Target {
        region: "cn-south-1".parse().expect("a region"),
        namespace: "group".parse().expect("a namespace"),
    };
    operations::sync_images(&images, &target, &images.tags, Override::Keep)
}

async fn attempt(client: &Client) -> Result<Answer, ApiError> {
    client
        .attempt(&region(), &request(), ANSWER_LIMIT, &|| {}, &|_: Event| {})
        .await
}

fn sync(server: &mut Server) -> Mock {
    server
        .mock(
            "POST",
            "/v2/manage/namespaces/group/repos/team$app/sync_images",
        )
        .expect(1)
}

/// The answer to one request, as the client takes it.
async fn answer(status: usize, body: &str) -> ApiError {
    let mut server = server().await;
    let _mock = sync(&mut server)
        .with_status(status)
        .with_body(body)
        .create_async()
        .await;
    attempt(&client(&server, None))
        .await
        .expect_err("anything but 200 is an error")
}

fn swr(code: &str, message: &str) -> String {
    format!(
        r#"{{"errors":[{{"errorCode":"{code}","errorMessage":"{message}","detail":""}}],"error_code":"{code}","error_msg":"{message}","encoded_authorization_message":"SEALED"}}"#
    )
}

#[tokio::test]
async fn a_request_has_exactly_the_documented_keys_and_its_signature_covers_every_header_but_the_agents()
 {
    let mut server = server().await;
    let _mock = sync(&mut server)
        .match_body(Matcher::Regex(r#"^\{"imageTag":\["v1","v2"\],"override":false,"remoteNamespace":"group","remoteRegionId":"cn-south-1"\}$"#.to_owned()))
        .match_header("content-type", "application/json")
        .match_header("x-sdk-date", "20261124T030000Z")
        .match_header("x-project-id", "p1")
        .match_header("authorization", Matcher::Regex("^SDK-HMAC-SHA256 Access=HWTESTAKAAAAAAAAAAA1, SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=[0-9a-f]{64}$".to_owned()))
        .with_header("x-request-id", "r-1")
        .with_body("[]")
        .create_async()
        .await;
    let answer = attempt(&client(&server, Some("p1"))).await.expect("200");
    assert_eq!(
        (answer.body.as_slice(), answer.request_id.as_deref()),
        (&b"[]"[..], Some("r-1"))
    );
}

#[tokio::test]
async fn a_project_id_never_goes_to_another_region() {
    let mut server = server().await;
    let _mock = sync(&mut server)
        .match_header("x-project-id", Matcher::Missing)
        .with_body("[]")
        .create_async()
        .await;
    let elsewhere = "cn-south-1".parse().expect("a region");
    let client = client(&server, Some("p1"));
    client
        .attempt(&elsewhere, &request(), ANSWER_LIMIT, &|| {}, &|_: Event| {})
        .await
        .expect("200");
}

#[tokio::test]
async fn only_200_is_success() {
    for status in [201, 202, 204, 301, 302, 307] {
        let error = answer(status, "").await;
        assert_eq!(
            (error.kind, error.failure.exit),
            (ErrorKind::Refused, Exit::Refused),
            "{status}"
        );
        assert!(!error.is_retryable(), "{status}");
    }
}

#[tokio::test]
async fn not_authenticated_and_not_allowed_are_never_retried() {
    for (status, code, kind) in [
        (401, "APIGW.0301", ErrorKind::Unauthorized),
        (401, "SVCSTG.SWR.4010000", ErrorKind::Unauthorized),
        (403, "APIGW.0302", ErrorKind::Forbidden),
        (403, "SVCSTG.SWR.4030170", ErrorKind::Forbidden),
    ] {
        let error = answer(status, &swr(code, "no")).await;
        assert_eq!(
            (error.kind, error.failure.exit, error.is_retryable()),
            (kind, Exit::NotAllowed, false),
            "{code}"
        );
        assert_eq!(error.failure.code.as_deref(), Some(code));
        assert!(!format!("{error:?}").contains("SEALED"));
    }
}

#[tokio::test]
async fn what_does_not_exist_is_told_apart() {
    for (status, code, part) in [
        (404, "SVCSTG.SWR.4040058", "organization"),
        (404, "SVCSTG.SWR.4040010", "repository"),
        (404, "SVCSTG.SWR.4041057", "tag"),
        (404, "APIGW.0101", "slash"),
        (400, "SVCSTG.SWR.4001090", "check"),
    ] {
        let error = answer(status, &swr(code, "gone")).await;
        assert_eq!(
            (error.kind, error.failure.exit, error.is_retryable()),
            (ErrorKind::NotFound, Exit::NotFound, false),
            "{code}"
        );
        assert!(
            error
                .failure
                .remedy
                .as_deref()
                .is_some_and(|remedy| remedy.contains(part)),
            "{code}: {:?}",
            error.failure.remedy
        );
    }
}

#[tokio::test]
async fn throttling_is_recognised_in_all_its_disguises() {
    for (status, code) in [
        (429, "APIGW.0308"),
        (403, "SVCSTG.SWR.4031032"),
        (403, "SVCSTG.SWR.4031042"),
        (409, "SVCSTG.SWR.4090023"),
    ] {
        let error = answer(status, &swr(code, "slow down")).await;
        assert_eq!(
            (error.kind, error.failure.exit, error.is_retryable()),
            (ErrorKind::Throttled, Exit::Refused, true),
            "{code}"
        );
    }
}

#[tokio::test]
async fn what_passes_is_retried_and_what_does_not_is_not() {
    for status in [408, 425, 500, 502, 503, 504] {
        assert!(answer(status, "").await.is_retryable(), "{status}");
    }
    for status in [
        400, 402, 405, 406, 407, 409, 410, 413, 422, 451, 501, 505, 507,
    ] {
        let error = answer(status, "").await;
        assert_eq!(
            (error.kind, error.is_retryable()),
            (ErrorKind::Refused, false),
            "{status}"
        );
    }
}

#[tokio::test]
async fn every_error_has_a_remedy_and_the_request_id_of_header_or_body() {
    for status in [201, 302, 400, 401, 403, 404, 407, 409, 429, 500, 503] {
        let mut server = server().await;
        let body = r#"{"error_code":"APIGW.0000","error_msg":"m","request_id":"from-body"}"#;
        let _mock = sync(&mut server)
            .with_status(status)
            .with_body(body)
            .create_async()
            .await;
        let error = attempt(&client(&server, None)).await.expect_err("an error");
        assert!(
            error
                .failure
                .remedy
                .is_some_and(|remedy| !remedy.is_empty()),
            "{status}"
        );
        assert_eq!(error.failure.request_id.as_deref(), Some("from-body"));
    }
}

#[tokio::test]
async fn a_retry_after_is_taken_from_the_answer() {
    let mut server = server().await;
    let _mock = sync(&mut server)
        .with_status(503)
        .with_header("retry-after", "7")
        .create_async()
        .await;
    let error = attempt(&client(&server, None)).await.expect_err("an error");
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_200_of_more_than_one_mebibyte_is_not_read_to_its_end() {
    let mut server = server().await;
    let _mock = sync(&mut server)
        .with_body("[".to_owned() + &" ".repeat(ANSWER_LIMIT + 1))
        .create_async()
        .await;
    let error = attempt(&client(&server, None)).await.expect_err("an error");
    assert_eq!(
        (error.kind, error.failure.exit),
        (ErrorKind::Unreadable, Exit::Unreadable)
    );
}

#[tokio::test]
async fn after_a_401_nothing_is_sent_any_more() {
    let mut server = server().await;
    let _mock = sync(&mut server)
        .with_status(401)
        .with_body(swr("APIGW.0301", "no"))
        .create_async()
        .await;
    let client = client(&server, None);
    assert_eq!(
        attempt(&client).await.expect_err("401").kind,
        ErrorKind::Unauthorized
    );
    assert_eq!(
        attempt(&client).await.expect_err("not sent").kind,
        ErrorKind::NotSent
    );
}

#[tokio::test]
async fn the_first_request_goes_alone() {
    let mut server = server().await;
    let _mock = server
        .mock("POST", Matcher::Any)
        .expect(3)
        .with_body("[]")
        .create_async()
        .await;
    let client = client(&server, None);
    let order = RefCell::new(Vec::new());
    let one = |name: &'static str| {
        let (client, order) = (&client, &order);
        async move {
            let sending = || order.borrow_mut().push(format!("{name} sent"));
            client
                .attempt(
                    &region(),
                    &request(),
                    ANSWER_LIMIT,
                    &sending,
                    &|_: Event| {},
                )
                .await
                .expect("200");
            order.borrow_mut().push(format!("{name} answered"));
        }
    };
    tokio::join!(one("first"), one("second"), one("third"));
    let order = order.into_inner();
    assert_eq!(order[..2], ["first sent", "first answered"], "{order:?}");
    assert_eq!(order.len(), 6);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_no_answer() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let server = server().await;
    let mut client = client(&server, None);
    client.endpoint = Endpoint::parse(&format!("http://{address}")).expect("loopback");
    let error = attempt(&client).await.expect_err("nothing listens");
    assert_eq!(
        (error.kind, error.failure.exit, error.is_retryable()),
        (ErrorKind::NoAnswer, Exit::Refused, true)
    );
    assert!(
        error.failure.message.contains(&address.to_string()),
        "{}",
        error.failure.message
    );
}
