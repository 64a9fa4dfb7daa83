//! From the environment to the texts of the inputs, whatever the CI spells them like.
//!
//! Nothing is given a meaning here; that is `config`. What is decided here is which variable an input comes
//! from, and what is odd about the variables as such.

mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;

pub use table::{Group, INPUTS, Input, default, find};

/// The environment, as `main` found it.
pub type Environment = BTreeMap<String, String>;

/// Reads a file that an input names; an argument, so that reading the environment stays pure.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// At most this much of an input file is read.
pub const FILE_LIMIT: usize = 16 * 1024 * 1024;

/// The texts of all inputs: trimmed, never empty. Names are those of the table with `_` for `-`.
#[derive(Debug, Default, Deserialize)]
#[expect(missing_docs, reason = "the table of inputs documents each field")]
pub struct RawInputs {
    pub images: Option<String>,
    pub region: Option<String>,
    pub namespace: Option<String>,
    pub repository: Option<String>,
    pub tags: Option<String>,
    pub exclude_tags: Option<String>,
    pub registry: Option<String>,
    pub targets: Option<String>,
    pub remote_region_id: Option<String>,
    pub remote_namespace: Option<String>,
    pub r#override: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<SecretString>,
    pub security_token: Option<SecretString>,
    pub auth_token: Option<SecretString>,
    pub oidc_provider_urn: Option<String>,
    pub oidc_agency_urn: Option<String>,
    pub oidc_idp_id: Option<String>,
    pub project_id: Option<String>,
    pub oidc_audience: Option<String>,
    pub oidc_token: Option<SecretString>,
    pub ecs_agency: Option<String>,
    pub endpoint: Option<String>,
    pub sts_endpoint: Option<String>,
    pub iam_endpoint: Option<String>,
    pub ca_certs: Option<String>,
    pub preflight: Option<String>,
    pub wait: Option<String>,
    pub wait_timeout: Option<String>,
    pub timeout: Option<String>,
    pub retries: Option<String>,
    pub concurrency: Option<String>,
    pub batch_size: Option<String>,
    pub fail_fast: Option<String>,
    pub dry_run: Option<String>,
    pub summary: Option<String>,
    pub report_junit: Option<String>,
    pub report_json: Option<String>,
    pub report_dotenv: Option<String>,
    pub report_markdown: Option<String>,
    pub results_dir: Option<String>,
    pub ci: Option<String>,
    pub log_level: Option<String>,
}

/// Something wrong with an input, in words for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    /// The input, as the table names it.
    pub input: &'static str,
    /// The variable its value came from; none where there was no value.
    pub origin: Option<String>,
    /// What is wrong and what is allowed. Never the value of a secret.
    pub message: String,
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input `{}`", self.input)?;
        if let Some(origin) = &self.origin {
            write!(f, " (from {origin})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The inputs as texts, with where each came from.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The texts.
    pub raw: RawInputs,
    /// The variable of each input that has a value, by the input's name.
    pub origins: BTreeMap<&'static str, String>,
    /// What is wrong with the variables as such.
    pub problems: Vec<InputProblem>,
    /// What is odd about them.
    pub warnings: Vec<String>,
}

impl Inputs {
    /// A problem of the input `name`, with the variable it came from.
    pub fn problem(&self, name: &'static str, message: impl Into<String>) -> InputProblem {
        debug_assert!(find(name).is_some(), "{name} is not in the table of inputs");
        InputProblem {
            input: name,
            origin: self.origins.get(name).cloned(),
            message: shortened(message.into()),
        }
    }
}

/// A message with its middle left out where it repeats a value that is too long to be read.
fn shortened(message: String) -> String {
    const KEPT: usize = 300;
    let count = message.chars().count();
    if count <= 3 * KEPT {
        return message;
    }
    let start: String = message.chars().take(KEPT).collect();
    let end: String = message.chars().skip(count - KEPT).collect();
    format!("{start} … {end}")
}

/// One variable that spells an input.
struct Spelling<'a> {
    variable: &'a str,
    value: &'a str,
    is_file: bool,
}

/// Which of the two prefixes; `INPUT_` beats `PLUGIN_`.
const PREFIXES: [&str; 2] = ["INPUT_", "PLUGIN_"];

/// Reads all inputs. GitHub keeps hyphens and turns blanks into `_`; shells know only `_`; plugin systems say
/// `PLUGIN_`, which is not read where `GITHUB_ACTIONS` is set. Exact names are matched before `_FILE` forms.
pub fn read(environment: &Environment, read_file: ReadFile<'_>) -> Inputs {
    let plugins = environment
        .get("GITHUB_ACTIONS")
        .is_none_or(|value| value.trim().is_empty());
    let mut inputs = Inputs::default();
    let mut values = Vec::new();
    for input in &INPUTS {
        let spelled = PREFIXES
            .iter()
            .take(if plugins { 2 } else { 1 })
            .map(|prefix| spellings(environment, prefix, input))
            .find(|spellings| !spellings.is_empty());
        let Some(spelled) = spelled else { continue };
        match choose(input, &spelled, read_file) {
            Ok(Some((origin, value))) => {
                inputs.origins.insert(input.name, origin);
                values.push((input.name.replace('-', "_"), value));
            }
            Ok(None) => {}
            Err(problem) => inputs.problems.push(problem),
        }
    }
    inputs.warnings = unknown(environment, plugins);
    inputs.raw =
        envy::from_iter(values).expect("every field is an optional text, which any text fits");
    inputs
}

