//! Hostile text in every foreign field of an outcome: the commands that a CI system finds are those of the same outcome
//! with harmless text, and files read back as exactly the values that were meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;

use super::fixtures::{call, everything, lost, pair, partial, reporter, synced};
use super::readers::{self, Command};
use crate::ci::Ci;
use crate::emit::Emission;
use crate::event::{Event, Level};
use crate::inputs::InputProblem;
use crate::outcome::{CallRecord, Ending, Exit, Failure, Outcome, State};
use crate::report::annotations::CHARACTER_LIMIT;
use crate::report::outputs::Outputs;
use crate::report::sanitise::Sanitiser;

const SECRET: &str = "s3cr3t/Key+with \"all\"=kinds%of&signs";

/// What an attacker would try, in the hand of chance.
fn hostile() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec![
        "#\u{200b}#[error]a",
        ":\u{ad}:error::a",
        "##\u{feff}vso[task.complete]a",
        "::set-output name=a::b",
        "::error::",
        "::add-mask::a",
        "::stop-commands::x",
        "::",
        ":",
        "##[error]",
        "##[",
        "##vso[task.complete result=Succeeded;]",
        "##VSO[task.setvariable variable=a]b",
        "##",
        "#",
        "##teamcity[buildStatus status='SUCCESS']",
        "|",
        "'",
        "|'",
        "]",
        "[",
        "\u{1b}[0Ksection_start:1:a\r\u{1b}[0K",
        "\u{1b}[2J",
        "\u{1b}",
        "--- ",
        "---",
        "+++ ",
        "~~~ ",
        "^^^ +++",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        "\u{2028}",
        "\u{85}",
        "\u{b}",
        "\u{200b}",
        "\u{ad}",
        "\u{feff}",
        "\0",
        "\u{202e}",
        "%0A",
        "%25",
        "%AZP25",
        "%",
        "\"",
        "\\",
        "\\\"",
        "`",
        "```",
        "<script>",
        "</code>",
        "<!--",
        "&lt;",
        "&",
        "| a | b |",
        "**",
        "__",
        "[a](https://b)",
        "![a](b)",
        "https://evil.example",
        "www.evil.example",
        "a@b.example",
        "@team",
        "#1",
        ":tada:",
        "$a$",
        "${A}",
        "$(a)",
        "- ",
        "1. ",
        "> ",
        "# ",
        "ghadelimiter_0123456789abcdef0123456789abcdef",
        "EOF",
        "a=b",
        "SWR_SYNC_STATUS=x",
        "]]>",
        "<![CDATA[",
        "\u{fffe}",
        "\u{10ffff}",
        "ä",
        "漢",
        "😀",
        "word",
    ]);
    let other = prop_oneof![
        6 => mark.prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-zA-Z0-9 ]{1,12}",
    ];
    prop::collection::vec(other, 0..12).prop_map(|parts| parts.concat())
}

/// The texts that come from outside, in the order that [`build`] takes them.
fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(hostile(), 12)
}

fn harmless() -> Vec<String> {
    vec!["word".to_owned(); 12]
}

fn failure(texts: &[String]) -> Arc<Failure> {
    Arc::new(Failure {
        exit: Exit::Refused,
        http_status: Some(500),
        code: Some(texts[0].clone()),
        message: texts[1].clone(),
        request_id: Some(texts[2].clone()),
        remedy: Some(texts[3].clone()),
    })
}

/// A run with every ending and every foreign field. The number of failures is the same whatever the texts say.
fn build(texts: &[String], ending: usize) -> Outcome {
    let failure = failure(texts);
    let record = CallRecord {
        error_code: Some(texts[4].clone()),
        message: Some(texts[5].clone()),
        request_id: Some(texts[6].clone()),
        ..call(2, 500, 3, 1000)
    };
    let tags = [
        ("v1", lost(State::Failed, &failure)),
        ("v2", synced(State::Landed)),
    ];
    let pairs = vec![
        pair("app", "---/team", &tags, record.clone()),
        pair("web", "cn-east-3/a", &tags, record),
    ];
    let problem = |text: &String, origin: &String| InputProblem {
        input: "targets",
        origin: Some(origin.clone()),
        message: text.clone(),
    };
    let ending = match ending {
        0 => Ending::Finished,
        1 => Ending::Refused(vec![
            problem(&texts[7], &texts[8]),
            problem(&texts[9], &texts[8]),
        ]),
        2 => Ending::Stopped(vec![Failure::clone(&failure)]),
        _ => Ending::Defect(texts[10].clone()),
    };
    Outcome {
        ending,
        pairs,
        source: partial().source,
    }
}

