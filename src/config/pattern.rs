//! Names that are given exactly, and patterns over what exists.

use std::fmt;
use std::str::FromStr;

use crate::names::NameError;

/// A glob over names. `*` and `?` match `/` too, so that `*` is every repository of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

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
                    '.' | '_' | '-' | '/' | '*' | '?' | '[' | ']' | '!'
                )
        };
        if let Some(found) = text.chars().find(|character| !allowed(*character)) {
            return Err(refuse(format!("{found:?} cannot be part of a name")));
        }
        if text.len() > 1024 {
            return Err(refuse("it is longer than 1,024 characters".to_owned()));
        }
        glob::Pattern::new(text)
            .map(Self)
            .map_err(|error| refuse(format!("{} at character {}", error.msg, error.pos + 1)))
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn stars_question_marks_and_classes_match_as_documented() {
        for (text, fits, fits_not) in [
            ("v1.*", "v1.2.3", "v2.1"),
            ("a?b", "a/b", "ab"),
            ("v[0-9]", "v7", "va"),
            ("v[!0-9]", "va", "v7"),
            ("[a-]", "-", "b"),
            ("*-rc*", "v1-rc.2", "v1"),
            ("*.*.*", "1.2.3", "1.2"),
        ] {
            let pattern = pattern(text);
            assert!(pattern.matches(fits), "{text} fits {fits}");
            assert!(!pattern.matches(fits_not), "{text} does not fit {fits_not}");
        }
        assert!(pattern("*").matches("group/app"));
    }

    #[test]
    fn a_pattern_of_many_stars_is_decided_at_once() {
        let name = "a".repeat(128);
        let text = "a*".repeat(64) + "b";
        assert!(!pattern(&text).matches(&name));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        let refused = |text: &str| {
            let error = Pattern::parse(text).expect_err("no pattern");
            error.to_string()
        };
        assert_eq!(
            refused("v[0-9"),
            "the pattern `v[0-9` cannot be used: invalid range pattern at character 2"
        );
        assert_eq!(
            refused("v[^0]"),
            "the pattern `v[^0]` cannot be used: '^' cannot be part of a name"
        );
        assert_eq!(
            refused("a**"),
            "the pattern `a**` cannot be used: recursive wildcards must form a single path component at character 1"
        );
    }
}
