//! `--help` and `--version`, from the table of inputs.

use std::fmt::Write;

use crate::inputs::{Group, INPUTS};
use crate::outcome::Exit;

/// The version, with the commit it was built from where that is known.
pub fn version() -> String {
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    match option_env!("SWR_IMAGE_SYNC_REVISION").filter(|revision| !revision.is_empty()) {
        Some(revision) => format!("{version} ({revision})\n"),
        None => format!("{version}\n"),
    }
}

/// How wide help is.
const WIDTH: usize = 100;

/// What `--help` prints: the inputs by purpose, and the exit codes.
pub fn help() -> String {
    let mut text = version();
    text.push_str(
        "\nAsks Huawei Cloud SWR to copy pushed image tags to other regions, and fails for every tag that failed.\n\
         There are no arguments but --help and --version. Inputs are environment variables: input `remote-region-id`\n\
         is INPUT_REMOTE_REGION_ID or INPUT_REMOTE-REGION-ID, outside GitHub also PLUGIN_REMOTE_REGION_ID; the same\n\
         with _FILE behind it names a file that holds the value. Lists are lines, commas or a JSON array.\n",
    );
    for (group, heading) in Group::ALL {
        let _ = write!(text, "\n{heading}:\n");
        for input in INPUTS.iter().filter(|input| input.group == group) {
            let default = if input.default.is_empty() {
                String::new()
            } else {
                format!(" [{}]", input.default)
            };
            let _ = writeln!(text, "  {}{default}", input.name);
            for line in wrap(input.help, WIDTH - 6) {
                let _ = writeln!(text, "      {line}");
            }
        }
    }
    text.push_str("\nExit codes:\n");
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(text, "  {:>3}  {meaning}", exit.code());
    }
    text
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
