//! docs/reliability.md names tests that exist, and every test of the files about reliability.

use std::collections::BTreeSet;

use super::{hold, project, read};

/// All tests of these are named there.
const FILES: [&str; 9] = [
    "defects",
    "faults",
    "faults/proxies",
    "faults/tls",
    "files",
    "limits",
    "retries",
    "retries/gate",
    "signals",
];

/// What stands between backticks in the last column of the tables, as `module::test` or the path of a script.
fn named() -> BTreeSet<String> {
    let document = read("docs/reliability.md");
    let rows = document.lines().filter(|line| line.starts_with('|'));
    let last = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit('|').next());
    let names: BTreeSet<String> = last
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| name.contains("::") || name.ends_with(".sh"))
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 50, "{names:?}");
    names
}

/// The tests of a source file: functions with `#[test]` right above them.
fn tests_of(source: &str) -> Vec<&str> {
    let behind = source.split("#[test]").skip(1);
    behind
        .filter_map(|rest| rest.split_once("fn ")?.1.split_once('('))
        .map(|(name, _)| name)
        .collect()
}

/// The file of a module: of the integration tests, or of the program.
fn source_of(module: &str) -> Option<String> {
    let path = module.replace("::", "/");
    let inline = path.trim_end_matches("/tests");
    [
        format!("tests/integration/{path}.rs"),
        format!("src/{path}.rs"),
        format!("src/{inline}.rs"),
    ]
    .into_iter()
    .find(|path| project().join(path).is_file())
}

#[test]
fn every_test_that_the_table_names_exists() {
    let exists = |name: &str| match name.rsplit_once("::") {
        None => project().join(name).is_file(),
        Some((module, test)) => {
            source_of(module).is_some_and(|path| tests_of(&read(&path)).contains(&test))
        }
    };
    let missing: Vec<String> = named()
        .into_iter()
        .filter(|name| !exists(name))
        .map(|name| format!("docs/reliability.md names {name}, which is not there"))
        .collect();
    hold(&missing);
}

#[test]
fn every_test_about_reliability_is_named_in_the_table() {
    let named = named();
    let mut unnamed = Vec::new();
    for file in FILES {
        let source = read(&format!("tests/integration/{file}.rs"));
        let tests = tests_of(&source);
        assert!(tests.len() > 3, "{file}: {tests:?}");
        let module = file.replace('/', "::");
        let names = tests.iter().map(|test| format!("{module}::{test}"));
        unnamed.extend(names.filter(|name| !named.contains(name)));
    }
    hold(&unnamed);
}
