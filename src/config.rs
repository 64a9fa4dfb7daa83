//! From the texts of the inputs to their meaning: every problem is collected, so that a user sees all of them at
//! once, and what a [`Config`] holds can be used as it is.

mod endpoint;
mod images;
mod pattern;
mod presentation;
mod registry;

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::credentials::{self, Source};
use crate::event::Level;
use crate::inputs::{Environment, InputProblem, Inputs, default, list};
use crate::names::{Namespace, Region, Target};
use crate::transport::certificates;

pub use endpoint::Endpoint;
pub use images::{Filter, Selection};
pub use pattern::{Choice, Pattern};
pub use presentation::{Presentation, ReportPaths};
pub use registry::{Reference, Registry, SwrReference};

/// What happens to a different image that has the same tag in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// It stays.
    Keep,
    /// It is replaced.
    Replace,
}

/// A target as it was given; the namespace may be the image's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetChoice {
    /// The remote region.
    pub region: Region,
    /// The remote namespace, where it is not the image's own.
    pub namespace: Option<Namespace>,
}

impl TargetChoice {
    /// The target of an image of this namespace.
    pub fn of(&self, own: &Namespace) -> Target {
        Target {
            region: self.region.clone(),
            namespace: self.namespace.clone().unwrap_or_else(|| own.clone()),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (region, namespace) = text
            .split_once('/')
            .map_or((text, None), |(region, rest)| (region, Some(rest)));
        let region = region
            .parse()
            .map_err(|error| format!("`{text}`: {error}"))?;
        let namespace = namespace
            .map(str::parse)
            .transpose()
            .map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Self { region, namespace })
    }
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Everything is tried.
    Continue,
    /// Nothing new is started.
    Stop,
}

/// Whether anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The sync calls are made.
    Apply,
    /// The sync calls are only shown.
    DryRun,
}

/// How the calls are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// For one request.
    pub timeout: Duration,
    /// Further tries of one call.
    pub retries: u32,
    /// Requests under way at once.
    pub concurrency: NonZeroUsize,
    /// Tags in one request.
    pub batch_size: NonZeroUsize,
}

/// Where the services are and how they are reached.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The SWR API.
    pub endpoint: Endpoint,
    /// STS; none: that of the source region where there is one.
    pub sts_endpoint: Option<Endpoint>,
    /// IAM.
    pub iam_endpoint: Endpoint,
    /// Extra roots.
    pub ca_certs: Vec<rustls::pki_types::TrustAnchor<'static>>,
}

/// What is to be done, without contradictions.
#[derive(Debug)]
pub struct Config {
    /// The source region.
    pub region: Region,
    /// The source registry.
    pub registry: Registry,
    /// What to sync.
    pub selections: Vec<Selection>,
    /// Tags to leave out.
    pub exclude: Filter,
    /// Where to.
    pub targets: Vec<TargetChoice>,
    /// What happens to different images in the target.
    pub override_existing: Override,
    /// Who asks; none where nothing was found.
    pub credentials: Option<Source>,
    /// The project id, sent to the source region only.
    pub project_id: Option<String>,
    /// Where the services are.
    pub connection: Connection,
    /// How the calls are made.
    pub calls: CallSettings,
    /// Whether targets and tags are checked before the first call.
    pub preflight: bool,
    /// How long to wait for the tags to land; none: not at all.
    pub wait: Option<Duration>,
    /// What happens after a failure.
    pub on_failure: OnFailure,
    /// Whether anything is sent.
    pub mode: Mode,
    /// What the user should know about the inputs, for the log.
    pub notes: Vec<(Level, String)>,
}

/// Reads single inputs and collects what is wrong with them.
struct Reader<'a> {
    inputs: &'a Inputs,
    problems: Vec<InputProblem>,
    notes: Vec<(Level, String)>,
}

impl Reader<'_> {
    fn problem(&mut self, name: &'static str, message: impl Into<String>) {
        self.problems.push(self.inputs.problem(name, message));
    }

    /// The meaning of a text, or a problem and nothing.
    fn parse<T>(
        &mut self,
        name: &'static str,
        text: Option<&String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(text?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(name, message);
                None
            }
        }
    }

    /// The meaning of a text, or that of the input's default, where there is none or it has a problem.
    fn parse_or_default<T>(
        &mut self,
        name: &'static str,
        text: Option<&String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.parse(name, text, &parse)
            .unwrap_or_else(|| parse(default(name)).expect("a default is a value"))
    }

    fn flag(&mut self, name: &'static str, text: Option<&String>) -> bool {
        self.parse_or_default(name, text, flag)
    }

    fn count<T: TryFrom<usize>>(
        &mut self,
        name: &'static str,
        text: Option<&String>,
        bounds: RangeInclusive<usize>,
    ) -> T {
        let count = |text: &str| {
            let count = text.parse().ok().filter(|count| bounds.contains(count));
            count
                .and_then(|count| T::try_from(count).ok())
                .ok_or_else(|| {
                    format!(
                        "`{text}` is not a whole number from {} to {}",
                        bounds.start(),
                        bounds.end()
                    )
                })
        };
        self.parse_or_default(name, text, count)
    }

    fn duration(&mut self, name: &'static str, text: Option<&String>) -> Duration {
        let duration = |text: &str| match humantime::parse_duration(text) {
            Ok(duration) if !duration.is_zero() => Ok(duration),
            Ok(_) => Err(format!("`{text}` is too short; it must be longer than 0")),
            Err(error) => Err(format!(
                "`{text}` is not a duration such as `30s`, `10m` or `1h30m`: {error}"
            )),
        };
        self.parse_or_default(name, text, duration)
    }

    /// The entries of a list, each with its meaning.
    fn list<T>(
        &mut self,
        name: &'static str,
        text: Option<&String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(text) = text else { return Vec::new() };
        match list(text) {
            Ok(entries) => entries
                .iter()
                .filter_map(|entry| self.parse(name, Some(entry), &parse))
                .collect(),
            Err(message) => {
                self.problem(name, message);
                Vec::new()
            }
        }
    }
}

