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

    /// The name of the agency. URNs as a whole are not for logs, where `::` may start a command.
    pub(super) fn name(&self) -> &str {
        last_part(&self.agency_urn)
    }

    /// Why STS refuses, and what to do about it.
    fn refused(&self, answer: &Answer, claims: &Claims, now: Timestamp) -> Failure {
        let complaint = answer.complaint();
        let code = complaint.code.unwrap_or_default();
        let said = complaint.message.unwrap_or_default().to_lowercase();
        let unknown = answer.is_about_something_unknown();
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
                    "compare the conditions of agency `{}` with this id token: {}; docs/permissions.md has a policy to start from",
                    self.name(),
                    claims.describe(),
                ),
            )
        } else if let Some(expiry) = claims.expiry(WHAT, &said, now) {
            expiry
        } else if unknown && said.contains("provider") {
            (
                "STS does not know the identity provider".to_owned(),
                format!(
                    "check `oidc-provider-urn`: account and name (`{}`) as the console shows them",
                    last_part(&self.provider_urn)
                ),
            )
        } else if unknown && said.contains("agency") {
            (
                "STS does not know the agency".to_owned(),
                format!(
                    "check `oidc-agency-urn`: account and name (`{}`) as the console shows them",
                    self.name()
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

fn last_part(urn: &str) -> &str {
    urn.rsplit(':').next().unwrap_or(urn)
}

#[cfg(test)]
mod tests;
