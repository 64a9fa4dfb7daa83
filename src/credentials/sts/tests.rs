use std::time::Duration;

use mockito::Matcher;
use reqwest::header::HeaderMap;

use super::*;
use crate::credentials::tests::{fixed_clock, server};
use crate::outcome::Exit;
use crate::transport;

fn agency() -> Agency {
    Agency {
        provider_urn: "iam::1:oidcProvider:github".to_owned(),
        agency_urn: "iam::1:agency:sync".to_owned(),
        session_name: "org-app-1".to_owned(),
        duration_seconds: 3600,
        policy: None,
        policy_ids: Vec::new(),
        id_token: IdToken::Given("the.id.token".into()),
    }
}

async fn assume(agency: &Agency, address: &str) -> Result<Issued, Failure> {
    let exchange = Exchange {
        http: &transport::direct(Duration::from_secs(5)).unwrap(),
        retries: 0,
        clock: fixed_clock(),
        events: &|_| {},
    };
    agency.assume(address, &exchange).await
}

#[test]
fn sts_of_the_source_region_is_asked_where_there_is_one() {
    let address = |region: &str| address(None, &region.parse().unwrap());
    assert_eq!(
        address("ap-southeast-3"),
        "https://sts.ap-southeast-3.myhuaweicloud.com"
    );
    assert_eq!(
        address("cn-north-9"),
        "https://sts.cn-north-4.myhuaweicloud.com"
    );
    let own = Endpoint::parse("https://sts.example/{region}").unwrap();
    assert_eq!(
        super::address(Some(&own), &"cn-north-9".parse().unwrap()),
        "https://sts.example/cn-north-9"
    );
}

#[tokio::test]
async fn the_request_is_as_documented_and_holds_nothing_else() {
    let mut server = server().await;
    let plain = serde_json::json!({
        "provider_urn": "iam::1:oidcProvider:github",
        "agency_urn": "iam::1:agency:sync",
        "agency_session_name": "org-app-1",
        "id_token": "the.id.token",
        "duration_seconds": 3600,
    });
    let mut limited = plain.clone();
    limited["policy"] = "{}".into();
    limited["policy_ids"] = serde_json::json!(["a"]);
    let mut mocks = Vec::new();
    for body in [plain, limited] {
        let mock = server
            .mock("POST", "/v5/agencies/assume-with-oidc")
            .match_header("content-type", "application/json")
            .match_header("authorization", Matcher::Missing)
            .match_header("x-auth-token", Matcher::Missing)
            .match_body(Matcher::Json(body))
            .with_body(r#"{"credentials":{"access_key_id":"HST","secret_access_key":"s","security_token":"t","expiration":"2026-11-24T11:00:00.123Z"}}"#)
            .create_async()
            .await;
        mocks.push(mock);
    }
    let issued = assume(&agency(), &server.url()).await.unwrap();
    assert_eq!(
        issued.expires.unwrap().to_string(),
        "2026-11-24T11:00:00.123Z"
    );
    let limited = Agency {
        policy: Some("{}".to_owned()),
        policy_ids: vec!["a".to_owned()],
        ..agency()
    };
    assume(&limited, &server.url()).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_lacks_something_is_refused_and_not_repeated() {
    for (status, body) in [
        (
            200,
            r#"{"credentials":{"access_key_id":"HST","secret_access_key":"hunter2"}}"#,
        ),
        (200, "<html>hunter2"),
        (201, r#"{"secret_access_key":"hunter2"}"#),
    ] {
        let mut server = server().await;
        let _mock = server
            .mock("POST", Matcher::Any)
            .with_status(status)
            .with_body(body)
            .create_async()
            .await;
        let failure = assume(&agency(), &server.url()).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Unreadable, "{failure}");
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
}

#[test]
fn each_refusal_is_told_with_its_remedy() {
    for (status, code, said, message, remedy) in [
        (
            400,
            "STS5.2001",
            "audience",
            "STS does not accept the audience of the id token: audience",
            "add `aud` to the client ids",
        ),
        (
            403,
            "STS5.1001",
            "denied",
            "the trust policy of the agency does not let this job in: denied",
            "iss `iss`, aud `aud` and sub `sub`",
        ),
        (
            404,
            "STS5.9999",
            "The OIDC provider x does not exist",
            "STS does not know the identity provider: ",
            "check `oidc-provider-urn`: account and name (`github`)",
        ),
        (
            404,
            "STS5.9999",
            "The agency x does not exist",
            "STS does not know the agency: ",
            "check `oidc-agency-urn`: account and name (`sync`)",
        ),
        (
            400,
            "STS5.9999",
            "The id token has expired",
            "STS says that the id token has expired: ",
            "in the job that syncs",
        ),
        (
            400,
            "STS5.9999",
            "Odd",
            "STS refused the id token: Odd",
            "check `oidc-provider-urn`, `oidc-agency-urn` and `sts-endpoint`",
        ),
    ] {
        let answer = Answer {
            status,
            headers: HeaderMap::new(),
            body: serde_json::json!({"error_code": code, "error_msg": said})
                .to_string()
                .into_bytes(),
        };
        // {"iss":"iss","aud":"aud","sub":"sub"}
        let claims =
            Claims::of(&"e30.eyJpc3MiOiJpc3MiLCJhdWQiOiJhdWQiLCJzdWIiOiJzdWIifQ.c2ln".into());
        let failure = agency().refused(&answer, &claims, fixed_clock().now());
        assert_eq!(failure.exit, Exit::NotAllowed);
        assert!(failure.message.starts_with(message), "{failure}");
        let told = failure.remedy.unwrap();
        assert!(told.contains(remedy), "{told}");
    }
}
