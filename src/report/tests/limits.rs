//! Sizes that CI systems limit, and levels.

use std::sync::Arc;

use secrecy::SecretString;

use super::fixtures::{call, everything, lost, pair, partial, reporter, success, synced};
use super::readers;
use crate::ci::Ci;
use crate::emit::Emission;
use crate::event::{Event, Level};
use crate::outcome::{Ending, Exit, Failure, Outcome, State};
use crate::report::annotations::CHARACTER_LIMIT;

/// So many pairs of so many tags, every second tag failed.
fn large(pairs: usize, tags: usize) -> Outcome {
    failed_with("The server has something to say.", pairs, tags)
}

fn failed_with(message: &str, pairs: usize, tags: usize) -> Outcome {
    let failure = Arc::new(Failure::new(
        Exit::Refused,
        message,
        Some("Try again later."),
    ));
    let fates: Vec<_> = (0..tags)
        .map(|index| {
            let fate = if index % 2 == 0 {
                lost(State::Failed, &failure)
            } else {
                synced(State::Accepted)
            };
            (format!("v1.0.{index}"), fate)
        })
        .collect();
    let fates: Vec<_> = fates
        .iter()
        .map(|(tag, fate)| (tag.as_str(), fate.clone()))
        .collect();
    let pairs = (0..pairs)
        .map(|index| {
            let repository = format!("app-{index}");
            pair(
                &repository,
                "cn-east-3/team",
                &fates,
                call(tags, 500, 4, 1500),
            )
        })
        .collect();
    Outcome {
        ending: Ending::Finished,
        source: partial().source,
        pairs,
    }
}

fn file<'a>(emission: &'a Emission, path: &str) -> Option<&'a str> {
    let found = emission
        .files
        .iter()
        .find(|file| file.path.ends_with(path))?;
    Some(&found.text)
}

#[test]
fn ten_errors_are_shown_and_the_last_counts_the_rest() {
    for (ci, name) in [
        (Ci::GitHub, "::error"),
        (Ci::Azure, "##vso[task.logissue"),
        (Ci::TeamCity, "##teamcity[buildProblem"),
    ] {
        let errors = |pairs| {
            let stdout = everything(&reporter(ci), &large(pairs, 4)).stdout;
            let mut found = readers::commands(&stdout);
            found.retain(|command| command.name == name);
            found
        };
        assert_eq!(errors(10).len(), 10);
        let shown = errors(25);
        assert_eq!(shown.len(), 10);
        let last = format!("{:?}", shown[9]);
        assert!(last.contains("16 more errors"), "{last}");
        assert!(
            last.contains("team/app-24") && !last.contains("team/app-8 "),
            "{last}"
        );
    }
}

#[test]
fn no_error_is_longer_than_the_limit_however_it_is_escaped() {
    let outcome = failed_with(&"% of ü words ".repeat(500), 1, 500);
    for ci in [Ci::GitHub, Ci::Azure, Ci::TeamCity] {
        let stdout = everything(&reporter(ci), &outcome).stdout;
        for line in stdout.lines().filter(|line| !line.contains("SWR_SYNC")) {
            assert!(line.chars().count() <= CHARACTER_LIMIT, "{}", ci.name());
        }
    }
}

#[test]
fn what_is_too_large_for_a_channel_is_left_out_and_never_empty() {
    let outcome = large(3, 2000);
    for (ci, path, limit) in [
        (Ci::GitHub, "ci/output", 1024 * 1024),
        (Ci::Drone, "ci/output.env", 1024 * 1024),
        (Ci::CircleCi, "ci/bash_env", 1024 * 1024),
        (Ci::Plain, "reports/sync.env", 5 * 1024 - 1),
    ] {
        let emission = everything(&reporter(ci), &outcome);
        let text = file(&emission, path).unwrap();
        assert!(text.len() <= limit, "{path}: {}", text.len());
        let read = match ci {
            Ci::GitHub => readers::github_file(text),
            Ci::CircleCi => readers::shell(text),
            _ => readers::variables(text),
        };
        let value = |name: &str| {
            let variable = format!("SWR_SYNC_{}", name.replace('-', "_").to_ascii_uppercase());
            read.get(name).or_else(|| read.get(&variable))
        };
        assert_eq!(value("results"), None, "{path}");
        assert_eq!(value("failed-count").unwrap(), "3000");
        assert_eq!(value("status").unwrap(), "partial");
        assert_eq!(value("exit-code").unwrap(), "5");
        assert!(
            emission.stdout.contains("left out: results"),
            "{}",
            emission.stdout
        );
        assert!(emission.stdout.contains("`report-json`"));
        assert!(read.values().all(|value| value != "[]"), "{path}");
    }
}

