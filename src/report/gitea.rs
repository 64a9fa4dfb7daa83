//! Gitea and Forgejo Actions: GitHub's files, masks and groups. Their runners show `::error` as it is, escapes
//! included (go-gitea/gitea#23722), so errors are plain lines.

use jiff::Timestamp;

use crate::emit::Emission;
use crate::event::Level;
use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::github::GitHub;
use crate::report::outputs::Outputs;
use crate::report::sanitise::Clean;

/// Gitea Actions, and Forgejo Actions.
#[derive(Debug)]
pub struct Gitea(GitHub);

impl Gitea {
    /// Reads where the runner takes outputs and summary from, under GitHub's names. `random` makes the delimiter.
    pub fn new(environment: &Environment, random: u128) -> Self {
        Self(GitHub::new(environment, random))
    }
}

impl Dialect for Gitea {
    fn mask(&self, secret: &str) -> String {
        self.0.mask(secret)
    }

    fn section_start(&self, title: &Clean, at: Timestamp) -> String {
        self.0.section_start(title, at)
    }

    fn section_end(&self, at: Timestamp) -> String {
        self.0.section_end(at)
    }

    fn outputs(&self, outputs: &Outputs) -> Emission {
        self.0.outputs(outputs)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        self.0.takes(outputs)
    }

    fn summary_limit(&self) -> Option<usize> {
        self.0.summary_limit()
    }

    fn summary(&self, markdown: String, level: Level) -> Emission {
        self.0.summary(markdown, level)
    }

    fn failed_images(&self) -> Option<String> {
        self.0.failed_images()
    }
}