/// A boolean of YAML 1.2, as GitHub's own actions take it.
pub(crate) fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(format!("`{text}` is neither `true` nor `false`")),
    }
}

impl Config {
    /// Gives the inputs their meaning. `environment` serves the region and the credentials of other tools.
    ///
    /// # Errors
    /// Every problem of every input, those of the variables as such included; never empty.
    pub fn parse(inputs: &Inputs, environment: &Environment) -> Result<Self, Vec<InputProblem>> {
        let raw = &inputs.raw;
        let mut reader = Reader {
            inputs,
            problems: inputs.problems.clone(),
            notes: Vec::new(),
        };
        let pushed = images::read(&mut reader, environment);
        let targets = targets(&mut reader);
        let connection = Connection {
            endpoint: reader
                .parse("endpoint", raw.endpoint.as_ref(), Endpoint::parse)
                .unwrap_or_else(|| Endpoint::public("swr-api")),
            sts_endpoint: reader.parse("sts-endpoint", raw.sts_endpoint.as_ref(), Endpoint::parse),
            iam_endpoint: reader
                .parse("iam-endpoint", raw.iam_endpoint.as_ref(), Endpoint::parse)
                .unwrap_or_else(|| Endpoint::public("iam")),
            ca_certs: reader
                .parse("ca-certs", raw.ca_certs.as_ref(), certificates)
                .unwrap_or_default(),
        };
        let calls = CallSettings {
            timeout: reader.duration("timeout", raw.timeout.as_ref()),
            retries: reader.count("retries", raw.retries.as_ref(), 0..=10),
            concurrency: reader.count("concurrency", raw.concurrency.as_ref(), 1..=64),
            batch_size: reader.count("batch-size", raw.batch_size.as_ref(), 1..=1000),
        };
        let wait_timeout = reader.duration("wait-timeout", raw.wait_timeout.as_ref());
        let wait = reader
            .flag("wait", raw.wait.as_ref())
            .then_some(wait_timeout);
        let preflight = reader.flag("preflight", raw.preflight.as_ref());
        let override_existing = match reader.flag("override", raw.r#override.as_ref()) {
            true => Override::Replace,
            false => Override::Keep,
        };
        let on_failure = match reader.flag("fail-fast", raw.fail_fast.as_ref()) {
            true => OnFailure::Stop,
            false => OnFailure::Continue,
        };
        let mode = match reader.flag("dry-run", raw.dry_run.as_ref()) {
            true => Mode::DryRun,
            false => Mode::Apply,
        };
        let credentials = credentials::choose(inputs, environment).unwrap_or_else(|problems| {
            reader.problems.extend(problems);
            credentials::Chosen::default()
        });
        reader.notes.extend(
            credentials
                .warnings
                .into_iter()
                .map(|warning| (Level::Warn, warning)),
        );
        let (_, problems) = Presentation::parse(inputs, environment);
        reader.problems.extend(problems);
        match pushed {
            Some(images::Pushed {
                region,
                registry,
                selections,
                exclude,
            }) if reader.problems.is_empty() => Ok(Self {
                region,
                registry,
                selections,
                exclude,
                targets,
                override_existing,
                credentials: credentials.source,
                project_id: raw.project_id.clone(),
                connection,
                calls,
                preflight,
                wait,
                on_failure,
                mode,
                notes: reader.notes,
            }),
            _ => Err(reader.problems),
        }
    }
}

/// Where to: `targets`, or the two inputs for a single one.
fn targets(reader: &mut Reader<'_>) -> Vec<TargetChoice> {
    let raw = &reader.inputs.raw;
    let several = reader.list("targets", raw.targets.as_ref(), TargetChoice::parse);
    let region = reader.parse("remote-region-id", raw.remote_region_id.as_ref(), |text| {
        text.parse::<Region>().map_err(|error| error.to_string())
    });
    let namespace = reader.parse("remote-namespace", raw.remote_namespace.as_ref(), |text| {
        text.parse::<Namespace>().map_err(|error| error.to_string())
    });
    let single = [
        ("remote-region-id", &raw.remote_region_id),
        ("remote-namespace", &raw.remote_namespace),
    ];
    let given = single
        .iter()
        .find(|(_, value)| value.is_some())
        .map(|(name, _)| *name);
    match (&raw.targets, given) {
        (Some(_), Some(name)) => {
            reader.problem(name, "it may not stand beside `targets`; write `<region>/<namespace>` as one more line of `targets`");
        }
        (None, None) => {
            reader.problem("targets", "it is missing: say where to sync, such as `ap-southeast-3` or `ap-southeast-3/<namespace>`");
        }
        (None, Some(_)) if raw.remote_region_id.is_none() => {
            reader.problem(
                "remote-region-id",
                "it is missing beside `remote-namespace`",
            );
        }
        (Some(_), None)
            if several.is_empty()
                && reader
                    .problems
                    .iter()
                    .all(|problem| problem.input != "targets") =>
        {
            reader.problem("targets", "it holds no target");
        }
        _ => {}
    }
    region.map_or(several, |region| vec![TargetChoice { region, namespace }])
}
