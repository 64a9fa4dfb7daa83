use std::cell::RefCell;
use std::time::Duration;

use mockito::Matcher;

use super::*;
use crate::credentials::tests::{environment, fixed_clock, server};
use crate::transport;

fn token_of(claims: &str) -> SecretString {
    SecretString::from(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
}

/// What is obtained, and what was announced meanwhile.
async fn obtain(id_token: &IdToken) -> (Result<String, Failure>, Vec<String>) {
    let seen = RefCell::new(Vec::new());
    let events = |event| match event {
        Event::Secret(secret) => seen.borrow_mut().push(secret.expose_secret().to_owned()),
        other => panic!("{other:?}"),
    };
    let exchange = Exchange {
        http: &transport::direct(Duration::from_secs(5)).unwrap(),
        retries: 1,
        clock: fixed_clock(),
        events: &events,
    };
    let result = id_token.obtain(&exchange).await;
    (
        result.map(|token| token.expose_secret().to_owned()),
        seen.take(),
    )
}

fn issued(url: &str) -> IdToken {
    let variables = environment(&[(Issuer::URL, url), (Issuer::TOKEN, "request-token")]);
    IdToken::of_job(&variables, "a b&c=ü")
}

#[tokio::test]
async fn the_issuer_is_asked_for_the_audience_with_the_jobs_token() {
    let mut server = server().await;
    let _mock = server
        .mock(
            "GET",
            "/idtoken?api-version=2.0&audience=a%20b%26c%3D%C3%BC",
        )
        .match_header("Authorization", "Bearer request-token")
        .with_body(r#"{"count":9,"value":"the.id.token"}"#)
        .expect(1)
        .create_async()
        .await;
    let url = format!("{}/idtoken?api-version=2.0", server.url());
    let (token, announced) = obtain(&issued(&url)).await;
    assert_eq!(token.unwrap(), "the.id.token");
    assert_eq!(announced, ["the.id.token"]);
}

#[tokio::test]
async fn an_issuer_without_a_query_of_its_own_gets_one() {
    let mut server = server().await;
    let _mock = server
        .mock("GET", "/idtoken")
        .match_query(Matcher::UrlEncoded("audience".into(), "a b&c=ü".into()))
        .with_body(r#"{"value":"the.id.token"}"#)
        .create_async()
        .await;
    let url = format!("{}/idtoken", server.url());
    assert!(obtain(&issued(&url)).await.0.is_ok());
}

#[tokio::test]
async fn an_issuer_that_is_busy_is_asked_again() {
    let mut server = server().await;
    let mut mocks = Vec::new();
    for (status, body) in [(503, ""), (200, r#"{"value":"the.id.token"}"#)] {
        let mock = server.mock("GET", Matcher::Any).with_status(status);
        mocks.push(mock.with_body(body).create_async().await);
    }
    assert!(obtain(&issued(&server.url())).await.0.is_ok());
}

#[tokio::test]
async fn what_the_issuer_refuses_or_mumbles_is_told_without_its_answer() {
    for (status, body, exit) in [
        (401, "", Exit::NotAllowed),
        (403, r#"{"message":"no"}"#, Exit::NotAllowed),
        (302, "", Exit::Refused),
        (200, r#"{"token":"hunter2"}"#, Exit::Unreadable),
        (200, r#"{"value":""}"#, Exit::Unreadable),
        (200, "hunter2", Exit::Unreadable),
    ] {
        let mut server = server().await;
        let _mock = server
            .mock("GET", Matcher::Any)
            .with_status(status)
            .with_body(body)
            .expect(1)
            .create_async()
            .await;
        let (result, announced) = obtain(&issued(&server.url())).await;
        let failure = result.unwrap_err();
        assert_eq!(
            (failure.exit, failure.http_status),
            (exit, Some(status as u16))
        );
        assert!(!format!("{failure:?}").contains("hunter2"));
        assert!(announced.is_empty());
    }
    let failure = obtain(&issued("not an address")).await.0.unwrap_err();
    assert!(failure.message.contains(Issuer::URL), "{failure}");
}

#[tokio::test]
async fn a_token_file_is_read_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let from_file = IdToken::File {
        from: "HUAWEICLOUD_OIDC_TOKEN_FILE",
        path: path.clone(),
    };
    for token in ["one.id.token", "two.id.token"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        let (result, announced) = obtain(&from_file).await;
        assert_eq!(result.unwrap(), token);
        assert_eq!(announced, [token]);
    }
    for (content, expected) in [
        (String::new(), "is empty"),
        ("x".repeat(20_001), "is longer than 20000 characters"),
    ] {
        std::fs::write(&path, content).unwrap();
        let failure = obtain(&from_file).await.0.unwrap_err();
        assert_eq!(failure.exit, Exit::NotAllowed);
        assert!(failure.message.ends_with(expected), "{failure}");
    }
    std::fs::remove_file(&path).unwrap();
    let failure = obtain(&from_file).await.0.unwrap_err();
    assert!(failure.message.contains("cannot be read"), "{failure}");
}

#[tokio::test]
async fn a_missing_id_token_is_told_in_the_words_of_the_ci() {
    for (variables, remedy) in [
        (&[("GITHUB_ACTIONS", "true")][..], "id-token: write"),
        (
            &[("GITHUB_ACTIONS", "true"), ("FORGEJO_ACTIONS", "true")],
            "enable-openid-connect: true",
        ),
        (
            &[("GITHUB_ACTIONS", "true"), ("GITEA_ACTIONS", "true")],
            "Gitea without support",
        ),
        (&[("GITLAB_CI", "true")], "id_tokens"),
        (&[("CIRCLECI", "true")], "CIRCLE_OIDC_TOKEN_V2"),
        (&[], "where it has one"),
    ] {
        let id_token = IdToken::of_job(&environment(variables), "a");
        let failure = obtain(&id_token).await.0.unwrap_err();
        assert_eq!(failure.exit, Exit::NotAllowed);
        let told = failure.remedy.unwrap();
        assert!(told.contains(remedy), "{told}");
    }
}

#[tokio::test]
async fn a_pull_request_from_a_fork_is_told_that_it_gets_no_id_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("event.json");
    let event = r#"{"pull_request":{"head":{"repo":{"full_name":"someone/app"}},"base":{"repo":{"full_name":"org/app"}}}}"#;
    std::fs::write(&path, event).unwrap();
    let job = environment(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
    ]);
    let failure = obtain(&IdToken::of_job(&job, "a")).await.0.unwrap_err();
    assert!(failure.message.contains("from a fork"), "{failure}");
}

#[test]
fn claims_are_read_from_any_token_and_from_none() {
    let claims = Claims::of(&token_of(
        r#"{"iss":"https://i","aud":["a","b"],"sub":"repo:org/app:ref:refs/heads/main","exp":1795514400}"#,
    ));
    assert_eq!(
        claims.describe(),
        "iss `https://i`, aud `a, b` and sub `repo:org/app:ref:refs/heads/main`"
    );
    assert_eq!(claims.audience(), "a, b");
    for unreadable in ["", "x", "a.b.c", "a.e30.c", "a.W10.c"] {
        let claims = Claims::of(&SecretString::from(unreadable));
        assert_eq!(claims, Claims::default());
        assert_eq!(claims.audience(), "(none)");
    }
}

#[test]
fn expiry_is_known_from_the_token_and_from_the_service() {
    let now = fixed_clock().now();
    let expiring = |seconds: i64| {
        let claims = format!(r#"{{"exp":{}}}"#, now.as_second() + seconds);
        Claims::of(&token_of(&claims))
    };
    let (message, remedy) = expiring(0).expiry("STS", "", now).unwrap();
    assert_eq!(
        message,
        "STS refused an id token that expired at 2026-11-24T10:00:00Z"
    );
    assert!(remedy.ends_with("It says 2026-11-24T10:00:00Z"), "{remedy}");
    assert_eq!(expiring(1).expiry("STS", "refused", now), None);
    assert!(
        expiring(1)
            .expiry("STS", "token has expired", now)
            .is_some()
    );
}