/// The whole run: events first, then the end.
fn told(ci: Ci, texts: &[String], ending: usize) -> (String, Emission) {
    let mut reporter = reporter(ci);
    let at = Timestamp::UNIX_EPOCH;
    let events = [
        Event::Secret(SecretString::from(SECRET)),
        Event::SectionStart(texts[11].clone(), at),
        Event::Log(Level::Info, texts[0].clone()),
        Event::Log(Level::Warn, texts[1].clone()),
        Event::Log(Level::Error, format!("a call failed: {}", texts[2])),
        Event::SectionEnd(at),
    ];
    let log: String = events.iter().map(|event| reporter.event(event)).collect();
    (log, everything(&reporter, &build(texts, ending)))
}

fn shapes(log: &str, emission: &Emission) -> Vec<String> {
    let log = format!("{log}{}", emission.stdout);
    readers::commands(&log).iter().map(Command::shape).collect()
}

/// The text of an error command, title first.
fn error(command: &Command) -> Option<String> {
    match command.name.as_str() {
        "::error" => Some(format!("{}\n{}", command.properties["title"], command.data)),
        "##vso[task.logissue" => Some(command.data.clone()),
        "##teamcity[buildProblem" => Some(command.properties["description"].clone()),
        _ => None,
    }
}

fn file<'a>(emission: &'a Emission, path: &str) -> &'a str {
    let found = emission.files.iter().find(|file| file.path.ends_with(path));
    &found
        .unwrap_or_else(|| panic!("{path} is not written"))
        .text
}

fn expected(
    texts: &[String],
    ending: usize,
    name: impl Fn(&str, String) -> String,
) -> BTreeMap<String, String> {
    let mut sanitiser = Sanitiser::default();
    sanitiser.redactor.secret(SECRET);
    let outcome = build(texts, ending);
    let outputs = Outputs::new(&outcome, outcome.exit(), &sanitiser);
    outputs
        .iter()
        .map(|output| {
            (
                name(output.name, output.variable()),
                output.value.to_string(),
            )
        })
        .collect()
}

