//! The JSON report. docs/report.schema.json describes it; `version` is raised when the meaning of something changes.

use serde::Serialize;

use crate::outcome::{Ending, Exit, Failure, Outcome};
use crate::plan::Pair;
use crate::report::failures::distinct;
use crate::report::outputs::Lists;
use crate::report::results::{PairResult, results};
use crate::report::sanitise::Sanitiser;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    version: u32,
    program: &'static str,
    program_version: &'static str,
    ending: &'static str,
    status: &'static str,
    exit_code: u8,
    region: Option<&'a str>,
    failed_count: usize,
    synced_count: usize,
    failed_tags: Vec<&'a str>,
    synced_tags: Vec<&'a str>,
    failed_images: Vec<String>,
    results: Vec<PairResult<'a>>,
    failures: Vec<FailureReport>,
    problems: Vec<ProblemReport>,
    planned: Vec<Planned<'a>>,
}

/// A reason why something failed; each stands here once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureReport {
    exit_code: u8,
    http_status: Option<u16>,
    error_code: Option<String>,
    message: String,
    request_id: Option<String>,
    remedy: Option<String>,
}

/// An input that was refused.
#[derive(Serialize)]
struct ProblemReport {
    input: &'static str,
    variable: Option<String>,
    message: String,
}

/// What a dry run would have asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    namespace: &'a str,
    repository: &'a str,
    remote_region_id: &'a str,
    remote_namespace: &'a str,
    tags: Vec<&'a str>,
}

/// The report as JSON.
pub fn render(outcome: &Outcome, exit: Exit, sanitiser: &Sanitiser) -> String {
    let Lists {
        failed_tags,
        synced_tags,
        failed_images,
    } = Lists::new(outcome);
    let (problems, planned) = match &outcome.ending {
        Ending::Refused(problems) => (problems.as_slice(), &[][..]),
        Ending::DryRun(plan) => (&[][..], plan.pairs.as_slice()),
        _ => (&[][..], &[][..]),
    };
    let clean = |text: &str| sanitiser.clean(text).to_string();
    let report = Report {
        version: 1,
        program: env!("CARGO_PKG_NAME"),
        program_version: env!("CARGO_PKG_VERSION"),
        ending: ending(&outcome.ending),
        status: outcome.status().name(),
        exit_code: exit.code(),
        region: outcome.source.as_ref().map(|source| source.region.as_str()),
        failed_count: outcome.failed_count(),
        synced_count: outcome.synced_count(),
        failed_tags,
        synced_tags,
        failed_images,
        results: results(outcome, sanitiser),
        failures: defect(outcome)
            .iter()
            .chain(distinct(outcome))
            .map(|failure| failure_report(failure, sanitiser))
            .collect(),
        problems: problems
            .iter()
            .map(|problem| ProblemReport {
                input: problem.input,
                variable: problem.origin.as_deref().map(clean),
                message: clean(&problem.message),
            })
            .collect(),
        planned: planned.iter().map(planned_pair).collect(),
    };
    let mut text =
        serde_json::to_string_pretty(&report).expect("texts, numbers and lists are always JSON");
    text.push('\n');
    text
}

fn ending(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished => "finished",
        Ending::DryRun(_) => "dry-run",
        Ending::Refused(_) => "refused",
        Ending::Stopped(_) => "stopped",
        Ending::Signalled(_) => "signalled",
        Ending::Defect(_) => "defect",
    }
}

fn defect(outcome: &Outcome) -> Option<Failure> {
    match &outcome.ending {
        Ending::Defect(words) => Some(Failure::new(Exit::Internal, words.as_str(), None)),
        _ => None,
    }
}

fn failure_report(failure: &Failure, sanitiser: &Sanitiser) -> FailureReport {
    let Failure {
        exit,
        http_status,
        code,
        message,
        request_id,
        remedy,
    } = failure;
    let clean = |text: &String| sanitiser.clean(text).to_string();
    FailureReport {
        exit_code: exit.code(),
        http_status: *http_status,
        error_code: code.as_ref().map(clean),
        message: clean(message),
        request_id: request_id.as_ref().map(clean),
        remedy: remedy.as_ref().map(clean),
    }
}

fn planned_pair(pair: &Pair) -> Planned<'_> {
    let Pair { images, target } = pair;
    Planned {
        namespace: images.namespace.as_str(),
        repository: images.repository.as_str(),
        remote_region_id: target.region.as_str(),
        remote_namespace: target.namespace.as_str(),
        tags: images.tags.iter().map(|tag| tag.as_str()).collect(),
    }
}
