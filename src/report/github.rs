//! GitHub Actions: workflow commands in the log, files for outputs and summary.
//!
//! The syntax is that of `packages/core/src/command.ts` and `file-command.ts` of actions/toolkit.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::emit::{Emission, Mode, Purpose};
use crate::event::Level;
use crate::inputs::Environment;
use crate::report::annotations::Annotation;
use crate::report::dialect::Dialect;
use crate::report::outputs::Outputs;
use crate::report::sanitise::Clean;

/// A job's outputs may have 1 MiB, measured as UTF-16.
const OUTPUTS_LIMIT: usize = 1024 * 1024 / 2;

/// A larger summary is dropped as a whole.
const SUMMARY_LIMIT: usize = 1024 * 1024;

/// GitHub Actions.
#[derive(Debug)]
pub struct GitHub {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    step: String,
    random: u128,
}

impl GitHub {
    /// Reads where the runner takes outputs and summary from. `random` makes the delimiter.
    pub fn new(environment: &Environment, random: u128) -> Self {
        let path = |name| {
            environment
                .get(name)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        Self {
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            step: step(environment.get("GITHUB_ACTION")),
            random,
        }
    }

    /// A line that no value holds, so that none can end early and add outputs of its own.
    fn delimiter(&self, value: &str) -> String {
        let mut random = self.random;
        loop {
            let delimiter = format!("ghadelimiter_{random:032x}");
            if !value.contains(&delimiter) {
                return delimiter;
            }
            random = random.wrapping_add(1);
        }
    }
}

impl Dialect for GitHub {
    fn mask(&self, secret: &str) -> String {
        format!("::add-mask::{}\n", data(secret))
    }

    fn section_start(&self, title: &Clean, _at: Timestamp) -> String {
        format!("::group::{}\n", data(title.as_str()))
    }

    fn section_end(&self, _at: Timestamp) -> String {
        "::endgroup::\n".to_owned()
    }

    fn annotation(&self, annotation: &Annotation) -> String {
        annotation.within_limit(|annotation| {
            let lines = annotation.lines_text("\n");
            let title = property(annotation.title.as_str());
            format!("::error title={title}::{}\n", data(&lines))
        })
    }

    fn outputs(&self, outputs: &Outputs) -> Emission {
        let mut text = String::new();
        for output in outputs.iter() {
            let delimiter = self.delimiter(&output.value);
            writeln!(
                text,
                "{}<<{delimiter}\n{}\n{delimiter}",
                output.name, output.value
            )
            .expect("a text takes any text");
        }
        Emission::file(self.output.as_ref(), Mode::Append, Purpose::Results, text)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        outputs.total() <= OUTPUTS_LIMIT
    }

    fn summary_limit(&self) -> Option<usize> {
        self.summary.as_ref().map(|_| SUMMARY_LIMIT)
    }

    fn summary(&self, markdown: String, _level: Level) -> Emission {
        Emission::file(
            self.summary.as_ref(),
            Mode::Append,
            Purpose::Summary,
            markdown,
        )
    }

    fn failed_images(&self) -> Option<String> {
        Some(format!(
            "${{{{ steps.{}.outputs.failed-images }}}}",
            self.step
        ))
    }
}

/// The step's id. A step without one is named by the runner, with underscores at the start.
fn step(action: Option<&String>) -> String {
    let is_id = |name: &&String| {
        let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
        !name.is_empty() && !name.starts_with("__") && name.chars().all(plain)
    };
    action
        .filter(is_id)
        .map_or("<id>", String::as_str)
        .to_owned()
}

/// The escapes of a command's message; the percent sign first.
pub(super) fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The escapes of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_the_toolkit() {
        assert_eq!(data("100%\r\n%0A: a,b"), "100%25%0D%0A%250A: a,b");
        assert_eq!(property("100%\r\n%0A: a,b"), "100%25%0D%0A%250A%3A a%2Cb");
    }

    #[test]
    fn a_delimiter_that_stands_in_the_value_is_not_taken() {
        let github = GitHub::new(&Environment::new(), 7);
        let first = github.delimiter("");
        let second = github.delimiter(&format!("a{first}b"));
        assert_ne!(first, second);
        assert_eq!(github.delimiter(&first[..first.len() - 1]), first);
    }

    #[test]
    fn only_an_id_that_the_user_gave_is_named() {
        let name = |action: &str| {
            let environment = [("GITHUB_ACTION".to_owned(), action.to_owned())];
            GitHub::new(&environment.into(), 7).step
        };
        assert_eq!(name("sync"), "sync");
        for action in ["", "__run", "__owner_swr-image-sync", "a}b", "a b"] {
            assert_eq!(name(action), "<id>");
        }
    }
}
