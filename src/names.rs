//! The names of the service, checked once where they enter: what a value of these types holds can be put
//! into a path, a host or a body as it is.
//!
//! The checks are lenient on purpose: they refuse what cannot be sent or is surely a slip, and leave the rest to
//! the service, whose own texts disagree about adjacent separators.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not a name, with what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("the {what} is empty; {rule}")]
    Empty {
        /// The kind of name, in prose.
        what: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
    /// More characters than the service takes.
    #[error("the {what} `{start}…` has {length} characters; at most {limit} are allowed")]
    TooLong {
        /// The kind of name, in prose.
        what: &'static str,
        /// Its first characters.
        start: String,
        /// How many characters it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A character that is not allowed where it stands.
    #[error("the {what} `{value}` has {found:?} as character {position}; {rule}")]
    Character {
        /// The kind of name, in prose.
        what: &'static str,
        /// The refused text.
        value: String,
        /// The character.
        found: char,
        /// Its place, counted from 1.
        position: usize,
        /// What is allowed.
        rule: &'static str,
    },
    /// A path segment that a client or proxy would resolve.
    #[error("the {what} `{value}` has the segment `{segment}`, which would lead to another path")]
    DotSegment {
        /// The kind of name, in prose.
        what: &'static str,
        /// The refused text.
        value: String,
        /// `.` or `..`.
        segment: String,
    },
}

/// What one kind of name may look like.
struct Rule {
    what: &'static str,
    rule: &'static str,
    limit: usize,
    first: fn(char) -> bool,
    inner: fn(char) -> bool,
    last: fn(char) -> bool,
}

impl Rule {
    fn check(&self, value: &str) -> Result<Arc<str>, NameError> {
        let Self {
            what, rule, limit, ..
        } = *self;
        let length = value.chars().count();
        if length == 0 {
            return Err(NameError::Empty { what, rule });
        }
        let bad = value.chars().enumerate().find(|&(index, character)| {
            let fits = if index == 0 {
                self.first
            } else if index + 1 == length {
                self.last
            } else {
                self.inner
            };
            !fits(character)
        });
        // A text that is too long is cut in the message, so its length is told before its characters.
        if length > limit {
            return Err(NameError::TooLong {
                what,
                start: value.chars().take(20).collect(),
                length,
                limit,
            });
        }
        if let Some((index, found)) = bad {
            return Err(NameError::Character {
                what,
                value: value.to_owned(),
                found,
                position: index + 1,
                rule,
            });
        }
        if let Some(segment) = value
            .split('/')
            .find(|segment| matches!(*segment, "." | ".."))
        {
            return Err(NameError::DotSegment {
                what,
                value: value.to_owned(),
                segment: segment.to_owned(),
            });
        }
        Ok(Arc::from(value))
    }
}

fn lower(character: char) -> bool {
    character.is_ascii_lowercase()
}

fn lower_or_digit(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

/// A region id such as `cn-north-4`. The list of regions grows, so any id of the right letters is taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

impl Region {
    const RULE: Rule = Rule {
        what: "region",
        rule: "a region id has lower-case letters, digits and hyphens, such as `cn-north-4`",
        limit: 63,
        first: |character| lower_or_digit(character) || character == '-',
        inner: |character| lower_or_digit(character) || character == '-',
        last: |character| lower_or_digit(character) || character == '-',
    };

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain of the site that the region belongs to: the European site is `eu-west-1…`, see `getCloudDomain`
    /// of the vendor's Terraform provider.
    pub fn domain(&self) -> &'static str {
        if self.0.starts_with("eu-west-1") {
            "myhuaweicloud.eu"
        } else {
            "myhuaweicloud.com"
        }
    }
}

/// An organization of SWR, the first part of an image's path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

impl Namespace {
    const RULE: Rule = Rule {
        what: "namespace",
        rule: "a namespace has lower-case letters, digits, `.`, `_` and `-`, starts with a letter and ends with a letter or digit",
        limit: 64,
        first: lower,
        inner: |character| lower_or_digit(character) || matches!(character, '.' | '_' | '-'),
        last: lower_or_digit,
    };

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A repository within a namespace; it may be nested (`team/app`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(Arc<str>);

impl Repository {
    const RULE: Rule = Rule {
        what: "repository",
        rule: "a repository has lower-case letters, digits, `.`, `_`, `-` and `/`, and starts and ends with a letter or digit",
        limit: 128,
        first: lower_or_digit,
        inner: |character| lower_or_digit(character) || matches!(character, '.' | '_' | '-' | '/'),
        last: lower_or_digit,
    };

    /// The name as text, with its slashes, as bodies and answers have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one segment of a path: SWR wants `$` for `/` there, see `swr_02_0014`. `$` is in no name, so
    /// nothing is lost.
    pub fn path_segment(&self) -> String {
        self.0.replace('/', "$")
    }

    /// Whether two separators stand side by side, which some editions of the documentation forbid.
    pub fn has_adjacent_separators(&self) -> bool {
        let separator = |byte: &u8| matches!(byte, b'.' | b'_' | b'-' | b'/');
        self.0
            .as_bytes()
            .windows(2)
            .any(|pair| pair.iter().all(separator))
    }
}

/// A tag, by the rule of the OCI distribution specification; SWR gives none of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Arc<str>);

impl Tag {
    const RULE: Rule = Rule {
        what: "tag",
        rule: "a tag has letters, digits, `.`, `_` and `-`, and starts with a letter, digit or `_`",
        limit: 128,
        first: |character| character.is_ascii_alphanumeric() || character == '_',
        inner: |character| {
            character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
        },
        last: |character| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-'),
    };

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a sync goes: a remote region and an organization there. Repository and tag keep their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The remote region.
    pub region: Region,
    /// The remote namespace.
    pub namespace: Namespace,
}

impl FromStr for Region {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        Self::RULE.check(value).map(Self)
    }
}

impl FromStr for Namespace {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        Self::RULE.check(value).map(Self)
    }
}

impl FromStr for Repository {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        Self::RULE.check(value).map(Self)
    }
}

