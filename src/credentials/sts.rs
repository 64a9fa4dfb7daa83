//! Temporary keys from STS: `POST /v5/agencies/assume-with-oidc`, the keyless way of the present IAM.
//!
//! Source: the vendor's API reference, `api-iam5/AssumeAgencyWithOIDC`, and `huaweicloudsdkcore` 3.1.219.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::config::Endpoint;
use crate::credentials::exchange::{Answer, Exchange};
use crate::credentials::id_token::{Claims, IdToken};
use crate::credentials::provider::Issued;
use crate::credentials::{Agency, Credentials, Keys};
use crate::names::Region;
use crate::outcome::Failure;

/// The service in messages.
const WHAT: &str = "STS";

/// The regions that have an STS of their own, from `huaweicloudsdkcore` 3.1.219. Any of them serves every region.
const REGIONS: [&str; 12] = [
    "af-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "cn-east-3",
    "cn-north-4",
    "cn-south-1",
    "cn-southwest-2",
    "la-south-2",
    "sa-brazil-1",
    "tr-west-1",
];

/// The address of STS for a source region, without a slash at its end.
pub(super) fn address(endpoint: Option<&Endpoint>, region: &Region) -> String {
    match endpoint {
        Some(endpoint) => endpoint.address(region),
        None if REGIONS.contains(&region.as_str()) => Endpoint::public("sts").address(region),
        None => "https://sts.cn-north-4.myhuaweicloud.com".to_owned(),
    }
}

#[derive(Serialize)]
struct AssumeAgencyBody<'a> {
    provider_urn: &'a str,
    agency_urn: &'a str,
    agency_session_name: &'a str,
    id_token: &'a str,
    duration_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    policy_ids: &'a [String],
}

#[derive(Deserialize)]
struct AssumeAgencyAnswer {
    credentials: TemporaryKeys,
}

#[derive(Deserialize)]
struct TemporaryKeys {
    access_key_id: String,
    secret_access_key: SecretString,
    security_token: SecretString,
    expiration: Timestamp,
}

impl Agency {
    /// How long keys are asked for, in seconds. No agency allows less than an hour at most.
    pub(super) const DURATION_SECONDS: u32 = 3600;

    /// How long keys may be asked for, in seconds.
    pub(super) const DURATIONS: RangeInclusive<u32> = 900..=43200;

    /// Assumes the agency.
    ///
    /// # Errors
    /// There is no id token, or STS does not take it.
    pub(super) async fn assume(
        &self,
        address: &str,
        exchange: &Exchange<'_>,
    ) -> Result<Issued, Failure> {
        let id_token = self.id_token.obtain(exchange).await?;
        let body = AssumeAgencyBody {
            provider_urn: &self.provider_urn,
            agency_urn: &self.agency_urn,
            agency_session_name: &self.session_name,
            id_token: id_token.expose_secret(),
            duration_seconds: self.duration_seconds,
            policy: self.policy.as_deref(),
            policy_ids: &self.policy_ids,
        };
        let url = format!("{address}/v5/agencies/assume-with-oidc");
        let answer = exchange
            .send(WHAT, &[], |http| http.post(&url).json(&body))
            .await?;
        if answer.status != 200 {
            let now = exchange.clock.now();
            return Err(self.refused(&answer, &Claims::of(&id_token), now));
        }
        let AssumeAgencyAnswer { credentials } = answer.json(WHAT)?;
        let keys = Keys {
            access_key: credentials.access_key_id,
            secret_key: credentials.secret_access_key,
            security_token: Some(credentials.security_token),
        };
        keys.announce(exchange.events);
        Ok(Issued {
            credentials: Credentials::Keys(keys),
            expires: Some(credentials.expiration),
        })
    }

    /// Why STS refuses, and what to do about it.
    fn refused(&self, answer: &Answer, claims: &Claims, now: Timestamp) -> Failure {
        let complaint = answer.complaint();
        let code = complaint.code.unwrap_or_default();
        let said = complaint.message.unwrap_or_default().to_lowercase();
        let unknown = answer.status == 404
            || ["not exist", "not found", "no such"]
                .iter()
                .any(|words| said.contains(words));
        let (message, remedy) = if code == "STS5.2001" {
            (
                "STS does not accept the audience of the id token".to_owned(),
                format!(
                    "add `{}` to the client ids of the identity provider, or ask for another audience with `oidc-audience`{}",
                    claims.audience(),
                    if matches!(self.id_token, IdToken::Issued(_)) {
                        ""
                    } else {
                        " (`aud` in GitLab's `id_tokens`)"
                    },
                ),
            )
        } else if code == "STS5.1001" {
            (
                "the trust policy of the agency does not let this job in".to_owned(),
                format!(
                    "compare the conditions of {} with this id token: {}; docs/permissions.md has a policy to start from",
                    self.agency_urn,
                    claims.describe(),
                ),
            )
        } else if let Some(expiry) = claims.expiry(WHAT, &said, now) {
            expiry
        } else if unknown && said.contains("provider") {
            (
                "STS does not know the identity provider".to_owned(),
                format!(
                    "check `oidc-provider-urn`: {} is not in this account; the form is `iam::<account-id>:oidcProvider:<name>`",
                    self.provider_urn
                ),
            )
        } else if unknown && said.contains("agency") {
            (
                "STS does not know the agency".to_owned(),
                format!(
                    "check `oidc-agency-urn`: {} is not in this account; the form is `iam::<account-id>:agency:<name>`",
                    self.agency_urn
                ),
            )
        } else {
            (
                "STS refused the id token".to_owned(),
                format!(
                    "check `oidc-provider-urn`, `oidc-agency-urn` and `sts-endpoint`; the id token says {}",
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
            id_token: IdToken::Given {
                from: "the test",
                token: "the.id.token".into(),
            },
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
                "check `oidc-provider-urn`: iam::1:oidcProvider:github",
            ),
            (
                404,
                "STS5.9999",
                "The agency x does not exist",
                "STS does not know the agency: ",
                "check `oidc-agency-urn`: iam::1:agency:sync",
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
}
