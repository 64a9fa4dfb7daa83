//! Foreign text is made harmless here, once, before any dialect sees it.
//!
//! Every CI system reads commands out of the log: GitHub `::name::` at the start of a line and `##[name]` anywhere,
//! Azure `##vso[`, TeamCity `##teamcity[`, GitLab and Jenkins escape sequences, Buildkite `---` and `+++`. A text that
//! went through [`Sanitiser::clean`] is one line that holds none of these, so that a dialect is left with the escapes
//! of its own syntax.
//!
//! A marker is broken by a blank, which everyone can see. A zero-width character would not do: the runners of GitHub
//! and Azure compare by culture, and such comparisons pass over characters without width, so `#<U+200B>#[` may be read
//! as `##[`. For the same reason characters without width are replaced.

use std::fmt;

use crate::report::redact::Redactor;

/// What stands for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// One line of text without secrets and without anything that a CI system reads as a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clean(String);

impl Clean {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// At most `limit` characters of the text, with a note of how many are missing.
    pub fn cut(&self, limit: usize) -> Self {
        match self.0.char_indices().nth(limit) {
            None => self.clone(),
            Some((end, _)) => {
                let missing = self.0[end..].chars().count();
                Self(format!("{}… ({missing} more characters)", &self.0[..end]))
            }
        }
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one way for foreign text into the log, the outputs and the reports.
#[derive(Clone, Debug, Default)]
pub struct Sanitiser {
    /// The secrets of the run.
    pub redactor: Redactor,
}

impl Sanitiser {
    /// Takes out secrets, then commands.
    pub fn clean(&self, text: &str) -> Clean {
        Clean(neutralise(&self.redactor.foreign(text)))
    }
}

fn neutralise(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.trim().chars() {
        let previous = line.chars().next_back();
        match character {
            _ if is_blank(character) => {
                if previous != Some(' ') {
                    line.push(' ');
                }
                continue;
            }
            // An address such as `http://[::1]` is left whole: behind a bracket no command begins.
            ':' if previous == Some(':') && !line.ends_with("[:") => line.push(' '),
            '#' if previous == Some('#') => line.push(' '),
            // Buildkite's headings, at the start of a line only.
            '-' | '+' | '~' | '^' if matches!(line.as_str(), "--" | "++" | "~~" | "^^") => {
                line.push(' ');
            }
            _ => {}
        }
        line.push(if is_hidden(character) {
            REPLACEMENT
        } else {
            character
        });
    }
    line.truncate(line.trim_end().len());
    line
}

/// White space of any kind, line breaks included.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
}

/// Control characters, and characters that take no room or change the direction of others.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(text: &str) -> String {
        Sanitiser::default().clean(text).0
    }

    #[test]
    fn commands_of_every_system_are_broken() {
        for (text, expected) in [
            ("::set-output name=a::b", ": :set-output name=a: :b"),
            (":::error::", ": : :error: :"),
            ("a ##[error]b", "a # #[error]b"),
            ("##vso[task.complete]", "# #vso[task.complete]"),
            ("####teamcity[x]", "# # # #teamcity[x]"),
            (
                "\u{1b}[0Ksection_start:1:a\r\u{1b}[0Kb",
                "\u{fffd}[0Ksection_start:1:a \u{fffd}[0Kb",
            ),
            ("--- a", "-- - a"),
            ("+++ a --- b", "++ + a --- b"),
            ("  ~~~", "~~ ~"),
            ("a\r\n\r\n::error::b", "a : :error: :b"),
            ("#\u{200b}#[error]", "#\u{fffd}#[error]"),
            ("http://[::1]:80/a", "http://[::1]:80/a"),
            ("[::error::a", "[::error: :a"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = Sanitiser::default().clean("äöü1");
        assert_eq!(text.cut(4).as_str(), "äöü1");
        assert_eq!(text.cut(2).as_str(), "äö… (2 more characters)");
    }

    #[test]
    fn secrets_go_before_commands_are_broken() {
        let mut sanitiser = Sanitiser::default();
        sanitiser.redactor.secret("a::b##c");
        assert_eq!(sanitiser.clean("x a::b##c y").as_str(), "x *** y");
    }

    proptest! {
        #[test]
        fn clean_text_is_one_visible_line_and_stays_as_it_is(text in "\\PC{0,40}|[:#\\[\\-+~^ \\r\\n\\t\u{1b}\u{200b}a]{0,30}") {
            let once = clean(&text);
            prop_assert_eq!(&clean(&once), &once);
            prop_assert!(!once.contains("##"));
            prop_assert!(!once.starts_with("::"));
            prop_assert!(!once.chars().any(|c| c.is_control()));
        }
    }
}
