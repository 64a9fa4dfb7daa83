//! Who can become whom: the CI's token issuer, STS with its providers and agencies, the older IAM, and the ECS host.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::credential::{DEMO_ACCOUNT, Holder};

/// The CI's issuer of id tokens, at `/oidc/token`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Issuer {
    /// `iss` of its tokens.
    pub issuer: String,
    /// `sub` of its tokens.
    pub subject: String,
    /// The bearer that has to be sent.
    pub request_token: String,
    /// How long its tokens are good.
    #[serde(with = "crate::duration")]
    pub lifetime: Duration,
}

/// An OIDC provider of the newer IAM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// `iam::<account>:oidcProvider:<name>`.
    pub urn: String,
    /// `iss` it trusts.
    pub issuer: String,
    /// Audiences it was registered with (client ids).
    pub audiences: Vec<String>,
}

/// An agency with its trust policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// `iam::<account>:agency:<name>`.
    pub urn: String,
    /// The provider its trust policy names.
    pub provider: String,
    /// Subjects its trust policy lets in, globs with `*`.
    pub subjects: Vec<String>,
    /// Account and rights of the keys it gives.
    #[serde(default)]
    pub holder: Holder,
    /// Gives keys that end sooner than was asked for, to try what happens then.
    #[serde(default, with = "crate::duration::option")]
    pub lifetime: Option<Duration>,
}

/// An identity provider of the older IAM, with its conversion rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// Its id, sent as `X-Idp-Id`.
    pub id: String,
    /// `iss` it trusts.
    pub issuer: String,
    /// The one client id it was made with.
    pub audience: String,
    /// Subjects its conversion rule turns into a user with rights, globs with `*`.
    pub subjects: Vec<String>,
    /// Account and rights of that user.
    #[serde(default)]
    pub holder: Holder,
}

/// The metadata service of an ECS host, at the paths it has there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// What becomes of the token handshake.
    pub handshake: Handshake,
    /// Rights of the host's agency; none: the host has no agency, and keys are answered 401.
    pub agency: Option<Holder>,
    /// How long its keys are good.
    #[serde(with = "crate::duration")]
    pub lifetime: Duration,
}

/// The token handshake of a metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handshake {
    /// It is offered, and keys are given only with its token.
    Required,
    /// It is offered, but keys are given without its token too.
    Optional,
    /// It is answered with this status: 404, 405 or 503 on hosts that do not know it. Keys are given without.
    Answered(u16),
}

impl Default for Issuer {
    /// GitHub's, for the main branch of `octo-org/octo-repo`.
    fn default() -> Self {
        Self {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            subject: "repo:octo-org/octo-repo:ref:refs/heads/main".to_owned(),
            request_token: "demo-request-token-of-the-runner".to_owned(),
            lifetime: Duration::from_secs(300),
        }
    }
}

impl Default for Metadata {
    /// With a handshake that is required, and an agency that may do everything.
    fn default() -> Self {
        Self {
            handshake: Handshake::Required,
            agency: Some(Holder::default()),
            lifetime: Duration::from_secs(24 * 3600),
        }
    }
}

impl Provider {
    /// The provider of [`World::demo`](crate::World::demo): it trusts the default issuer and the audience `sts.huaweicloud.com`.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            urn: format!("iam::{DEMO_ACCOUNT}:oidcProvider:github"),
            issuer: Issuer::default().issuer,
            audiences: vec!["sts.huaweicloud.com".to_owned()],
        }
    }
}

impl Agency {
    /// The agency of [`World::demo`](crate::World::demo): for everything in `octo-org/octo-repo`.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            urn: format!("iam::{DEMO_ACCOUNT}:agency:swr-sync"),
            provider: Provider::demo().urn,
            subjects: vec!["repo:octo-org/octo-repo:*".to_owned()],
            holder: Holder::default(),
            lifetime: None,
        }
    }
}

impl IdentityProvider {
    /// The identity provider of [`World::demo`](crate::World::demo), with the id `github`.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            id: "github".to_owned(),
            issuer: Issuer::default().issuer,
            audience: "sts.huaweicloud.com".to_owned(),
            subjects: vec!["repo:octo-org/octo-repo:*".to_owned()],
            holder: Holder::default(),
        }
    }
}
