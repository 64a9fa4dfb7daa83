//! The tables of inputs, outputs and exit codes, as action files and `--help` have them.

use std::fmt::Write;
use std::fs;

use swr_image_sync::help::help;
use swr_image_sync::inputs::{Group, INPUTS, Input};
use swr_image_sync::outcome::Exit;
use swr_image_sync::report::outputs::OUTPUTS;

use super::{project, read};
use crate::common::Run;

/// The inputs that GitHub can also be given by file, since its action files have to declare every name.
const BY_FILE: [&str; 2] = ["images", "tags"];

/// A row of a table of inputs.
pub(super) struct Row {
    pub(super) group: Group,
    pub(super) name: String,
    /// In backticks where it is a value and no description of one.
    pub(super) default: String,
    pub(super) help: String,
}

/// The names and meanings that a place has to have, in order.
pub(super) fn rows() -> Vec<Row> {
    INPUTS
        .iter()
        .flat_map(|input| [Some(row(input)), by_file(input)])
        .flatten()
        .collect()
}

fn row(input: &Input) -> Row {
    let default = match input.default {
        "" => String::new(),
        described if described.contains(' ') => described.to_owned(),
        value => format!("`{value}`"),
    };
    Row {
        group: input.group,
        name: input.name.to_owned(),
        default,
        help: input.help.to_owned(),
    }
}

fn by_file(input: &Input) -> Option<Row> {
    let name = input.name;
    BY_FILE.contains(&name).then(|| Row {
        group: input.group,
        name: format!("{name}-file"),
        default: String::new(),
        help: format!("Path of a file that holds `{name}`, for lists longer than a variable may be. Not beside `{name}`."),
    })
}

/// Holds what stands between two marks of a file to what is expected, or writes it there.
#[track_caller]
pub(super) fn hold_between(path: &str, begin: &str, end: &str, expected: &str) {
    let text = read(path);
    let place = text.split_once(begin).and_then(|(before, rest)| {
        let (between, after) = rest.split_once(end)?;
        Some((before, between, after))
    });
    let (before, between, after) =
        place.unwrap_or_else(|| panic!("{path} has no part between {begin:?} and {end:?}"));
    if between == expected {
        return;
    }
    if update() {
        let text = format!("{before}{begin}{expected}{end}{after}");
        fs::write(project().join(path), text).expect("the file can be written");
        return;
    }
    let first = between
        .lines()
        .zip(expected.lines())
        .find(|(is, due)| is != due);
    let counts = (between.lines().count(), expected.lines().count());
    panic!(
        "{path} differs from the tables in the code (first: {first:#?}; lines: {counts:?}); UPDATE_DOCS=1 writes it"
    );
}

#[expect(clippy::disallowed_methods, reason = "a person asks the test to write")]
fn update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn inputs_of_action() -> String {
    let mut text = String::new();
    let mut group = None;
    for row in rows() {
        if group != Some(row.group) {
            group = Some(row.group);
            let _ = writeln!(text, "  # {}", heading(row.group));
        }
        let default = match row.default.as_str() {
            "" => String::new(),
            default => format!(" Default: {default}."),
        };
        let description = quoted(&format!("{}{default}", row.help));
        let _ = writeln!(text, "  {}:\n    description: {description}", row.name);
    }
    text
}

fn heading(group: Group) -> &'static str {
    let [(_, heading)] = Group::ALL
        .iter()
        .filter(|(of, _)| *of == group)
        .collect::<Vec<_>>()[..]
    else {
        panic!("a group has one heading");
    };
    heading
}

#[test]
fn action_files_declare_the_inputs_of_the_table() {
    for path in ["action.yml", "binary/action.yml"] {
        hold_between(path, "\ninputs:\n", "\noutputs:\n", &inputs_of_action());
    }
}

#[test]
fn action_files_declare_the_outputs_of_the_table() {
    for (path, step) in [("action.yml", None), ("binary/action.yml", Some("program"))] {
        let mut expected = String::new();
        for (name, meaning) in OUTPUTS {
            let _ = writeln!(expected, "  {name}:\n    description: {}", quoted(meaning));
            if let Some(step) = step {
                let _ = writeln!(
                    expected,
                    "    value: ${{{{ steps.{step}.outputs.{name} }}}}"
                );
            }
        }
        hold_between(path, "\noutputs:\n", "\nruns:\n", &expected);
    }
}

#[test]
fn the_composite_action_hands_every_input_on() {
    let expected: String = rows()
        .iter()
        .map(|row| {
            let variable = row.name.to_uppercase().replace('-', "_");
            format!("        INPUT_{variable}: ${{{{ inputs.{} }}}}\n", row.name)
        })
        .collect();
    let text = read("binary/action.yml");
    let passed: String = text
        .lines()
        .filter(|line| line.contains(" INPUT_"))
        .fold(String::new(), |passed, line| passed + line + "\n");
    assert_eq!(
        passed, expected,
        "run `python3 tools/release binary-action`"
    );
}

#[test]
fn help_has_the_tables() {
    let help = help();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words_of_help = words(&help);
    for input in &INPUTS {
        let default = match input.default {
            "" => String::new(),
            default => format!(" [{default}]"),
        };
        let entry = format!(" {} {}{default} ", input.name, words(input.help));
        assert!(words_of_help.contains(&entry), "{entry}");
    }
    for (name, meaning) in OUTPUTS {
        assert!(
            words_of_help.contains(&format!(" {name} {} ", words(meaning))),
            "{name}"
        );
    }
    for (exit, meaning) in Exit::ALL {
        assert!(
            help.contains(&format!(" {}  {meaning}\n", exit.code())),
            "{meaning}"
        );
    }
    let names = |text: &str| -> Vec<String> {
        let begins = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        text.lines()
            .filter(begins)
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    };
    let expected: Vec<&str> = INPUTS
        .iter()
        .map(|input| input.name)
        .chain(OUTPUTS.map(|(name, _)| name))
        .collect();
    let all = names(&help);
    assert_eq!(all[..expected.len()], expected);
    assert!(
        all[expected.len()..]
            .iter()
            .all(|code| code.parse::<u8>().is_ok()),
        "{all:?}"
    );
}

#[test]
fn the_program_writes_the_outputs_of_the_table() {
    let finished = Run::github().run();
    let text = finished.file("output");
    let written: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("<<"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(written, OUTPUTS.map(|(name, _)| name));
}

#[test]
fn every_input_and_output_is_described() {
    for row in rows() {
        assert!(
            row.help.ends_with('.') && row.help.len() > 20,
            "{}: {}",
            row.name,
            row.help
        );
    }
    for (name, meaning) in OUTPUTS {
        assert!(
            meaning.ends_with('.') && meaning.len() > 20,
            "{name}: {meaning}"
        );
    }
}

#[test]
fn at_debug_level_the_log_says_where_each_input_came_from() {
    let run = Run::github()
        .input("log-level", "debug")
        .input("dry-run", "true")
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:v1")
        .set("INPUT_TARGETS", "cn-east-3")
        .set("INPUT_EXCLUDE_TAGS_FILE", "/dev/null");
    let log = run.run().stdout;
    for line in [
        "input `images`: from INPUT_IMAGES",
        "input `targets`: from INPUT_TARGETS",
        "input `dry-run`: from INPUT_DRY-RUN",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
    let defaults = INPUTS.iter().filter(|input| !input.default.is_empty());
    for input in defaults.filter(|input| !["log-level", "dry-run"].contains(&input.name)) {
        let line = format!("input `{}`: by default {}", input.name, input.default);
        assert!(log.contains(&line), "{line} is not in\n{log}");
    }
}
