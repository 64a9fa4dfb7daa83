use std::cell::{Cell, RefCell};

use futures_util::future::join_all;
use mockito::{Mock, Server};
use secrecy::ExposeSecret;

use super::*;
use crate::credentials::tests::server;
use crate::credentials::{Agency, IdToken, Keys};
use crate::transport;

thread_local! {
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

fn set_time(text: &str) {
    NOW.set(format!("2026-11-24T{text}Z").parse().unwrap());
}

fn provider(server: &Server) -> Provider {
    let agency = Agency {
        provider_urn: "iam::1:oidcProvider:github".to_owned(),
        agency_urn: "iam::1:agency:sync".to_owned(),
        session_name: "org-app-1".to_owned(),
        duration_seconds: 3600,
        policy: None,
        policy_ids: Vec::new(),
        id_token: IdToken::Given("the.id.token".into()),
    };
    let services = Services {
        http: transport::direct(std::time::Duration::from_secs(5)).unwrap(),
        sts: server.url(),
        iam: server.url(),
        retries: 0,
    };
    Provider::new(Source::Agency(agency), services, Clock(|| NOW.get()))
}

/// Mocks answer in the order they are made, each as often as it says.
async fn keys_until(server: &mut Server, access_key: &str, time: &str) -> Mock {
    let body = serde_json::json!({"credentials": {
        "access_key_id": access_key,
        "secret_access_key": format!("secret of {access_key}"),
        "security_token": format!("token of {access_key}"),
        "expiration": format!("2026-11-24T{time}.000Z"),
    }});
    server
        .mock("POST", "/v5/agencies/assume-with-oidc")
        .with_body(body.to_string())
        .expect(1)
        .create_async()
        .await
}

async fn busy(server: &mut Server, times: usize) -> Mock {
    server
        .mock("POST", "/v5/agencies/assume-with-oidc")
        .with_status(503)
        .expect(times)
        .create_async()
        .await
}

/// What is seen of a run, one line an event.
#[derive(Default)]
struct Seen(RefCell<Vec<String>>);

impl Seen {
    async fn current(&self, provider: &Provider) -> Result<String, Failure> {
        let events = |event: Event| {
            let line = match event {
                Event::Secret(secret) => format!("secret {}", secret.expose_secret()),
                Event::AccessKey(key) => format!("access key {key}"),
                Event::Log(level, text) => format!("{level:?} {text}"),
                other => panic!("not of credentials: {other:?}"),
            };
            self.0.borrow_mut().push(line);
        };
        match provider.current(&events).await? {
            Credentials::Keys(Keys { access_key, .. }) => Ok(access_key),
            Credentials::Token(token) => Ok(token.expose_secret().to_owned()),
        }
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

#[tokio::test]
async fn secrets_are_announced_before_anything_is_said() {
    let mut server = server().await;
    let _mock = keys_until(&mut server, "HSTONE", "11:00:00").await;
    set_time("10:00:00");
    let seen = Seen::default();
    assert_eq!(seen.current(&provider(&server)).await.unwrap(), "HSTONE");
    assert_eq!(
        seen.take(),
        [
            "secret secret of HSTONE",
            "secret token of HSTONE",
            "access key HSTONE",
            "Info credentials: temporary keys of agency `sync` from STS, valid until 2026-11-24T11:00:00Z",
        ]
    );
}

#[tokio::test]
async fn many_requests_at_once_fetch_once() {
    let mut server = server().await;
    let _mock = keys_until(&mut server, "HSTONE", "11:00:00").await;
    set_time("10:00:00");
    let provider = provider(&server);
    let seen = Seen::default();
    let all = join_all((0..20).map(|_| seen.current(&provider))).await;
    assert!(all.into_iter().all(|result| result.unwrap() == "HSTONE"));
}

#[tokio::test]
async fn many_requests_at_once_share_one_failure() {
    let mut server = server().await;
    let _mock = busy(&mut server, 1).await;
    set_time("10:00:00");
    let provider = provider(&server);
    let seen = Seen::default();
    let all = join_all((0..20).map(|_| seen.current(&provider))).await;
    assert!(
        all.into_iter()
            .all(|result| result.unwrap_err().exit == Exit::Refused)
    );
}

#[tokio::test]
async fn keys_are_renewed_ten_minutes_before_they_expire() {
    let mut server = server().await;
    let _first = keys_until(&mut server, "HSTONE", "11:00:00").await;
    set_time("10:00:00");
    let provider = provider(&server);
    let seen = Seen::default();
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    set_time("10:49:59");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    let _second = keys_until(&mut server, "HSTTWO", "11:50:00").await;
    set_time("10:50:00");
    seen.take();
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTTWO");
    let last = seen.take().pop().unwrap();
    assert!(last.starts_with("Info renewed credentials: "), "{last}");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTTWO");
}

#[tokio::test]
async fn short_lived_keys_are_renewed_at_half_their_life() {
    let mut server = server().await;
    let _first = keys_until(&mut server, "HSTONE", "10:15:00").await;
    set_time("10:00:00");
    let provider = provider(&server);
    let seen = Seen::default();
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    set_time("10:07:29");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    let _second = keys_until(&mut server, "HSTTWO", "10:22:30").await;
    set_time("10:07:30");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTTWO");
}

#[tokio::test]
async fn a_failed_renewal_is_a_warning_while_the_old_keys_last() {
    let mut server = server().await;
    let _first = keys_until(&mut server, "HSTONE", "11:00:00").await;
    set_time("10:00:00");
    let provider = provider(&server);
    let seen = Seen::default();
    seen.current(&provider).await.unwrap();
    seen.take();
    let _failing = busy(&mut server, 3).await;
    let warnings = || {
        let seen = seen.take();
        seen.iter().filter(|line| line.starts_with("Warn ")).count()
    };
    set_time("10:50:00");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    assert_eq!(warnings(), 1);
    set_time("10:50:59");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    assert_eq!(warnings(), 0, "the next attempt waits a minute");
    set_time("10:51:00");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTONE");
    assert_eq!(warnings(), 1);
    set_time("11:00:00");
    assert_eq!(
        seen.current(&provider).await.unwrap_err().exit,
        Exit::Refused
    );
    let _second = keys_until(&mut server, "HSTTWO", "12:00:00").await;
    set_time("11:01:00");
    assert_eq!(seen.current(&provider).await.unwrap(), "HSTTWO");
}

#[tokio::test]
async fn keys_that_have_expired_on_arrival_are_refused() {
    let mut server = server().await;
    let _mock = keys_until(&mut server, "HSTONE", "11:00:00").await;
    set_time("11:00:00");
    let provider = provider(&server);
    let seen = Seen::default();
    let failure = seen.current(&provider).await.unwrap_err();
    assert_eq!(failure.exit, Exit::NotAllowed);
    assert!(
        failure.message.contains("2026-11-24T11:00:00Z"),
        "{failure}"
    );
    seen.current(&provider).await.unwrap_err();
}

#[tokio::test]
async fn given_credentials_are_kept() {
    let server = server().await;
    set_time("10:00:00");
    let mut provider = provider(&server);
    provider.source = Source::Token("the-auth-token".into());
    let seen = Seen::default();
    for _ in 0..2 {
        assert_eq!(seen.current(&provider).await.unwrap(), "the-auth-token");
        set_time("20:00:00");
    }
    assert_eq!(
        seen.take(),
        ["Info credentials: the token in the input `auth-token`"]
    );
}
