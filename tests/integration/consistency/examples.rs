//! Every input and output that an example or a document names exists.

use std::collections::BTreeSet;

use serde_json::Value;
use swr_image_sync::inputs::{INPUTS, default, find, nearest};
use swr_image_sync::outcome::{Exit, State};
use swr_image_sync::report::outputs::OUTPUTS;

use super::texts::{blocks, yaml};
use super::{documents, files_below, hold, read};

/// What parameters of an example mean beside inputs.
const OF_THE_EXAMPLES: [&str; 4] = ["image", "job-name", "stage", "after-sync"];

/// Where names of inputs stand in an example, beside the places that every file is searched for. `*` is each entry of
/// a list or each value of an object, `{}` at the end stands for the names of an object.
const PLACES: [(&str, &str); 12] = [
    ("github/reusable.yml", "on/workflow_call/inputs/{}"),
    ("github/reusable.yml", "on/workflow_call/secrets/{}"),
    ("gitlab/.gitlab-ci.yml", "include/*/inputs/{}"),
    (
        "gitlab/templates/swr-image-sync/template.yml",
        "spec/inputs/{}",
    ),
    (
        "gitlab/templates/swr-image-sync-keyless/template.yml",
        "spec/inputs/{}",
    ),
    ("azure/swr-image-sync.yml", "parameters/*/name"),
    ("azure/azure-pipelines.yml", "steps/*/parameters/{}"),
    ("circleci/orb.yml", "jobs/*/parameters/{}"),
    ("tekton/task.yaml", "spec/params/*/name"),
    ("tekton/taskrun.yaml", "spec/params/*/name"),
    ("bitbucket/pipe.yml", "variables/*/name"),
    (
        "bitbucket/bitbucket-pipelines.yml",
        "pipelines/tags/*/*/step/script/*/variables/{}",
    ),
];

/// The YAML of the project that users read or copy: example files, and the blocks in documents.
fn yaml_texts() -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = files_below("examples")
        .into_iter()
        .filter(|path| path.ends_with(".yml") || path.ends_with(".yaml"))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    for document in documents() {
        texts.extend(
            blocks(&read(&document), "yaml")
                .into_iter()
                .map(|block| (document.clone(), block)),
        );
    }
    assert!(texts.len() > 30, "only {} were found", texts.len());
    texts
}

/// Texts of any kind in which variables of inputs may stand.
fn texts() -> Vec<(String, String)> {
    files_below("examples")
        .into_iter()
        .chain(documents())
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

fn is_input(name: &str) -> bool {
    let name = name.replace('_', "-");
    let by_file = |name: &str| {
        name.strip_suffix("-file")
            .is_some_and(|name| find(name).is_some())
    };
    find(&name).is_some() || by_file(&name)
}

/// The settings of this program in a YAML text, wherever it is used.
fn settings(value: &Value, found: &mut Vec<String>) {
    let is_ours = |key: &str| {
        value[key].as_str().is_some_and(|text| {
            text.contains("/swr-image-sync@")
                || text.contains("/swr-image-sync:")
                || text.contains("/swr-image-sync/binary@")
        })
    };
    for (user, settings) in [("uses", "with"), ("image", "settings")] {
        if let (true, Some(settings)) = (is_ours(user), value[settings].as_object()) {
            found.extend(settings.keys().cloned());
        }
    }
    match value {
        Value::Array(entries) => entries.iter().for_each(|entry| settings(entry, found)),
        Value::Object(entries) => entries.values().for_each(|entry| settings(entry, found)),
        _ => {}
    }
}

/// The names at a place of an example.
fn at(value: &Value, place: &str) -> Vec<String> {
    let (step, rest) = place
        .split_once('/')
        .map_or((place, None), |(step, rest)| (step, Some(rest)));
    let inner: Vec<&Value> = match (step, value) {
        ("{}", Value::Object(entries)) => return entries.keys().cloned().collect(),
        ("*", Value::Array(entries)) => entries.iter().collect(),
        ("*", Value::Object(entries)) => entries.values().collect(),
        (name, value) => value.get(name).into_iter().collect(),
    };
    match rest {
        Some(rest) => inner
            .into_iter()
            .flat_map(|value| at(value, rest))
            .collect(),
        None => inner
            .into_iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    }
}

#[test]
fn all_yaml_can_be_read_and_names_only_inputs_that_exist() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for (path, text) in yaml_texts() {
        match yaml(&text) {
            Err(error) => problems.push(format!("{path}: {error} in\n{text}")),
            Ok(documents) => {
                let mut found = Vec::new();
                documents
                    .iter()
                    .for_each(|document| settings(document, &mut found));
                checked += found.len();
                problems.extend(
                    found
                        .iter()
                        .filter(|name| !is_input(name))
                        .map(|name| format!("{path}: `{name}` is no input")),
                );
            }
        }
    }
    for (path, place) in PLACES {
        let path = format!("examples/ci/{path}");
        let documents = yaml(&read(&path)).expect("it was read above");
        let names: Vec<String> = documents
            .iter()
            .flat_map(|document| at(document, place))
            .collect();
        if names.is_empty() {
            problems.push(format!("{path} has nothing at {place}"));
        }
        checked += names.len();
        let wrong = names.iter().filter(|name| {
            let name = name
                .strip_prefix("INPUT_")
                .map_or_else(|| (*name).clone(), str::to_ascii_lowercase);
            !is_input(&name) && !OF_THE_EXAMPLES.contains(&name.as_str())
        });
        problems.extend(wrong.map(|name| format!("{path}: `{name}` is no input")));
    }
    hold(&problems);
    assert!(checked > 100, "only {checked} names were found");
}

