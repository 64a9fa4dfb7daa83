//! Defects of the program itself. None is known, so the one thing that is handed in, the log, has to be at fault.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};

use jiff::Timestamp;
use standin::{DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Standin, World};
use swr_image_sync::clock::Clock;
use swr_image_sync::outcome::Exit;
use swr_image_sync::step::step;
use tempfile::TempDir;

/// Takes text, but panics once at each of some texts, which come one after the other.
struct Faulty {
    told: String,
    at: Vec<&'static str>,
}

impl Write for Faulty {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(text).into_owned();
        if self.at.first().is_some_and(|at| text.contains(at)) {
            self.at.remove(0);
            panic!("a defect of {DEMO_SECRET_KEY}");
        }
        self.told.push_str(&text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "signatures are of today")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Runs a step of two calls whose log fails at some texts; its exit, its log and its file of outputs.
fn run(at: &[&'static str]) -> (Exit, String, String) {
    let standin = Standin::start(World::demo());
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    let outputs = folder.path().join("output");
    let environment: BTreeMap<String, String> = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", outputs.to_str().expect("UTF-8")),
        ("INPUT_ENDPOINT", &standin.endpoint()),
        ("INPUT_ACCESS-KEY", DEMO_ACCESS_KEY),
        ("INPUT_SECRET-KEY", DEMO_SECRET_KEY),
        ("INPUT_CONCURRENCY", "1"),
        (
            "INPUT_IMAGES",
            "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0",
        ),
        ("INPUT_TARGETS", "cn-east-3,ap-southeast-3"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut log = Faulty {
        told: String::new(),
        at: at.to_vec(),
    };
    let exit = step(&environment, Clock(now), &mut log);
    let outputs = fs::read_to_string(outputs).unwrap_or_default();
    (exit, log.told, outputs)
}

fn last_value<'a>(outputs: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = outputs.lines();
    let mut value = None;
    while let Some(line) = lines.next() {
        if let Some(delimiter) = line.strip_prefix(&format!("{name}<<")) {
            value = lines.by_ref().take_while(|line| *line != delimiter).last();
        } else if let Some((_, rest)) = line.split_once('=').filter(|(key, _)| *key == name) {
            value = Some(rest);
        }
    }
    value
}

#[test]
fn in_the_run_it_still_writes_what_is_known_and_exits_101() {
    let (exit, log, outputs) = run(&["[1/2]"]);
    assert_eq!((exit, exit.code()), (Exit::Internal, 101), "{log}");
    assert_eq!(last_value(&outputs, "exit-code"), Some("101"), "{outputs}");
    assert_eq!(last_value(&outputs, "status"), Some("partial"));
    assert_eq!(last_value(&outputs, "synced-count"), Some("1"));
    assert_eq!(last_value(&outputs, "failed-count"), Some("1"));
    let results = last_value(&outputs, "results").expect("results");
    assert!(results.contains(r#""state":"skipped""#), "{results}");
    assert!(log.contains("internal error: a defect of ***"), "{log}");
}

#[test]
fn before_the_first_call_all_tags_are_skipped() {
    let (exit, log, outputs) = run(&["Sync requests"]);
    assert_eq!(exit, Exit::Internal, "{log}");
    assert_eq!(last_value(&outputs, "status"), Some("failure"), "{outputs}");
    assert_eq!(last_value(&outputs, "failed-count"), Some("2"));
}

#[test]
fn in_telling_the_outcome_it_is_what_is_told() {
    let (exit, log, outputs) = run(&["2 tags accepted by SWR"]);
    assert_eq!(exit, Exit::Internal, "{log}");
    assert_eq!(last_value(&outputs, "exit-code"), Some("101"), "{outputs}");
    assert_eq!(last_value(&outputs, "status"), Some("failure"));
    assert!(log.contains("internal error: a defect of ***"), "{log}");
}

#[test]
fn where_nothing_can_be_told_any_more_that_is_told_without_its_words() {
    let (exit, log, _) = run(&["2 tags accepted by SWR", "nothing was synced"]);
    assert_eq!(exit, Exit::Internal, "{log}");
    let last = log.lines().last().expect("a line");
    assert!(
        last.starts_with("error: internal error; please report"),
        "{log}"
    );
    let shown: Vec<_> = log
        .lines()
        .filter(|line| !line.starts_with("::add-mask::"))
        .collect();
    assert!(!shown.join("\n").contains(DEMO_SECRET_KEY), "{log}");
}