fn by_variable(texts: &[String], ending: usize) -> BTreeMap<String, String> {
    expected(texts, ending, |_, variable| variable)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_adds_or_removes_a_command_in_any_system(texts in texts(), ending in 0..4usize) {
        for ci in Ci::all() {
            let (log, emission) = told(ci, &texts, ending);
            let (harmless_log, harmless) = told(ci, &harmless(), ending);
            prop_assert_eq!(shapes(&log, &emission), shapes(&harmless_log, &harmless), "{}: {}", ci.name(), emission.stdout);
        }
    }

    #[test]
    fn errors_carry_the_same_text_everywhere_within_the_limit(texts in texts(), ending in 0..4usize) {
        let errors = |ci| -> Vec<String> {
            let (_, emission) = told(ci, &texts, ending);
            let commands = readers::commands(&emission.stdout);
            commands.iter().filter_map(error).collect()
        };
        let all = [Ci::GitHub, Ci::Azure, Ci::TeamCity].map(errors);
        for text in all.iter().flatten() {
            prop_assert!(text.chars().count() <= CHARACTER_LIMIT);
        }
        prop_assert!(!all[0].is_empty());
        // Where a text is cut depends on how long its escapes are.
        if !all.iter().flatten().any(|text| text.contains("more characters)")) {
            prop_assert_eq!(&all[0], &all[1]);
            prop_assert_eq!(&all[0], &all[2]);
        }
    }

    #[test]
    fn outputs_read_back_as_they_were_meant(texts in texts(), ending in 0..4usize) {
        let outputs = |ci| told(ci, &texts, ending).1;
        let variables = by_variable(&texts, ending);
        let names = expected(&texts, ending, |name, _| name.to_owned());
        for ci in [Ci::GitHub, Ci::Gitea, Ci::Forgejo] {
            prop_assert_eq!(&readers::github_file(file(&outputs(ci), "ci/output")), &names);
        }
        prop_assert_eq!(&readers::variables(file(&outputs(Ci::Bitbucket), "ci/variables")), &variables);
        prop_assert_eq!(&readers::variables(file(&outputs(Ci::Bitbucket), "ci/pipe/swr-image-sync.env")), &variables);
        prop_assert_eq!(&readers::variables(file(&outputs(Ci::Drone), "ci/output.env")), &variables);
        prop_assert_eq!(&readers::variables(file(&outputs(Ci::Harness), "ci/output.env")), &variables);
        prop_assert_eq!(&readers::shell(file(&outputs(Ci::CircleCi), "ci/bash_env")), &variables);

        let azure: BTreeMap<String, String> = readers::commands(&outputs(Ci::Azure).stdout)
            .into_iter()
            .filter(|command| command.name == "##vso[task.setvariable")
            .map(|command| (command.properties["variable"].clone(), command.data))
            .collect();
        prop_assert_eq!(&azure, &variables);

        let teamcity: BTreeMap<String, String> = readers::commands(&outputs(Ci::TeamCity).stdout)
            .into_iter()
            .filter(|command| command.name == "##teamcity[setParameter")
            .map(|command| (command.properties["name"].replace("env.", ""), command.properties["value"].clone()))
            .collect();
        prop_assert_eq!(&teamcity, &variables);

        let codearts = outputs(Ci::CodeArts);
        let result: BTreeMap<String, serde_json::Value> = serde_json::from_str(file(&codearts, "ci/step_result.json")).unwrap();
        let result: BTreeMap<String, String> = result
            .into_iter()
            .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        prop_assert_eq!(&result, &variables);
    }

    #[test]
    fn reports_stay_what_they_are(texts in texts(), ending in 0..4usize) {
        let (_, emission) = told(Ci::Harness, &texts, ending);
        let (_, harmless) = told(Ci::Harness, &harmless(), ending);
        let cases = |emission: &Emission| {
            let report = quick_junit::Report::deserialize_from_str(file(emission, "junit.xml")).unwrap();
            let names = |suite: &quick_junit::TestSuite| (suite.name.to_string(), suite.test_cases.len(), suite.failures);
            report.test_suites.iter().map(names).collect::<Vec<_>>()
        };
        prop_assert_eq!(cases(&emission), cases(&harmless));
        let report: serde_json::Value = serde_json::from_str(file(&emission, "report.json")).unwrap();
        prop_assert_eq!(&report["version"], 1);
        readers::variables(file(&emission, "sync.env"));
        prop_assert_eq!(
            readers::structure(file(&emission, "reports/summary.md")),
            readers::structure(file(&harmless, "reports/summary.md")),
            "{}", file(&emission, "reports/summary.md")
        );
        let annotations: serde_json::Value = serde_json::from_str(file(&emission, "annotations.json")).unwrap();
        prop_assert_eq!(annotations["annotations"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn no_form_of_a_secret_is_told(texts in texts(), place in 0..12usize, ending in 0..4usize, form in 0..6usize) {
        let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
        let shown = match form {
            0 => SECRET.to_owned(),
            1 => encoded(SECRET).replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
            2 => base64(SECRET),
            3 => base64(&format!("user:{SECRET}")),
            4 => base64(&format!("us:{SECRET}!")),
            _ => json(SECRET),
        };
        let mut texts = texts;
        texts[place] = format!("{}{shown}{}", texts[place], texts[(place + 1) % 12]);
        for ci in [Ci::Plain, Ci::GitHub, Ci::Azure, Ci::TeamCity, Ci::Harness] {
            let (log, emission) = told(ci, &texts, ending);
            let mask = reporter(ci).event(&Event::Secret(SecretString::from(SECRET)));
            let all: String = emission.files.iter().map(|file| file.text.as_str()).collect();
            let all = log.replacen(&mask, "", 1) + &emission.stdout + &all;
            for part in ["s3cr3t/Key", "s3cr3t%2fKey", "s3cr3t%2FKey", "s3cr3t\\/Key", &base64(SECRET)[4..20], &base64(&format!("user:{SECRET}"))[8..24]] {
                prop_assert!(!all.contains(part), "{}: {part} in {all}", ci.name());
            }
        }
    }
}
