//! Names that are given exactly, and patterns over what exists.

use std::fmt;
use std::str::FromStr;

use crate::names::NameError;

/// A glob over names. `*` and `?` match `/` too, so that `*` is every repository of an organization.
#[derive(Clone, Debug)]
pub struct Pattern(globset::GlobMatcher);

impl Pattern {
    /// Whether the text is a pattern and not a name.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refuse = |message: String| PatternError {
            text: text.to_owned(),
            message,
        };
        let allowed = |character: char| {
            character.is_ascii_alphanumeric()
                || matches!(
                    character,
                    '.' | '_' | '-' | '/' | '*' | '?' | '[' | ']' | '!' | '^'
                )
        };
        if let Some(found) = text.chars().find(|character| !allowed(*character)) {
            return Err(refuse(format!("{found:?} is in no name")));
        }
        if text.len() > 1024 {
            return Err(refuse("it is longer than 1,024 characters".to_owned()));
        }
        let glob = globset::GlobBuilder::new(text)
            .literal_separator(false)
            .build()
            .map_err(|error| refuse(error.kind().to_string()))?;
        Ok(Self(glob.compile_matcher()))
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// A pattern that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{text}` cannot be used: {message}")]
pub struct PatternError {
    text: String,
    message: String,
}

/// A name, or a pattern over the names that exist.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice<T> {
    /// This one.
    Exact(T),
    /// All that fit.
    Pattern(Pattern),
}

/// Why a text is neither a name nor a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// It is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It is no pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl<T: FromStr<Err = NameError>> Choice<T> {
    /// Reads a name or a pattern.
    ///
    /// # Errors
    /// Why it is neither.
    pub fn parse(text: &str) -> Result<Self, ChoiceError> {
        if Pattern::is_pattern(text) {
            Ok(Self::Pattern(Pattern::parse(text)?))
        } else {
            Ok(Self::Exact(text.parse()?))
        }
    }
}

impl<T: fmt::Display> fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => name.fmt(f),
            Self::Pattern(pattern) => f.write_str(pattern.as_str()),
        }
    }
}
