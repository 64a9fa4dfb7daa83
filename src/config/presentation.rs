//! How results are shown and where they are written. It is known even where other inputs are refused, so that a
//! refusal reaches its reader in the right form.

use std::path::PathBuf;

use crate::ci::Ci;
use crate::config::flag;
use crate::event::Level;
use crate::inputs::{Environment, InputProblem, Inputs, default, nearest};

/// Where report files go, in any CI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportPaths {
    /// JUnit.
    pub junit: Option<PathBuf>,
    /// JSON.
    pub json: Option<PathBuf>,
    /// `KEY=value` lines with the outputs.
    pub dotenv: Option<PathBuf>,
    /// The summary.
    pub markdown: Option<PathBuf>,
    /// A folder with one file for each output.
    pub results: Option<PathBuf>,
}

/// How results are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// The CI system to speak to.
    pub ci: Ci,
    /// The least level that is shown.
    pub level: Level,
    /// Whether the job summary is written.
    pub summary: bool,
    /// Report files.
    pub reports: ReportPaths,
}

impl Presentation {
    /// Reads what concerns the presentation; where an input is refused its default stands in.
    pub fn parse(inputs: &Inputs, environment: &Environment) -> (Self, Vec<InputProblem>) {
        let raw = &inputs.raw;
        let mut problems = Vec::new();
        let ci = match raw.ci.as_deref().unwrap_or(default("ci")) {
            "auto" => Ci::detect(environment),
            name => Ci::from_name(name).unwrap_or_else(|| {
                let names: Vec<_> = Ci::all().map(Ci::name).collect();
                let hint = nearest(name, names.iter().copied())
                    .map(|name| format!("; did you mean `{name}`?"));
                let message = format!(
                    "`{name}` is not one of auto, {}{}",
                    names.join(", "),
                    hint.unwrap_or_default()
                );
                problems.push(inputs.problem("ci", message));
                Ci::detect(environment)
            }),
        };
        let summary =
            flag(raw.summary.as_deref().unwrap_or(default("summary"))).unwrap_or_else(|message| {
                problems.push(inputs.problem("summary", message));
                true
            });
        let level = match raw.log_level.as_deref().unwrap_or(default("log-level")) {
            "error" => Level::Error,
            "warn" => Level::Warn,
            "info" => Level::Info,
            "debug" => Level::Debug,
            other => {
                problems.push(inputs.problem(
                    "log-level",
                    format!("`{other}` is not one of error, warn, info, debug"),
                ));
                Level::Info
            }
        };
        // GitHub's and Azure's own switches for a debug run.
        let debug = |name: &str, on: &str| {
            environment
                .get(name)
                .is_some_and(|value| value.eq_ignore_ascii_case(on))
        };
        let level = if debug("RUNNER_DEBUG", "1") || debug("SYSTEM_DEBUG", "true") {
            Level::Debug
        } else {
            level
        };
        let path = |text: &Option<String>| text.as_ref().map(PathBuf::from);
        let reports = ReportPaths {
            junit: path(&raw.report_junit),
            json: path(&raw.report_json),
            dotenv: path(&raw.report_dotenv),
            markdown: path(&raw.report_markdown),
            results: path(&raw.results_dir),
        };
        (
            Self {
                ci,
                level,
                summary,
                reports,
            },
            problems,
        )
    }
}
