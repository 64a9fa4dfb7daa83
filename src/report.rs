//! From an outcome to what people and machines read. Everything here is pure: it returns text and file contents,
//! `emit` prints and writes them.
//!
//! - [`sanitise`] and [`redact`] make foreign text harmless, once, before anything else sees it;
//! - [`outputs`], [`annotations`] and [`results`] say what is told, the same in every CI system;
//! - [`dialect`] says how: a trait with a plain log as its default, and one file for each CI system;
//! - [`markdown`], [`junit`], [`json`], [`dotenv`] and [`results_dir`] are reports for any of them.

pub mod annotations;
pub mod azure;
pub mod bitbucket;
pub mod buildkite;
pub mod circleci;
pub mod codearts;
pub mod dialect;
pub mod dotenv;
pub mod drone;
pub mod failures;
pub mod gitea;
pub mod github;
pub mod gitlab;
pub mod harness;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod outputs;
pub mod redact;
pub mod results;
pub mod results_dir;
pub mod sanitise;
pub mod teamcity;

use std::path::PathBuf;

use secrecy::ExposeSecret;

use crate::config::{Presentation, ReportPaths};
use crate::emit::{Emission, Mode, Purpose, WriteFailure};
use crate::event::{Event, Level};
use crate::inputs::Environment;
use crate::outcome::{Ending, Exit, Outcome};

use dialect::Dialect;
use outputs::Outputs;
use sanitise::Sanitiser;

/// No line about something that happened is longer.
const LINE_LIMIT: usize = 8192;

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
                let new = self.sanitiser.redactor.secret(secret.expose_secret());
                new.into_iter()
                    .map(|part| self.dialect.mask(part))
                    .collect()
            }
            Event::AccessKey(key) => {
                self.sanitiser.redactor.access_key(key);
                String::new()
            }
            Event::Log(level, text) => self.shown(*level, || {
                let text = self.sanitiser.clean(text).cut(LINE_LIMIT);
                self.dialect.log(*level, &text)
            }),
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
        let mut emission = Emission::default();
        let channel = self.presentation.ci.name();
        let kept = self.fitted(
            &outputs,
            channel,
            |outputs| self.dialect.takes(outputs),
            &mut emission,
        );
        emission.extend(self.dialect.outputs(&kept));
        let ReportPaths {
            junit,
            json,
            dotenv,
            markdown,
            results,
        } = &self.presentation.reports;
        let mut report = |path: &Option<PathBuf>, text: &dyn Fn() -> String| {
            if path.is_some() {
                let file = Emission::file(path.as_ref(), Mode::Replace, Purpose::Results, text());
                emission.extend(file);
            }
        };
        report(junit, &|| junit::render(outcome, &self.sanitiser));
        report(json, &|| json::render(outcome, exit, &self.sanitiser));
        report(markdown, &|| self.markdown(outcome, exit, usize::MAX));
        if dotenv.is_some() {
            let kept = self.fitted(&outputs, "`report-dotenv`", dotenv::takes, &mut emission);
            let text = dotenv::lines(&kept);
            emission.extend(Emission::file(
                dotenv.as_ref(),
                Mode::Replace,
                Purpose::Results,
                text,
            ));
        }
        if let Some(folder) = results {
            let kept = self.fitted(&outputs, "`results-dir`", results_dir::takes, &mut emission);
            emission.extend(results_dir::files(&kept, folder));
        }
        self.redacted(emission)
    }

    /// The outputs that a channel takes, with a warning for what had to be left out.
    fn fitted(
        &self,
        outputs: &Outputs,
        channel: &str,
        fits: impl Fn(&Outputs) -> bool,
        emission: &mut Emission,
    ) -> Outputs {
        let (kept, left_out) = outputs.clone().fit(fits);
        if !left_out.is_empty() {
            let text = format!(
                "too large for {channel} and left out: {}; `report-json` takes everything",
                left_out.join(", ")
            );
            emission.stdout.push_str(&self.log(Level::Warn, &text));
        }
        kept
    }

    /// The job summary, where the CI has one and it is wanted.
    pub fn summary(&self, outcome: &Outcome, exit: Exit) -> Emission {
        match self.dialect.summary_limit() {
            Some(limit) if self.presentation.summary => {
                let markdown = self.markdown(outcome, exit, limit);
                self.redacted(self.dialect.summary(markdown, level_of(exit)))
            }
            _ => Emission::default(),
        }
    }

    fn markdown(&self, outcome: &Outcome, exit: Exit, limit: usize) -> String {
        let failed_images = self.dialect.failed_images();
        let context = markdown::Context {
            sanitiser: &self.sanitiser,
            failed_images: failed_images.as_deref(),
            limit,
        };
        markdown::render(outcome, exit, context)
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
                let indent = &line[..line.len() - line.trim_start().len()];
                let line = self.log(Level::Info, line);
                stdout.extend((!line.is_empty()).then_some(indent));
                stdout.push_str(&line);
            }
        }
        for failure in odd {
            stdout.push_str(&self.log(Level::Warn, &failure.to_string()));
        }
        for annotation in annotations::annotations(outcome, &unwritten, &self.sanitiser) {
            stdout.push_str(&self.dialect.annotation(&annotation));
        }
        let level = level_of(exit);
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

fn level_of(exit: Exit) -> Level {
    match exit {
        Exit::Synced => Level::Info,
        _ => Level::Error,
    }
}

#[cfg(test)]
mod tests;
