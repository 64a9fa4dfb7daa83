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
        let unknown = answer.is_about_something_unknown();
        let (message, remedy) = if let Some(expiry) = claims.expiry(WHAT, &said, now) {
            expiry
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
        } else if unknown && said.contains("project") {
            (
                "IAM gives no token for the project".to_owned(),
                format!(
                    "check `project-id` ({}); the group of the conversion rule needs rights in it",
                    self.project_id
                ),
            )
        } else if unknown && (said.contains("provider") || said.contains("idp")) {
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
        answer.failure(&message, answer.exit(), remedy)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mockito::Matcher;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::credentials::IdToken;
    use crate::credentials::tests::{fixed_clock, server};
    use crate::outcome::Exit;
    use crate::transport;

    fn provider() -> IdentityProvider {
        IdentityProvider {
            id: "github".to_owned(),
            project_id: "project".to_owned(),
            id_token: IdToken::Given("the.id.token".into()),
        }
    }

    async fn token(address: &str) -> Result<Issued, Failure> {
        let exchange = Exchange {
            http: &transport::direct(Duration::from_secs(5)).unwrap(),
            retries: 0,
            clock: fixed_clock(),
            events: &|_| {},
        };
        provider().token(address, &exchange).await
    }

    #[tokio::test]
    async fn a_token_of_the_project_is_asked_for_and_lives_as_long_as_iam_says() {
        for (body, expires) in [
            (
                r#"{"token":{"expires_at":"2026-11-24T20:00:00.000000Z"}}"#,
                "2026-11-24T20:00:00Z",
            ),
            ("{}", "2026-11-25T10:00:00Z"),
            ("", "2026-11-25T10:00:00Z"),
        ] {
            let mut server = server().await;
            let _mock = server
                .mock("POST", "/v3.0/OS-AUTH/id-token/tokens")
                .match_header("x-idp-id", "github")
                .match_header("content-type", "application/json")
                .match_header("authorization", Matcher::Missing)
                .match_body(Matcher::Json(json!({"auth": {
                    "id_token": {"id": "the.id.token"},
                    "scope": {"project": {"id": "project"}},
                }})))
                .with_status(201)
                .with_header("X-Subject-Token", "MIItoken")
                .with_body(body)
                .create_async()
                .await;
            let issued = token(&server.url()).await.unwrap();
            assert_eq!(issued.expires.unwrap().to_string(), expires);
            assert!(
                matches!(issued.credentials, Credentials::Token(token) if token.expose_secret() == "MIItoken")
            );
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_token_is_refused_and_not_repeated() {
        let mut server = server().await;
        let _mock = server
            .mock("POST", Matcher::Any)
            .with_status(201)
            .with_body(r#"{"message":"hunter2"}"#)
            .create_async()
            .await;
        let failure = token(&server.url()).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Unreadable);
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }

    #[test]
    fn each_refusal_is_told_with_its_remedy() {
        for (status, said, message, remedy) in [
            (
                401,
                "The id token has expired",
                "IAM says that the id token has expired: ",
                "in the job that syncs",
            ),
            (
                401,
                "The audience is not the client id",
                "IAM does not accept the audience of the id token: ",
                "it must be `aud`",
            ),
            (
                401,
                "The project was not found",
                "IAM gives no token for the project: ",
                "check `project-id` (project)",
            ),
            (
                404,
                "Could not find Identity Provider: github",
                "IAM does not know the identity provider: ",
                "check `oidc-idp-id` (github)",
            ),
            (
                403,
                "No rule matches",
                "IAM refused the id token: ",
                "conversion rule",
            ),
            (
                401,
                "The id token is invalid",
                "IAM refused the id token: ",
                "signing keys",
            ),
        ] {
            let answer = Answer {
                status,
                headers: HeaderMap::new(),
                body: json!({"error": {"code": status, "message": said, "title": "x"}})
                    .to_string()
                    .into_bytes(),
            };
            // {"iss":"iss","aud":"aud","sub":"sub"}
            let claims =
                Claims::of(&"e30.eyJpc3MiOiJpc3MiLCJhdWQiOiJhdWQiLCJzdWIiOiJzdWIifQ.c2ln".into());
            let failure = provider().refused(&answer, &claims, fixed_clock().now());
            assert_eq!(failure.exit, Exit::NotAllowed);
            assert!(failure.message.starts_with(message), "{failure}");
            let told = failure.remedy.unwrap();
            assert!(told.contains(remedy), "{told}");
        }
    }
}
