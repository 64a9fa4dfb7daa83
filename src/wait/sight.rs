//! What a look at the tags of a repository brings.

use std::collections::HashMap;
use std::sync::Arc;

use crate::names::Tag;
use crate::outcome::{Exit, Failure};
use crate::swr::error::ApiError;
use crate::wait::fate::Look;

/// What a look at some tags of a repository brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Those that are there, with their digests.
    Tags(HashMap<String, Option<String>>),
    /// There is no such repository, or no such organization, in the words of the service.
    NoRepository(Failure),
    /// It cannot be looked at, whenever it is tried.
    Unreadable(Arc<Failure>),
}

impl Sight {
    /// Takes the result of a look.
    ///
    /// # Errors
    /// Where a later look may bring more, or nothing more can be read at all.
    pub(super) fn of(
        result: Result<HashMap<String, Option<String>>, ApiError>,
    ) -> Result<Self, ApiError> {
        match result {
            Ok(tags) => Ok(Self::Tags(tags)),
            Err(error) if error.is_retryable() || error.is_end() => Err(error),
            Err(error) if error.is_not_there() => Ok(Self::NoRepository(error.failure)),
            Err(error) => Ok(Self::Unreadable(Arc::new(error.failure))),
        }
    }

    /// What it says of a tag.
    pub(super) fn look(&self, tag: &Tag) -> Look {
        match self {
            Self::Tags(tags) => match tags.get(tag.as_str()) {
                Some(Some(digest)) => Look::Digest(digest.clone()),
                Some(None) => Look::Unreadable(Arc::new(Failure::new(
                    Exit::Unreadable,
                    "the answer has no digest of the tag",
                    None,
                ))),
                None => Look::Missing,
            },
            Self::NoRepository(_) => Look::Missing,
            Self::Unreadable(failure) => Look::Unreadable(Arc::clone(failure)),
        }
    }
}
