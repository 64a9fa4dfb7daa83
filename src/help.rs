//! `--help` and `--version`, from the table of inputs.

use std::fmt::Write;

use crate::inputs::{Group, INPUTS};
use crate::outcome::Exit;
use crate::report::outputs::OUTPUTS;

/// The version, with the commit it was built from where that is known.
pub fn version() -> String {
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    match option_env!("SWR_IMAGE_SYNC_REVISION").filter(|revision| !revision.is_empty()) {
        Some(revision) => format!("{version} ({revision})\n"),
        None => format!("{version}\n"),
    }
}

/// How wide help is, and how high each of its parts may be: an old terminal.
const WIDTH: usize = 80;

/// Where the meaning of an input or output begins.
const COLUMN: usize = 21;

/// What `--help` prints: the inputs by purpose, the outputs and the exit codes.
pub fn help() -> String {
    let mut text = version();
    let introduction = "Asks Huawei Cloud SWR to copy pushed image tags to other regions, and fails for every tag that failed. \
         There are no arguments but --help and --version: inputs are environment variables. The input `remote-region-id` \
         is INPUT_REMOTE_REGION_ID or INPUT_REMOTE-REGION-ID, outside of GitHub also PLUGIN_REMOTE_REGION_ID; the same \
         with _FILE behind it names a file that holds the value. Lists are lines, commas or a JSON array. Defaults stand \
         in brackets.";
    text.push('\n');
    for line in wrap(introduction, WIDTH) {
        let _ = writeln!(text, "{line}");
    }
    for (group, heading) in Group::ALL {
        let _ = write!(text, "\n{heading}:\n");
        for input in INPUTS.iter().filter(|input| input.group == group) {
            let meaning = match input.default {
                "" => input.help.to_owned(),
                default => format!("{} [{default}]", input.help),
            };
            entry(&mut text, input.name, &meaning);
        }
    }
    text.push_str("\nOutputs:\n");
    for (name, meaning) in OUTPUTS {
        entry(&mut text, name, meaning);
    }
    text.push_str("\nExit codes:\n");
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(text, "  {:>3}  {meaning}", exit.code());
    }
    text
}

fn entry(text: &mut String, name: &str, meaning: &str) {
    let mut name = name;
    for line in wrap(meaning, WIDTH - COLUMN) {
        let _ = writeln!(text, "  {name:<width$}{line}", width = COLUMN - 2);
        name = "";
    }
}

/// Breaks a text into lines at blanks.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// What is said to arguments. They are not repeated: they may hold a secret.
pub fn no_arguments() -> String {
    "error: there are no arguments but --help and --version; inputs are environment variables such as INPUT_TARGETS\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_help_fits_an_old_terminal() {
        for part in help().split("\n\n") {
            assert!(part.lines().count() <= 24, "{part}");
            for line in part.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }
}
