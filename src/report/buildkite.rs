//! Buildkite: headings in the log. Annotations and meta-data are made by the agent's own program, which is not in this
//! image; `report-markdown` and `report-dotenv` write what it takes.

use jiff::Timestamp;

use crate::event::Level;
use crate::report::annotations::Annotation;
use crate::report::dialect::Dialect;
use crate::report::sanitise::Clean;

/// Buildkite.
#[derive(Debug)]
pub struct Buildkite;

impl Dialect for Buildkite {
    fn section_start(&self, title: &Clean, _at: Timestamp) -> String {
        format!("--- {title}\n")
    }

    fn annotation(&self, annotation: &Annotation) -> String {
        let lines: String = annotation
            .lines
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect();
        format!("+++ error: {}\n{lines}", annotation.title)
    }

    /// A heading of its own: what stands under a closed one is not seen.
    fn conclusion(&self, _level: Level, text: &Clean) -> String {
        format!("+++ {text}\n")
    }
}
