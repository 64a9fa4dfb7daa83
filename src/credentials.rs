//! Who asks: exactly one source of credentials, chosen before anything is sent.

mod choice;
mod provider;

use secrecy::SecretString;

pub use choice::{Chosen, choose};
pub use provider::Provider;

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

/// What a request is authenticated with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// It is signed.
    Keys(Keys),
    /// It carries `X-Auth-Token`.
    Token(SecretString),
}
