//! Outputs as `KEY=value` lines: the report for GitLab's `artifacts: reports: dotenv`, and the files of other systems.

use std::fmt::Write as _;

use crate::report::outputs::Outputs;

/// GitLab refuses a file of 5 KiB and more, see `ParseDotenvArtifactService`.
const SIZE_LIMIT: usize = 5 * 1024 - 1;

/// One line for each output, without quotes: GitLab would keep them.
pub fn lines(outputs: &Outputs) -> String {
    outputs.iter().fold(String::new(), |mut text, output| {
        writeln!(text, "{}={}", output.variable(), output.value).expect("a text takes any text");
        text
    })
}

/// Whether GitLab takes the report.
pub fn takes(outputs: &Outputs) -> bool {
    outputs.total() <= SIZE_LIMIT && lines(outputs).len() <= SIZE_LIMIT
}
