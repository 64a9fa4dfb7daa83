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
            Some("give the host an agency of the type \"cloud service: ECS\" (console, the host's page, agency); docs/permissions.md lists what it has to allow".to_owned()),
        );
    }
    answer.failure(
        &format!("{WHAT} gives no keys"),
        answer.exit(),
        Some("is the runner on an ECS host? `ecs-agency: true` works nowhere else".to_owned()),
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