impl FromStr for Tag {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        Self::RULE.check(value).map(Self)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_the_services_own_examples_are_taken() {
        for region in [
            "cn-north-4",
            "eu-west-101",
            "cn-north-12",
            "ae-ad-1",
            "my-kualalumpur-1",
        ] {
            assert_eq!(region.parse::<Region>().unwrap().to_string(), region);
        }
        for namespace in ["a", "group", "my-org", "sdsad", "a__b.c"] {
            assert_eq!(
                namespace.parse::<Namespace>().unwrap().to_string(),
                namespace
            );
        }
        for repository in ["busybox", "team/app", "a/b/c.d_e-f", "1", "a--b", "a//b"] {
            assert_eq!(
                repository.parse::<Repository>().unwrap().to_string(),
                repository
            );
        }
        for tag in ["v1", "_x", "1.2.3-rc.1", "A.", &"t".repeat(128)] {
            assert_eq!(tag.parse::<Tag>().unwrap().to_string(), tag);
        }
    }

    #[test]
    fn names_at_their_longest_are_taken_and_one_more_is_refused() {
        assert!("a".repeat(64).parse::<Namespace>().is_ok());
        assert!(matches!(
            "a".repeat(65).parse::<Namespace>(),
            Err(NameError::TooLong {
                length: 65,
                limit: 64,
                ..
            })
        ));
        assert!("a".repeat(128).parse::<Repository>().is_ok());
        assert!(matches!(
            "a".repeat(129).parse::<Repository>(),
            Err(NameError::TooLong { length: 129, .. })
        ));
        assert!("a".repeat(128).parse::<Tag>().is_ok());
        assert!(matches!(
            "a".repeat(129).parse::<Tag>(),
            Err(NameError::TooLong { length: 129, .. })
        ));
    }

    #[test]
    fn a_bad_character_is_named_with_its_place() {
        let error = "team/Äpp".parse::<Repository>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the repository `team/Äpp` has 'Ä' as character 6; a repository has lower-case letters, digits, \
             `.`, `_`, `-` and `/`, and starts and ends with a letter or digit"
        );
    }

    #[test]
    fn what_would_change_a_path_is_refused() {
        for repository in [
            "a/../b", "a/./b", "a%2fb", "a$b", "a?b", "a#b", "/a", "a/", "a\nb", "",
        ] {
            assert!(repository.parse::<Repository>().is_err(), "{repository:?}");
        }
        for region in [
            "",
            "cn.north",
            "cn/north",
            "CN-NORTH-4",
            "cn north",
            "a@b",
            "a:1",
        ] {
            assert!(region.parse::<Region>().is_err(), "{region:?}");
        }
        for namespace in ["", "1a", "a-", "A", "a/b", ".", ".."] {
            assert!(namespace.parse::<Namespace>().is_err(), "{namespace:?}");
        }
        for tag in ["", ".", "..", "-a", "a/b", "a b", "ä", "a:b", "a@b"] {
            assert!(tag.parse::<Tag>().is_err(), "{tag:?}");
        }
    }

    #[test]
    fn only_the_european_site_has_another_domain() {
        assert_eq!(
            "eu-west-101".parse::<Region>().unwrap().domain(),
            "myhuaweicloud.eu"
        );
        assert_eq!(
            "eu-west-0".parse::<Region>().unwrap().domain(),
            "myhuaweicloud.com"
        );
        assert_eq!(
            "cn-north-4".parse::<Region>().unwrap().domain(),
            "myhuaweicloud.com"
        );
    }

    proptest! {
        #[test]
        fn what_is_taken_prints_as_it_was_given(text in "\\PC{0,200}") {
            if let Ok(tag) = text.parse::<Tag>() {
                prop_assert_eq!(tag.as_str(), &text);
            }
            if let Ok(repository) = text.parse::<Repository>() {
                prop_assert_eq!(repository.path_segment().replace('$', "/"), text);
            }
        }
    }
}
