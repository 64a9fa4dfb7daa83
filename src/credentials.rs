//! Who asks: exactly one source of credentials, chosen before anything is sent.
//!
//! [`choose`] finds the source and reads nothing but inputs and environment. [`Provider`] gives the credentials of
//! the source whenever a request needs them, and renews those that expire.

mod choice;
mod ecs;
mod environment;
mod exchange;
mod iam;
mod id_token;
mod job;
mod provider;
mod sts;

use secrecy::SecretString;

use crate::event::{Event, Events};
use crate::inputs::{Environment, Inputs};

pub use choice::{Chosen, choose};
pub use id_token::{IdToken, Issuer};
pub use job::{Job, none_found};
pub use provider::{Provider, Services};

/// Where credentials come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Keys, given.
    Keys {
        /// The variables or inputs they came from, for the log.
        from: &'static str,
        /// The keys.
        keys: Keys,
    },
    /// A project-scoped IAM token, given.
    Token(SecretString),
    /// Temporary keys from STS for the CI's id token.
    Agency(Agency),
    /// A project-scoped token from IAM for the CI's id token, in accounts on the older IAM.
    IdentityProvider(IdentityProvider),
    /// Temporary keys from the metadata service of the ECS host.
    EcsAgency,
}

/// An access key pair, permanent or temporary.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The access key id (AK).
    pub access_key: String,
    /// The secret access key (SK).
    pub secret_key: SecretString,
    /// The token of temporary keys.
    pub security_token: Option<SecretString>,
}

impl Keys {
    /// Makes the keys known as secret, before anything else is printed.
    fn announce(&self, events: Events<'_>) {
        events(Event::Secret(self.secret_key.clone()));
        if let Some(token) = &self.security_token {
            events(Event::Secret(token.clone()));
        }
        events(Event::AccessKey(self.access_key.clone()));
    }
}

/// An agency that trusts an OIDC identity provider, and how to ask for it.
#[derive(Clone, Debug)]
pub struct Agency {
    /// The identity provider, `iam::<account-id>:oidcProvider:<name>`.
    pub provider_urn: String,
    /// The agency, `iam::<account-id>:agency:<name>`.
    pub agency_urn: String,
    /// The name that the vendor's audit log has for the session.
    pub session_name: String,
    /// How long the keys are asked for, in seconds.
    pub duration_seconds: u32,
    /// A policy that limits the session further, as JSON.
    pub policy: Option<String>,
    /// Policies that limit the session further, by id.
    pub policy_ids: Vec<String>,
    /// The id token to show.
    pub id_token: IdToken,
}

/// An identity provider of the older IAM, and the project to ask a token for.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// Its id.
    pub id: String,
    /// The project of the source region.
    pub project_id: String,
    /// The id token to show.
    pub id_token: IdToken,
}

/// What a request is authenticated with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// It is signed.
    Keys(Keys),
    /// It carries `X-Auth-Token`.
    Token(SecretString),
}

/// Every secret that inputs and environment hold, used or not, so that each is masked before anything else is
/// printed.
pub fn announcements(inputs: &Inputs, environment: &Environment) -> Vec<Event> {
    let raw = &inputs.raw;
    let given = [
        &raw.secret_key,
        &raw.security_token,
        &raw.auth_token,
        &raw.oidc_token,
    ];
    let given = given.into_iter().flatten().cloned();
    let found = environment::secrets(environment);
    let access_keys = raw
        .access_key
        .iter()
        .cloned()
        .chain(environment::access_keys(environment));
    given
        .chain(found)
        .map(Event::Secret)
        .chain(access_keys.map(Event::AccessKey))
        .collect()
}

#[cfg(test)]
mod tests;
