//! The summary: what a person looks at.

use crate::outcome::{Exit, Outcome};
use crate::report::annotations::conclusion;
use crate::report::sanitise::{Clean, Sanitiser};

/// The summary of a run, at most `limit` bytes long.
pub fn render(outcome: &Outcome, exit: Exit, sanitiser: &Sanitiser, _limit: usize) -> String {
    let conclusion = sanitiser.clean(&conclusion(outcome, exit));
    format!("### SWR image sync\n\n{}\n", escape(&conclusion))
}

fn escape(text: &Clean) -> String {
    text.as_str().replace('&', "&amp;").replace('<', "&lt;")
}