/// The part of a variable's name behind a prefix, in the form that inputs are compared in.
fn normalised(variable: &str, prefix: &str) -> Option<String> {
    variable
        .strip_prefix(prefix)
        .map(|name| name.replace(['-', ' '], "_"))
}

fn spellings<'a>(environment: &'a Environment, prefix: &str, input: &Input) -> Vec<Spelling<'a>> {
    let exact = input.name.replace('-', "_").to_ascii_uppercase();
    let file = format!("{exact}_FILE");
    environment
        .range(prefix.to_owned()..)
        .take_while(|(variable, _)| variable.starts_with(prefix))
        .filter_map(|(variable, value)| {
            let name = normalised(variable, prefix)?;
            let value = value.trim();
            let is_file = name == file;
            (!value.is_empty() && (is_file || name == exact)).then_some(Spelling {
                variable,
                value,
                is_file,
            })
        })
        .collect()
}

/// The value of an input and the variable it came from.
fn choose(
    input: &Input,
    spellings: &[Spelling<'_>],
    read_file: ReadFile<'_>,
) -> Result<Option<(String, String)>, InputProblem> {
    let problem = |origin: &str, message: String| InputProblem {
        input: input.name,
        origin: Some(origin.to_owned()),
        message,
    };
    let (first, rest) = spellings
        .split_first()
        .expect("called with at least one spelling");
    for other in rest {
        if other.is_file != first.is_file {
            let message = format!(
                "{} is set too; give the value or the file, not both",
                other.variable
            );
            return Err(problem(first.variable, message));
        }
        if other.value != first.value {
            let message = format!("{} has another value; set only one of them", other.variable);
            return Err(problem(first.variable, message));
        }
    }
    if !first.is_file {
        return Ok(Some((first.variable.to_owned(), first.value.to_owned())));
    }
    let bytes = read_file(Path::new(first.value)).map_err(|error| {
        problem(
            first.variable,
            format!("cannot read the file `{}`: {error}", first.value),
        )
    })?;
    if bytes.len() > FILE_LIMIT {
        let message = format!(
            "the file `{}` is longer than {} MiB",
            first.value,
            FILE_LIMIT / 1024 / 1024
        );
        return Err(problem(first.variable, message));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        problem(
            first.variable,
            format!("the file `{}` is not UTF-8 text", first.value),
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
    Ok((!text.is_empty()).then(|| (first.variable.to_owned(), text.to_owned())))
}

/// A warning for each variable that is no input, but nearly one.
fn unknown(environment: &Environment, plugins: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    for prefix in PREFIXES.iter().take(if plugins { 2 } else { 1 }) {
        for (variable, value) in environment {
            let Some(name) = normalised(variable, prefix) else {
                continue;
            };
            if value.trim().is_empty() || is_known(&name) {
                continue;
            }
            let name = name.replace('_', "-").to_ascii_lowercase();
            let nearest = nearest(&name, INPUTS.iter().map(|input| input.name));
            if let Some(nearest) = nearest {
                warnings.push(format!(
                    "{variable} is not an input and is not read; did you mean `{nearest}`?"
                ));
            }
        }
    }
    warnings
}

fn is_known(name: &str) -> bool {
    let is_input = |name: &str| {
        INPUTS
            .iter()
            .any(|input| input.name.replace('-', "_").eq_ignore_ascii_case(name))
    };
    let upper = name.to_ascii_uppercase() == name;
    upper && (is_input(name) || name.strip_suffix("_FILE").is_some_and(is_input))
}

/// The candidate that a mistyped name most likely means, if one is close.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= 2.min(candidate.len() / 3))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The entries of a list: lines or commas, `#` comment lines, or a JSON array of strings; without duplicates, in
/// order.
///
/// # Errors
/// What is wrong with a JSON array.
pub fn list(text: &str) -> Result<Vec<String>, String> {
    // A pattern such as `[0-9]*` begins with a bracket too.
    let behind_bracket = text.trim_start().strip_prefix('[').map(str::trim_start);
    let entries: Vec<String> = if behind_bracket.is_some_and(|rest| rest.starts_with(['"', ']'])) {
        serde_json::from_str(text)
            .map_err(|error| format!("a JSON list must hold texts only: {error}"))?
    } else {
        text.lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split(','))
            .map(str::to_owned)
            .collect()
    };
    let mut seen = std::collections::HashSet::new();
    Ok(entries
        .iter()
        .map(|entry| entry.trim())
        .filter(|entry| !entry.is_empty() && seen.insert(*entry))
        .map(str::to_owned)
        .collect())
}
