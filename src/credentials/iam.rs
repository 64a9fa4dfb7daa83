//! A token from the older IAM: `POST /v3.0/OS-AUTH/id-token/tokens`, the keyless way of accounts without the present
//! one.
//!
//! Source: the vendor's API reference of IAM, "obtaining a token with an OpenID Connect id token".

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::credentials::exchange::{Answer, Exchange};
use crate::credentials::id_token::Claims;
use crate::credentials::provider::Issued;
use crate::credentials::{Credentials, IdentityProvider};
use crate::event::Event;
use crate::outcome::Failure;

/// The service in messages.
const WHAT: &str = "IAM";

/// How long a token lives, where the answer does not say.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

#[derive(Deserialize)]
struct TokenAnswer {
    token: TokenDetails,
}

#[derive(Deserialize)]
struct TokenDetails {
    expires_at: Timestamp,
}

impl IdentityProvider {
    /// Asks for a token of the project.
    ///
    /// # Errors
    /// There is no id token, or IAM does not take it.
    pub(super) async fn token(
        &self,
        address: &str,
        exchange: &Exchange<'_>,
    ) -> Result<Issued, Failure> {
        let id_token = self.id_token.obtain(exchange).await?;
        let body = json!({"auth": {
            "id_token": {"id": id_token.expose_secret()},
            "scope": {"project": {"id": self.project_id}},
        }});
        let url = format!("{address}/v3.0/OS-AUTH/id-token/tokens");
        let answer = exchange
            .send(WHAT, &[], |http| {
                http.post(&url).header("X-Idp-Id", &self.id).json(&body)
            })
            .await?;
        let now = exchange.clock.now();
        if !matches!(answer.status, 200 | 201) {
            return Err(self.refused(&answer, &Claims::of(&id_token), now));
        }
        let token = answer
            .headers
            .get("x-subject-token")
            .and_then(|token| token.to_str().ok())
            .filter(|token| !token.is_empty())
            .map(SecretString::from)
            .ok_or_else(|| answer.unreadable(WHAT))?;
        (exchange.events)(Event::Secret(token.clone()));
        let expires = serde_json::from_slice::<TokenAnswer>(&answer.body)
            .map_or(now + LIFETIME, |answer| answer.token.expires_at);
        Ok(Issued {
            credentials: Credentials::Token(token),
            expires: Some(expires),
        })
    }

    /// Why IAM refuses, and what to do about it.
    fn refused(&self, answer: &Answer, claims: &Claims, now: Timestamp) -> Failure {
        let said = answer
            .complaint()
            .message
            .unwrap_or_default()
            .to_lowercase();
        let (message, remedy) = if let Some(expired) = claims.expired_at(now) {
            (
                format!("IAM refused an id token that expired at {expired:.0}"),
                "take the id token at the start of the job that syncs; is the runner's clock right?".to_owned(),
            )
        } else if said.contains("expire") {
            (
                "IAM says that the id token has expired".to_owned(),
                format!(
                    "take the id token in the job that syncs; is the runner's clock right? It says {now:.0}"
                ),
            )
        } else if said.contains("audience")
            || said.contains("client id")
            || said.contains("client_id")
        {
            (
                "IAM does not accept the audience of the id token".to_owned(),
                format!(
                    "the identity provider has one client id; it must be `{}`, or `oidc-audience` must be what it is",
                    claims.audience()
                ),
            )
        } else if said.contains("project") {
            (
                "IAM gives no token for the project".to_owned(),
                format!(
                    "check `project-id` ({}); the group of the conversion rule needs rights in it",
                    self.project_id
                ),
            )
        } else if answer.status == 404 || said.contains("identity provider") || said.contains("idp")
        {
            (
                "IAM does not know the identity provider".to_owned(),
                format!(
                    "check `oidc-idp-id` ({}): it is the name of an identity provider of type OIDC with programmatic access",
                    self.id
                ),
            )
        } else {
            (
                "IAM refused the id token".to_owned(),
                format!(
                    "check the conversion rule and the pasted signing keys of the identity provider, which have to be pasted again when the issuer changes its keys; the id token says {}",
                    claims.describe(),
                ),
            )
        };
        answer.failure(&message, answer.exit(), Some(remedy))
    }
}
