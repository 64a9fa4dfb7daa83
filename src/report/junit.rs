//! The JUnit report: one suite for each repository × target, one case for each tag. Whatever is not synced is a failure,
//! so that the counts agree with the outputs; what stopped the run as a whole is an error in a suite of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::outcome::{Ending, Failure, Outcome, PairOutcome, State, TagOutcome};
use crate::plan::Pair;
use crate::report::sanitise::Sanitiser;

/// The report as XML.
pub fn render(outcome: &Outcome, sanitiser: &Sanitiser) -> String {
    let mut writer = Writer {
        sanitiser,
        known: HashMap::new(),
    };
    let mut report = Report::new("swr-image-sync");
    report.add_test_suites(writer.run(outcome));
    match &outcome.ending {
        Ending::DryRun(plan) => {
            report.add_test_suites(plan.pairs.iter().map(|pair| writer.planned(pair)));
        }
        _ => {
            report.add_test_suites(outcome.pairs.iter().map(|pair| writer.pair(pair)));
        }
    }
    let time = report
        .test_suites
        .iter()
        .filter_map(|suite| suite.time)
        .sum();
    report.set_time(time);
    let text = report
        .to_string()
        .expect("XML without characters that it forbids can always be written");
    // Jenkins' xUnit plugin refuses this attribute on the outermost element, where it stands first.
    text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
}

struct Writer<'a> {
    sanitiser: &'a Sanitiser,
    /// Thousands of tags share one failure, whose message may be long; it is rendered once.
    known: HashMap<(*const Failure, State), TestCaseStatus>,
}

impl Writer<'_> {
    /// What is wrong with the run as a whole. Cases are numbered: two of one name would hide each other.
    fn run(&self, outcome: &Outcome) -> Option<TestSuite> {
        let whole = |text: String| vec![("end of the run".to_owned(), text, None)];
        let errors: Vec<(String, String, Option<&Failure>)> = match &outcome.ending {
            Ending::Refused(problems) => problems
                .iter()
                .map(|problem| {
                    (
                        format!("input {}", problem.input),
                        problem.to_string(),
                        None,
                    )
                })
                .collect(),
            Ending::Stopped(failures) => failures
                .iter()
                .map(|failure| {
                    (
                        "before the first sync".to_owned(),
                        failure.to_string(),
                        Some(failure),
                    )
                })
                .collect(),
            Ending::Signalled(signal) => whole(format!("ended by {}", signal.name())),
            Ending::Defect(words) => whole(format!("internal error: {words}")),
            Ending::Finished | Ending::DryRun(_) => return None,
        };
        let mut suite = TestSuite::new("swr-image-sync");
        for (index, (name, message, failure)) in errors.iter().enumerate() {
            let name = format!("{}. {name}", index + 1);
            suite.add_test_case(self.error(&name, message, *failure));
        }
        Some(suite)
    }

    fn pair(&mut self, outcome: &PairOutcome) -> TestSuite {
        let name = suite_name(&outcome.pair);
        let mut suite = TestSuite::new(name.as_str());
        let times = tag_times(outcome);
        suite.set_time(times.iter().sum());
        for ((tag, fate), time) in outcome.fates().zip(times) {
            let mut case = TestCase::new(tag.as_str(), self.status(fate));
            case.set_classname(name.as_str());
            case.set_time(time);
            suite.add_test_case(case);
        }
        suite
    }

    fn planned(&self, pair: &Pair) -> TestSuite {
        let name = suite_name(pair);
        let mut suite = TestSuite::new(name.as_str());
        for tag in pair.images.tags.iter() {
            let mut status = TestCaseStatus::skipped();
            status.set_message("dry run");
            let mut case = TestCase::new(tag.as_str(), status);
            case.set_classname(name.as_str());
            suite.add_test_case(case);
        }
        suite
    }

    fn status(&mut self, fate: &TagOutcome) -> TestCaseStatus {
        if fate.state.is_synced() {
            return TestCaseStatus::success();
        }
        let word = fate.state.name();
        let Some(failure) = &fate.failure else {
            return self.non_success(NonSuccessKind::Failure, word, word, None);
        };
        let key = (Arc::as_ptr(failure), fate.state);
        if let Some(status) = self.known.get(&key) {
            return status.clone();
        }
        let message = failure.to_string();
        let status = self.non_success(NonSuccessKind::Failure, word, &message, Some(failure));
        self.known.insert(key, status.clone());
        status
    }

    fn error(&self, name: &str, message: &str, failure: Option<&Failure>) -> TestCase {
        let status = self.non_success(NonSuccessKind::Error, "error", message, failure);
        let mut case = TestCase::new(name, status);
        case.set_classname("swr-image-sync");
        case
    }

    fn non_success(
        &self,
        kind: NonSuccessKind,
        fallback: &str,
        message: &str,
        failure: Option<&Failure>,
    ) -> TestCaseStatus {
        let clean = |text: &str| self.sanitiser.clean(text).cut(1000).to_string();
        let code = failure.and_then(|failure| failure.code.as_deref());
        let remedy = failure.and_then(|failure| failure.remedy.as_deref());
        let message = clean(message);
        let mut description = message.clone();
        if let Some(remedy) = remedy {
            description.push_str("\nWhat to do: ");
            description.push_str(&clean(remedy));
        }
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_message(message)
            .set_type(clean(code.unwrap_or(fallback)))
            .set_description(description);
        status
    }
}

fn suite_name(pair: &Pair) -> String {
    let images = &pair.images;
    format!(
        "{}/{} to {}",
        images.namespace, images.repository, pair.target
    )
}

/// The time of each tag: an equal part of its call's.
fn tag_times(outcome: &PairOutcome) -> Vec<Duration> {
    let mut times = vec![Duration::ZERO; outcome.tags.len()];
    for call in &outcome.calls {
        let count = u32::try_from(call.tags.len()).unwrap_or(u32::MAX).max(1);
        for time in &mut times[call.tags.clone()] {
            *time += call.duration / count;
        }
    }
    times
}
