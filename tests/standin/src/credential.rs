//! Keys and tokens, and what their holders may do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The permanent access key of [`World::demo`](crate::World::demo).
pub const DEMO_ACCESS_KEY: &str = "DEMOAK0STANDIN000001";
/// The secret key of [`World::demo`](crate::World::demo).
pub const DEMO_SECRET_KEY: &str = "DemoSecretKeyOfTheStandIn00000000000001";
/// The token of [`World::demo`](crate::World::demo), scoped to the project of `cn-north-4`.
pub const DEMO_TOKEN: &str = "MIIDemoTokenOfTheStandInScopedToCnNorth4";
/// The account of all callers and organizations of [`World::demo`](crate::World::demo).
pub const DEMO_ACCOUNT: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// An access key. With a security token it is a temporary one, which must be sent and signed as `X-Security-Token`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The AK.
    pub access: String,
    /// The SK.
    pub secret: String,
    /// The token of a temporary key.
    #[serde(default)]
    pub security_token: Option<String>,
    /// When a temporary key ends.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Locked from the start, as after more than five bad signatures.
    #[serde(default)]
    pub locked: bool,
    /// Account and rights of whoever holds it.
    #[serde(default)]
    pub holder: Holder,
}

/// A token for `X-Auth-Token`, scoped to one project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token itself.
    pub value: String,
    /// The project it is scoped to; in a region with another project it is refused. None: scoped to the account, answered 403.
    pub project_id: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Account and rights of whoever holds it.
    #[serde(default)]
    pub holder: Holder,
}

/// Account and rights of a caller. Everything is allowed that no denial forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Holder {
    /// The account.
    pub account: String,
    /// What is not allowed.
    pub denied: Vec<Denial>,
}

/// Something a caller may not do; answered 403 `SVCSTG.SWR.4030170` with a long `encoded_authorization_message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// In this region; `*` for all.
    pub region: String,
    /// This operation; none for all.
    #[serde(default)]
    pub operation: Option<Operation>,
}

/// The operations of SWR that are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `POST …/sync_images`.
    SyncImages,
    /// `GET …/sync_job`.
    ListSyncJobs,
    /// `GET …/tags`.
    ListTags,
    /// `GET …/tags/{tag}`.
    ShowTag,
    /// `GET /v2/manage/repos`.
    ListRepositories,
    /// `GET …/repos/{repository}`.
    ShowRepository,
    /// `GET /v2/manage/namespaces`.
    ListNamespaces,
    /// `GET /v2/manage/namespaces/{namespace}`.
    ShowNamespace,
    /// `GET /v2/manage/regions`.
    ListSyncRegions,
}

impl Default for Holder {
    /// A caller of [`DEMO_ACCOUNT`] who may do everything.
    fn default() -> Self {
        Self {
            account: DEMO_ACCOUNT.to_owned(),
            denied: Vec::new(),
        }
    }
}

impl Holder {
    /// A caller of [`DEMO_ACCOUNT`] who may not do this in this region (`*` for all).
    #[must_use]
    pub fn without(operation: Operation, region: &str) -> Self {
        let denial = Denial {
            region: region.to_owned(),
            operation: Some(operation),
        };
        Self {
            denied: vec![denial],
            ..Self::default()
        }
    }

    pub(crate) fn may(&self, operation: Operation, region: &str) -> bool {
        !self.denied.iter().any(|denial| {
            (denial.region == "*" || denial.region == region)
                && denial.operation.is_none_or(|denied| denied == operation)
        })
    }
}

impl AccessKey {
    /// A key that never ends, of a [`Holder`] who may do everything.
    #[must_use]
    pub fn permanent(access: &str, secret: &str) -> Self {
        Self {
            access: access.to_owned(),
            secret: secret.to_owned(),
            security_token: None,
            expires_at: None,
            locked: false,
            holder: Holder::default(),
        }
    }

    /// A temporary key with its security token.
    #[must_use]
    pub fn temporary(
        access: &str,
        secret: &str,
        security_token: &str,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            security_token: Some(security_token.to_owned()),
            expires_at: Some(expires_at),
            ..Self::permanent(access, secret)
        }
    }
}