#[test]
fn what_fits_is_kept_in_the_order_of_the_contract() {
    let written = |outcome: &Outcome| {
        let emission = everything(&reporter(Ci::Plain), outcome);
        let mut names = Vec::new();
        for file in &emission.files {
            if let Ok(name) = file.path.strip_prefix("/reports/results") {
                assert!(!file.text.ends_with('\n'), "{file:?}");
                names.push(name.to_str().unwrap().to_owned());
            }
        }
        names
    };
    let always = ["status", "failed-count", "synced-count", "exit-code"];
    assert_eq!(written(&success()).len(), 8);
    let some = written(&large(1, 60));
    for name in always
        .iter()
        .chain(&["failed-tags", "failed-images", "synced-tags"])
    {
        assert!(some.iter().any(|other| other == name), "{name}: {some:?}");
    }
    assert!(!some.contains(&"results".to_owned()), "{some:?}");
    assert_eq!(written(&large(1, 1000)), always);
}

#[test]
fn results_of_a_task_fit_into_its_message() {
    for tags in [1, 10, 20, 40, 80, 160, 320] {
        let emission = everything(&reporter(Ci::Plain), &large(1, tags));
        let results: Vec<_> = emission
            .files
            .iter()
            .filter(|file| file.path.starts_with("/reports/results"))
            .map(|file| serde_json::json!({"key": file.path.file_name().unwrap().to_str(), "value": file.text, "type": 1}))
            .collect();
        let message = serde_json::to_string(&results).unwrap();
        assert!(message.len() <= 4096, "{tags}: {}", message.len());
    }
}

#[test]
fn a_summary_is_cut_between_rows_and_says_so() {
    let outcome = large(8000, 40);
    for (ci, limit) in [(Ci::GitHub, 1024 * 1024), (Ci::Harness, 64 * 1024)] {
        let emission = reporter(ci).summary(&outcome, Exit::Refused);
        let text = match ci {
            Ci::GitHub => file(&emission, "summary.md").unwrap().to_owned(),
            _ => {
                let text = file(&emission, "annotations.json").unwrap();
                let value: serde_json::Value = serde_json::from_str(text).unwrap();
                value["annotations"][0]["summary"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            }
        };
        assert!(
            text.len() <= limit && text.len() > limit / 4,
            "{}",
            text.len()
        );
        assert!(text.contains("rows left out here"), "{}", &text[..2000]);
        for row in text.lines().filter(|line| line.starts_with("| ")) {
            assert!(row.ends_with('|'), "{row}");
        }
        assert!(text.contains("#### What went wrong"));
        assert!(text.contains("#### Sync only what failed"));
    }
}

#[test]
fn a_summary_that_is_not_wanted_is_not_written() {
    let mut unwanted = reporter(Ci::GitHub);
    unwanted.presentation.summary = false;
    assert_eq!(
        unwanted.summary(&success(), Exit::Synced),
        Emission::default()
    );
}

#[test]
fn only_what_matters_enough_is_shown() {
    let shown = |level, event: Event| {
        let mut reporter = reporter(Ci::Plain);
        reporter.presentation.level = level;
        reporter.event(&event)
    };
    let event = |level| Event::Log(level, "text".to_owned());
    assert_eq!(shown(Level::Info, event(Level::Debug)), "");
    assert_eq!(shown(Level::Debug, event(Level::Debug)), "debug: text\n");
    assert_eq!(shown(Level::Error, event(Level::Warn)), "");
    assert_eq!(shown(Level::Error, event(Level::Error)), "error: text\n");
}

#[test]
fn masks_are_sent_whatever_the_level() {
    let mut reporter = reporter(Ci::GitHub);
    reporter.presentation.level = Level::Error;
    let masks = reporter.event(&Event::Secret(SecretString::from("first line\nsecond")));
    let values: Vec<_> = readers::commands(&masks)
        .into_iter()
        .map(|command| (command.name, command.data))
        .collect();
    let expected = ["first line\nsecond", "first line", "second"];
    let name = "::add-mask".to_owned();
    assert_eq!(
        values,
        expected.map(|value| (name.clone(), value.to_owned()))
    );
}

#[test]
fn a_secret_learned_later_is_hidden_from_then_on() {
    let mut reporter = reporter(Ci::Plain);
    let line = Event::Log(Level::Info, "the token is abcdef123456".to_owned());
    assert_eq!(reporter.event(&line), "the token is abcdef123456\n");
    reporter.event(&Event::Secret(SecretString::from("abcdef123456")));
    assert_eq!(reporter.event(&line), "the token is ***\n");
}

#[test]
fn a_mask_is_sent_once() {
    let mut reporter = reporter(Ci::GitHub);
    let secret = Event::Secret(SecretString::from("abcdef123456"));
    assert_eq!(reporter.event(&secret), "::add-mask::abcdef123456\n");
    assert_eq!(reporter.event(&secret), "");
}

#[test]
fn a_line_of_a_hostile_server_is_cut() {
    let line = Event::Log(Level::Info, "ü".repeat(1_000_000));
    let shown = reporter(Ci::Plain).event(&line);
    assert!(shown.chars().count() < 9000);
    assert!(
        shown.ends_with("… (991808 more characters)\n"),
        "{}",
        shown.len()
    );
}
