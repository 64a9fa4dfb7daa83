//! Temporary keys from the metadata service of an ECS host.
//!
//! Source: `huaweicloudsdkcore` 3.1.219, class `MetadataAccessor`.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::credentials::exchange::{Answer, Exchange};
use crate::credentials::provider::Issued;
use crate::credentials::{Credentials, Keys};
use crate::event::Event;
use crate::outcome::{Exit, Failure};
use crate::transport;

/// The address of the service on every ECS host. It is link-local, and not for anyone to change.
pub(super) const ADDRESS: &str = "http://169.254.169.254";

/// The service in messages.
const WHAT: &str = "the metadata service of the ECS host";

/// For one request; on a host that has no such service it would else take minutes.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Further tries of one request.
const RETRIES: u32 = 2;

#[derive(Deserialize)]
struct SecurityKeyAnswer {
    credential: SecurityKey,
}

#[derive(Deserialize)]
struct SecurityKey {
    access: String,
    secret: SecretString,
    securitytoken: SecretString,
    expires_at: Timestamp,
}

/// Takes the keys of the host's agency.
///
/// # Errors
/// There is no such service, or the host has no agency.
pub(super) async fn keys(address: &str, exchange: &Exchange<'_>) -> Result<Issued, Failure> {
    // No proxy ever sees these requests.
    let http = transport::direct(TIMEOUT)?;
    let exchange = Exchange {
        http: &http,
        retries: RETRIES.min(exchange.retries),
        ..*exchange
    };
    let token = token(address, &exchange).await?;
    let url = format!("{address}/openstack/latest/securitykey");
    let answer = exchange
        .send(WHAT, &[], |http| match &token {
            Some(token) => http
                .get(&url)
                .header("X-Metadata-Token", token.expose_secret()),
            None => http.get(&url),
        })
        .await
        .map_err(explain)?;
    if answer.status != 200 {
        return Err(refused(&answer));
    }
    let SecurityKeyAnswer { credential } = answer.json(WHAT)?;
    let keys = Keys {
        access_key: credential.access,
        secret_key: credential.secret,
        security_token: Some(credential.securitytoken),
    };
    keys.announce(exchange.events);
    Ok(Issued {
        credentials: Credentials::Keys(keys),
        expires: Some(credential.expires_at),
    })
}

/// The handshake. Older hosts do without, and say so by one of three statuses.
async fn token(address: &str, exchange: &Exchange<'_>) -> Result<Option<SecretString>, Failure> {
    let url = format!("{address}/meta-data/latest/api/token");
    let answer = exchange
        .send(WHAT, &[404, 405, 503], |http| {
            http.put(&url)
                .header("X-Metadata-Token-Ttl-Seconds", "21600")
        })
        .await
        .map_err(explain)?;
    match answer.status {
        200 => {
            let token = String::from_utf8_lossy(&answer.body).trim().to_owned();
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(answer.unreadable(WHAT));
            }
            let token = SecretString::from(token);
            (exchange.events)(Event::Secret(token.clone()));
            Ok(Some(token))
        }
        404 | 405 | 503 => Ok(None),
        _ => Err(refused(&answer)),
    }
}

/// Why the service gives no keys.
fn refused(answer: &Answer) -> Failure {
    let said = String::from_utf8_lossy(&answer.body).to_lowercase();
    if answer.status == 401 && said.contains("agency") {
        return answer.failure(
            "the ECS host has no agency",
            Exit::NotAllowed,
            "give the host an agency of the type \"cloud service: ECS\" (console, the host's page, agency); docs/permissions.md lists what it has to allow".to_owned(),
        );
    }
    answer.failure(
        &format!("{WHAT} gives no keys"),
        answer.exit(),
        "is the runner on an ECS host? `ecs-agency: true` works nowhere else".to_owned(),
    )
}

/// Adds that nothing else than an ECS host has this service.
fn explain(failure: Failure) -> Failure {
    let remedy = "`ecs-agency: true` works on ECS hosts only; in a container the runner's network has to let 169.254.169.254 through".to_owned();
    Failure {
        remedy: Some(remedy),
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use standin::{Answer as Reply, Fault, Handshake, Matcher, Standin, When, World};

    use super::*;
    use crate::clock::Clock;

    /// What comes of it, and how many secrets were announced.
    async fn keys_of(address: &str) -> (Result<Issued, Failure>, usize) {
        let secrets = RefCell::new(0);
        let exchange = Exchange {
            http: &transport::direct(TIMEOUT).unwrap(),
            retries: 0,
            clock: Clock(|| Timestamp::UNIX_EPOCH),
            events: &|event| {
                if matches!(event, Event::Secret(_)) {
                    *secrets.borrow_mut() += 1;
                }
            },
        };
        let result = keys(address, &exchange).await;
        (result, secrets.take())
    }

    fn host(handshake: Handshake) -> Standin {
        let mut world = World::demo();
        world.metadata.handshake = handshake;
        Standin::start(world)
    }

    #[tokio::test]
    async fn keys_are_taken_with_the_handshake_and_without_where_the_host_has_none() {
        for (handshake, secrets) in [
            (Handshake::Required, 3),
            (Handshake::Optional, 3),
            (Handshake::Answered(404), 2),
            (Handshake::Answered(405), 2),
            (Handshake::Answered(503), 2),
        ] {
            let standin = host(handshake);
            let (issued, announced) = keys_of(standin.url()).await;
            let Credentials::Keys(keys) = issued.unwrap().credentials else {
                panic!("no keys")
            };
            assert!(keys.access_key.starts_with("HST") && keys.security_token.is_some());
            assert_eq!(announced, secrets, "{handshake:?}");
            assert_eq!(standin.requests().len(), 2, "{handshake:?}");
        }
    }

    #[tokio::test]
    async fn a_host_without_an_agency_is_told_apart() {
        let mut world = World::demo();
        world.metadata.agency = None;
        let standin = Standin::start(world);
        let failure = keys_of(standin.url()).await.0.unwrap_err();
        assert_eq!(failure.exit, Exit::NotAllowed);
        assert!(
            failure.message.starts_with("the ECS host has no agency"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn a_host_of_another_cloud_and_no_host_are_told_apart_from_a_refusal() {
        let other = host(Handshake::Answered(400));
        let failure = keys_of(other.url()).await.0.unwrap_err();
        assert_eq!(failure.exit, Exit::NotAllowed);
        assert!(failure.remedy.unwrap().contains("nowhere else"));
        let failure = keys_of("http://127.0.0.1:1").await.0.unwrap_err();
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.remedy.unwrap().contains("works on ECS hosts only"));
    }

    #[tokio::test]
    async fn an_answer_that_is_no_key_is_refused_and_not_repeated() {
        let standin = host(Handshake::Required);
        let odd = Reply::text(200, "text/html", "hunter2");
        standin.fault(
            Fault::answer(odd)
                .on(Matcher::path("*/securitykey"))
                .when(When::Always),
        );
        let failure = keys_of(standin.url()).await.0.unwrap_err();
        assert_eq!(failure.exit, Exit::Unreadable);
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
}
