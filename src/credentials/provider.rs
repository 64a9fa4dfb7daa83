//! Credentials as they are needed.

use crate::credentials::{Credentials, Source};
use crate::event::Events;
use crate::outcome::Failure;

/// Gives the credentials of a source.
#[derive(Debug)]
pub struct Provider {
    source: Source,
}

impl Provider {
    /// A provider for a source.
    pub fn new(source: Source) -> Self {
        Self { source }
    }

    /// The credentials to use now.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn current(&self, _events: Events<'_>) -> Result<Credentials, Failure> {
        Ok(match &self.source {
            Source::Keys { keys, .. } => Credentials::Keys(keys.clone()),
            Source::Token(token) => Credentials::Token(token.clone()),
        })
    }
}
