use std::fmt::Write as _;

use jiff::Timestamp;
use secrecy::SecretString;

use super::fixtures::{dry_run, everything, partial, refused, reporter, stopped, success};
use crate::ci::Ci;
use crate::emit::Emission;
use crate::event::{Event, Level};
use crate::outcome::{Ending, Outcome, Signal};

/// Log and files as one text; the reports that are the same everywhere have snapshots of their own.
fn shown(log: &str, emission: &Emission) -> String {
    let mut text = format!("{log}{}", emission.stdout);
    for file in &emission.files {
        if !file.path.starts_with("/reports") {
            write!(
                text,
                "\n===== {:?} {} =====\n{}",
                file.mode,
                file.path.display(),
                file.text
            )
            .unwrap();
        }
    }
    text.replace('\u{1b}', "␛").replace('\r', "␍")
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}

/// The events of a run, then its end.
fn whole(ci: Ci, outcome: &Outcome) -> String {
    let mut reporter = reporter(ci);
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let events = [
        Event::Secret(SecretString::from("a-secret-key-1%")),
        Event::AccessKey("ABCDEFGHIJKL".to_owned()),
        Event::Log(
            Level::Info,
            "keys ABCDEFGHIJKL and a-secret-key-1%".to_owned(),
        ),
        Event::Log(Level::Debug, "not shown".to_owned()),
        Event::SectionStart("Asking SWR".to_owned(), at),
        Event::Log(Level::Info, "[1/1] a call\n::error::b ##vso[x]".to_owned()),
        Event::Log(Level::Warn, "odd".to_owned()),
        Event::Log(Level::Error, "bad".to_owned()),
        Event::SectionEnd(at),
    ];
    let log: String = events.iter().map(|event| reporter.event(event)).collect();
    shown(&log, &everything(&reporter, outcome))
}

#[test]
fn every_system_gets_its_own_language() {
    for ci in Ci::all() {
        snapshot(&format!("{}__partial", ci.name()), &whole(ci, &partial()));
    }
}

#[test]
fn a_green_run_has_no_errors_in_any_system() {
    for ci in Ci::all() {
        let reporter = reporter(ci);
        let emission = everything(&reporter, &success());
        for mark in ["error:", "::error", "logissue", "buildProblem", "[error]"] {
            assert!(!emission.stdout.contains(mark), "{}", emission.stdout);
        }
        snapshot(&format!("{}__success", ci.name()), &shown("", &emission));
    }
}

#[test]
fn refused_inputs_are_told_in_every_system() {
    for ci in Ci::all() {
        let emission = everything(&reporter(ci), &refused());
        snapshot(&format!("{}__refused", ci.name()), &shown("", &emission));
    }
}

#[test]
fn reports_are_the_same_in_any_system() {
    let mut defect = Outcome::without_plan(Ending::Defect("index out of bounds".to_owned()));
    defect.source = success().source;
    let mut signalled = partial();
    signalled.ending = Ending::Signalled(Signal::Terminate);
    for (name, outcome) in [
        ("success", success()),
        ("partial", partial()),
        ("refused", refused()),
        ("dry-run", dry_run()),
        ("stopped", stopped()),
        ("signalled", signalled),
        ("defect", defect),
    ] {
        let emission = everything(&reporter(Ci::Plain), &outcome);
        let mut text = emission.stdout;
        for file in &emission.files {
            write!(
                text,
                "\n===== {} =====\n{}\n",
                file.path.display(),
                file.text
            )
            .unwrap();
        }
        snapshot(&format!("reports__{name}"), &text);
    }
}
