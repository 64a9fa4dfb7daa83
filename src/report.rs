//! From an outcome to what people and machines read. Everything here is pure: it returns text and file contents,
//! `emit` prints and writes them.
//!
//! - [`sanitise`] and [`redact`] make foreign text harmless, once, before anything else sees it;
//! - [`outputs`], [`annotations`] and [`results`] say what is told, the same in every CI system;
//! - [`dialect`] says how: a trait with a plain log as its default, and one file for each system;
//! - [`markdown`] is a report in a format of its own.

pub mod annotations;
pub mod dialect;
pub mod failures;
pub mod github;
pub mod markdown;
pub mod outputs;
pub mod plain;
pub mod redact;
pub mod results;
pub mod sanitise;

use secrecy::ExposeSecret;

use crate::config::Presentation;
use crate::emit::{Emission, Purpose, WriteFailure};
use crate::event::{Event, Level};
use crate::inputs::Environment;
use crate::outcome::{Ending, Exit, Outcome};

use dialect::Dialect;
use outputs::Outputs;
use sanitise::Sanitiser;

/// Tells a run to its CI system.
#[derive(Debug)]
pub struct Reporter {
    presentation: Presentation,
    dialect: Box<dyn Dialect>,
    sanitiser: Sanitiser,
}

impl Reporter {
    /// A reporter for the CI system of the presentation. `random` makes names and delimiters that nobody can foresee.
    pub fn new(presentation: Presentation, environment: &Environment, random: u128) -> Self {
        Self {
            dialect: presentation.ci.dialect(environment, random),
            sanitiser: Sanitiser::default(),
            presentation,
        }
    }

    /// What to print at once for an event; it may be nothing.
    pub fn event(&mut self, event: &Event) -> String {
        match event {
            Event::Secret(secret) => {
                let secret = secret.expose_secret();
                self.sanitiser.redactor.secret(secret);
                redact::parts(secret)
                    .into_iter()
                    .map(|part| self.dialect.mask(part))
                    .collect()
            }
            Event::AccessKey(key) => {
                self.sanitiser.redactor.access_key(key);
                String::new()
            }
            Event::Log(level, text) => self.log(*level, text),
            Event::SectionStart(title, at) => {
                let title = self.sanitiser.clean(title);
                self.shown(Level::Info, || self.dialect.section_start(&title, *at))
            }
            Event::SectionEnd(at) => self.shown(Level::Info, || self.dialect.section_end(*at)),
        }
    }

    /// The outputs in the CI's own channel, and the report files. `exit` is what the step will end with, as far as is
    /// known before they are written.
    pub fn outputs(&self, outcome: &Outcome, exit: Exit) -> Emission {
        let outputs = Outputs::new(outcome, exit, &self.sanitiser);
        let (kept, left_out) =
            outputs.fit(|outputs| self.dialect.takes(&self.dialect.outputs(outputs)));
        let mut emission = self.dialect.outputs(&kept);
        if !left_out.is_empty() {
            let text = format!(
                "the outputs {} are too large for {} and were left out; `report-json` takes them whole",
                left_out.join(", "),
                self.presentation.ci.name()
            );
            emission.stdout.push_str(&self.log(Level::Warn, &text));
        }
        self.redacted(emission)
    }

    /// The job summary, where the CI has one and it is wanted.
    pub fn summary(&self, outcome: &Outcome, exit: Exit) -> Emission {
        match self.dialect.summary_limit() {
            Some(limit) if self.presentation.summary => {
                let markdown = markdown::render(outcome, exit, &self.sanitiser, limit);
                self.redacted(self.dialect.summary(markdown))
            }
            _ => Emission::default(),
        }
    }

    /// The end of the log: errors, what could not be written, and the counts.
    pub fn conclusion(&self, outcome: &Outcome, exit: Exit, failures: &[WriteFailure]) -> Emission {
        let decides = |failure: &&WriteFailure| {
            exit == Exit::NotWritten && failure.purpose == Purpose::Results
        };
        let (decisive, odd): (Vec<_>, Vec<_>) = failures.iter().partition(decides);
        let unwritten: Vec<String> = decisive.iter().map(ToString::to_string).collect();
        let mut stdout = String::new();
        if let Ending::DryRun(plan) = &outcome.ending {
            for line in plan.to_string().lines() {
                stdout.push_str(&self.log(Level::Info, line));
            }
        }
        for failure in odd {
            stdout.push_str(&self.log(Level::Warn, &failure.to_string()));
        }
        for annotation in annotations::annotations(outcome, &unwritten, &self.sanitiser) {
            stdout.push_str(&self.dialect.annotation(&annotation));
        }
        let level = if exit == Exit::Synced {
            Level::Info
        } else {
            Level::Error
        };
        let text = self
            .sanitiser
            .clean(&annotations::conclusion(outcome, exit));
        stdout.push_str(&self.shown(level, || self.dialect.conclusion(level, &text)));
        self.redacted(Emission::text(stdout))
    }

    fn log(&self, level: Level, text: &str) -> String {
        self.shown(level, || {
            self.dialect.log(level, &self.sanitiser.clean(text))
        })
    }

    fn shown(&self, level: Level, text: impl FnOnce() -> String) -> String {
        if level <= self.presentation.level {
            self.sanitiser.redactor.finished(&text()).into_owned()
        } else {
            String::new()
        }
    }

    fn redacted(&self, mut emission: Emission) -> Emission {
        let redact =
            |text: &mut String| *text = self.sanitiser.redactor.finished(text).into_owned();
        redact(&mut emission.stdout);
        emission
            .files
            .iter_mut()
            .for_each(|file| redact(&mut file.text));
        emission
    }
}