/// The names behind a prefix in a text.
fn names_behind<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    text.match_indices(prefix)
        .filter(|(start, _)| !text[..*start].ends_with(is_part))
        .map(|(start, _)| {
            let name = &text[start + prefix.len()..];
            let end = name
                .find(|character| !is_part(character))
                .unwrap_or(name.len());
            name[..end].trim_end_matches(['_', '-'])
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_variable_of_an_input_is_one() {
    // Stands for any name, and for a mistyped one.
    const NO_INPUTS: [&str; 3] = ["NAME", "X", "OVERIDE"];
    let mut problems = Vec::new();
    let mut checked = 0;
    for (path, text) in texts() {
        for prefix in ["INPUT_", "PLUGIN_"] {
            for name in names_behind(&text, prefix) {
                checked += 1;
                if !NO_INPUTS.contains(&name) && !is_input(&name.to_ascii_lowercase()) {
                    problems.push(format!("{path}: {prefix}{name} is no input"));
                }
            }
        }
    }
    hold(&problems);
    assert!(checked > 100, "only {checked} names were found");
}

fn is_output(name: &str) -> bool {
    OUTPUTS.iter().any(|(output, _)| *output == name)
}

#[test]
fn every_output_that_is_read_exists() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for (path, text) in texts() {
        let variables = names_behind(&text, "SWR_SYNC_")
            .into_iter()
            .map(|name| name.to_ascii_lowercase().replace('_', "-"));
        // Of other steps too, so only steps and jobs that are named after this program.
        let of_steps = [
            "steps.sync.outputs.",
            "needs.sync.outputs.",
            "steps.swr.outputs.",
        ]
        .iter()
        .flat_map(|prefix| names_behind(&text, prefix))
        .map(str::to_owned);
        for name in variables.chain(of_steps) {
            checked += 1;
            if !is_output(&name) && !["name", "x", "parameters"].contains(&name.as_str()) {
                problems.push(format!("{path}: `{name}` is no output"));
            }
        }
    }
    hold(&problems);
    assert!(checked > 20, "only {checked} names were found");
}

#[test]
fn no_document_mistypes_an_input_or_output() {
    let known: Vec<&str> = INPUTS
        .iter()
        .map(|input| input.name)
        .chain(OUTPUTS.map(|(name, _)| name))
        .collect();
    let mut problems = Vec::new();
    for document in documents() {
        for code in read(&document).split('`').skip(1).step_by(2) {
            let is_name = code.contains('-')
                && code
                    .chars()
                    .all(|character| character.is_ascii_lowercase() || character == '-');
            let mistyped = is_name && !is_input(code) && !is_output(code);
            if let Some(near) = mistyped
                .then(|| nearest(code, known.iter().copied()))
                .flatten()
            {
                problems.push(format!(
                    "{document}: `{code}` is neither input nor output; is `{near}` meant?"
                ));
            }
        }
    }
    hold(&problems);
}

#[test]
fn the_woodpecker_page_has_the_defaults_of_the_table() {
    let mut checked = 0;
    for line in read("examples/ci/woodpecker/docs.md")
        .lines()
        .filter(|line| line.starts_with("| `"))
    {
        let cells: Vec<&str> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        assert!(find(cells[0]).is_some(), "{line}");
        assert_eq!(cells[1].trim_matches('–'), default(cells[0]), "{line}");
        checked += 1;
    }
    assert!(checked > 10);
}

#[test]
fn every_exit_code_and_state_that_a_document_names_exists() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for document in documents() {
        let text = read(&document).to_lowercase();
        for words in ["exit code ", "exit code `", "退出码 ", "退出码 `"] {
            for (start, _) in text.match_indices(words) {
                let digits: String = text[start + words.len()..]
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect();
                let Ok(code) = digits.parse::<u8>() else {
                    continue;
                };
                checked += 1;
                if Exit::ALL.iter().all(|(exit, _)| exit.code() != code) {
                    problems.push(format!("{document}: there is no exit code {code}"));
                }
            }
        }
    }
    for document in ["docs/troubleshooting.md", "docs/zh-CN/troubleshooting.md"] {
        let text = read(document);
        let missing = State::WORST_FIRST
            .iter()
            .filter(|state| !text.contains(&format!("`{}`", state.name())));
        problems
            .extend(missing.map(|state| format!("{document} does not explain `{}`", state.name())));
        let missing = Exit::ALL
            .iter()
            .filter(|(exit, _)| !text.contains(&format!("| {} |", exit.code())));
        problems.extend(
            missing
                .map(|(exit, _)| format!("{document} does not explain exit code {}", exit.code())),
        );
    }
    hold(&problems);
    assert!(checked > 3, "only {checked} codes were found");
}
