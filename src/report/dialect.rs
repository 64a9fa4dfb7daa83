//! What a CI system reads: one implementation each, and a plain log where a system has nothing of its own.

use std::fmt::Debug;

use jiff::Timestamp;

use crate::emit::Emission;
use crate::event::Level;
use crate::report::annotations::Annotation;
use crate::report::outputs::Outputs;
use crate::report::sanitise::Clean;

/// The language of one CI system. Every method has the plain log as its default, so that an implementation holds only
/// what is different. All are pure: they return text, `emit` prints and writes it.
pub trait Dialect: Debug {
    /// The command that makes the CI hide one line of a secret; empty where there is none.
    fn mask(&self, _secret: &str) -> String {
        String::new()
    }

    /// A line of the log. Warnings are lines too: a green run makes no annotation.
    fn log(&self, level: Level, text: &Clean) -> String {
        match level {
            Level::Error => format!("error: {text}\n"),
            Level::Warn => format!("warning: {text}\n"),
            Level::Info => format!("{text}\n"),
            Level::Debug => format!("debug: {text}\n"),
        }
    }

    /// The start of a part of the log that can be folded.
    fn section_start(&self, title: &Clean, _at: Timestamp) -> String {
        format!("{title}\n")
    }

    /// Its end.
    fn section_end(&self, _at: Timestamp) -> String {
        String::new()
    }

    /// An error that is shown apart from the log where the CI can do so.
    fn annotation(&self, annotation: &Annotation) -> String {
        let lines: String = annotation
            .lines
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect();
        format!("error: {}\n{lines}", annotation.title)
    }

    /// The outputs, in the CI's own channel.
    fn outputs(&self, _outputs: &Outputs) -> Emission {
        Emission::default()
    }

    /// Whether the channel takes outputs of that size.
    fn takes(&self, _outputs: &Outputs) -> bool {
        true
    }

    /// How many bytes of summary the CI takes; none where it shows no summary.
    fn summary_limit(&self) -> Option<usize> {
        None
    }

    /// The job summary, in Markdown.
    fn summary(&self, _markdown: String, _level: Level) -> Emission {
        Emission::default()
    }

    /// How a later step of the same job names the output `failed-images`; none where it cannot.
    fn failed_images(&self) -> Option<String> {
        None
    }

    /// The last line of the log.
    fn conclusion(&self, level: Level, text: &Clean) -> String {
        self.log(level, text)
    }
}

/// A log for people, for every system without commands of its own.
#[derive(Debug)]
pub struct Plain;

impl Dialect for Plain {}
