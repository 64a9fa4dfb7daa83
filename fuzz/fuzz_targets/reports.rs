//! Every dialect and every report from an outcome whose foreign texts are the fuzzer's: the CI systems find the commands, the
//! files and the structure that they find with harmless texts.
//!
//! An input is two bytes that choose dialect and ending, and texts with `0x1f` between them. The readers are those of the
//! property tests: written from the systems' sources, they share no code with the dialects.

#![no_main]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use swr_image_sync::ci::Ci;
use swr_image_sync::config::{Presentation, Registry, ReportPaths};
use swr_image_sync::emit::Emission;
use swr_image_sync::event::{Event, Level};
use swr_image_sync::inputs::{Environment, InputProblem};
use swr_image_sync::names::Target;
use swr_image_sync::outcome::{
    CallRecord, Ending, Exit, Failure, Outcome, PairOutcome, Source, State, TagOutcome,
};
use swr_image_sync::plan::{Images, Pair};
use swr_image_sync::report::Reporter;

#[path = "../../src/report/tests/readers.rs"]
#[allow(dead_code, reason = "the property tests use more of it")]
mod readers;

const TEXTS: usize = 8;

fuzz_target!(|data: &[u8]| {
    let [ci, ending, rest @ ..] = data else {
        return;
    };
    let all: Vec<Ci> = Ci::all().collect();
    let ci = all[usize::from(*ci) % all.len()];
    let mut texts: Vec<String> = rest
        .split(|byte| *byte == 0x1f)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect();
    texts.resize(TEXTS, "word".to_owned());
    let (log, told) = tell(ci, &texts, *ending);
    let (harmless_log, harmless) = tell(ci, &vec!["word".to_owned(); TEXTS], *ending);

    let commands = |log: &str, emission: &Emission| {
        let found = readers::commands(&format!("{log}{}", emission.stdout));
        found
            .iter()
            .map(readers::Command::shape)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        commands(&log, &told),
        commands(&harmless_log, &harmless),
        "{}: {log}{}",
        ci.name(),
        told.stdout
    );
    assert_eq!(told.files.len(), harmless.files.len());
    for (file, harmless) in told.files.iter().zip(&harmless.files) {
        assert_eq!(file.path, harmless.path);
        let name = file.path.file_name().and_then(|name| name.to_str());
        match name {
            Some("report.json" | "annotations.json" | "step_result.json") => {
                let value: serde_json::Value = serde_json::from_str(&file.text).expect("JSON");
                assert!(value.is_object());
            }
            Some("summary.md") => assert_eq!(
                readers::structure(&file.text),
                readers::structure(&harmless.text),
                "{}",
                file.text
            ),
            Some("sync.env") => drop(readers::variables(&file.text)),
            Some("junit.xml") => {
                assert_eq!(tags(&file.text), tags(&harmless.text), "{}", file.text)
            }
            Some("output") => drop(readers::github_file(&file.text)),
            Some("bash_env") => drop(readers::shell(&file.text)),
            _ => {}
        }
    }
});

/// What is between `<` and the name's end, in order: the structure of XML that escapes every `<` of a text.
fn tags(xml: &str) -> Vec<&str> {
    assert!(xml.chars().all(|c| !c.is_control() || c == '\n'), "{xml:?}");
    let names = xml.split('<').skip(1);
    names
        .map(|tag| tag.split([' ', '>', '\n']).next().unwrap_or_default())
        .collect()
}

/// The whole run: events first, then the end.
fn tell(ci: Ci, texts: &[String], ending: u8) -> (String, Emission) {
    let path = |name: &str| Some(PathBuf::from("/reports").join(name));
    let presentation = Presentation {
        ci,
        level: Level::Info,
        summary: true,
        reports: ReportPaths {
            junit: path("junit.xml"),
            json: path("report.json"),
            dotenv: path("sync.env"),
            markdown: path("summary.md"),
            results: path("results"),
        },
    };
    let environment: Environment = [
        ("GITHUB_OUTPUT", "/ci/output"),
        ("GITHUB_STEP_SUMMARY", "/ci/summary.md"),
        ("GITHUB_ACTION", "sync"),
        ("AGENT_TEMPDIRECTORY", "/ci"),
        ("BITBUCKET_PIPELINES_VARIABLES_PATH", "/ci/variables"),
        ("BITBUCKET_PIPE_STORAGE_DIR", "/ci/pipe"),
        ("RESULT_MSG_PATH", "/ci"),
        ("STEP_ID", "step"),
        ("DRONE_OUTPUT", "/ci/output.env"),
        ("CI_ENABLE_HARNESS_ANNOTATIONS", "true"),
        ("HARNESS_ANNOTATIONS_FILE", "/ci/annotations.json"),
        ("HARNESS_ACCOUNT_ID", "account"),
        ("HARNESS_EXECUTION_ID", "execution"),
        ("BASH_ENV", "/ci/bash_env"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut reporter = Reporter::new(presentation, &environment, u128::MAX / 3);
    let log = [
        Event::Log(Level::Info, texts[0].clone()),
        Event::Log(Level::Warn, texts[1].clone()),
        Event::Log(Level::Error, format!("a call failed: {}", texts[2])),
    ]
    .iter()
    .map(|event| reporter.event(event))
    .collect();
    let outcome = outcome(texts, ending);
    let exit = outcome.exit();
    let mut emission = reporter.outputs(&outcome, exit);
    emission.extend(reporter.summary(&outcome, exit));
    emission.extend(reporter.conclusion(&outcome, exit, &[]));
    (log, emission)
}

fn outcome(texts: &[String], ending: u8) -> Outcome {
    let failure = Failure {
        exit: Exit::Refused,
        http_status: Some(500),
        code: Some(texts[0].clone()),
        message: texts[1].clone(),
        request_id: Some(texts[2].clone()),
        remedy: Some(texts[3].clone()),
    };
    let problem = || InputProblem {
        input: "targets",
        origin: Some(texts[5].clone()),
        message: texts[6].clone(),
    };
    let ending = match ending % 4 {
        0 => Ending::Finished,
        1 => Ending::Refused(vec![problem(), problem()]),
        2 => Ending::Stopped(vec![failure.clone()]),
        _ => Ending::Defect(texts[7].clone()),
    };
    let failure = Arc::new(failure);
    let call = CallRecord {
        tags: 0..2,
        http_status: Some(500),
        error_code: Some(texts[4].clone()),
        message: Some(texts[5].clone()),
        request_id: Some(texts[6].clone()),
        attempts: 3,
        duration: Duration::from_secs(1),
    };
    let pair = |repository: &str, region: &str| PairOutcome {
        pair: Pair {
            images: Images {
                namespace: "team".parse().expect("a namespace"),
                repository: repository.parse().expect("a repository"),
                tags: ["v1", "v2"].map(|tag| tag.parse().expect("a tag")).into(),
            },
            target: Target {
                region: region.parse().expect("a region"),
                namespace: "team".parse().expect("a namespace"),
            },
        },
        tags: vec![
            TagOutcome {
                state: State::Failed,
                failure: Some(Arc::clone(&failure)),
            },
            TagOutcome {
                state: State::Landed,
                failure: None,
            },
        ],
        calls: vec![call.clone()],
    };
    Outcome {
        ending,
        source: Some(Source {
            region: "cn-north-4".parse().expect("a region"),
            registry: Registry::HUAWEI_CLOUD,
        }),
        pairs: vec![pair("app", "---"), pair("backend/api", "cn-east-3")],
    }
}
