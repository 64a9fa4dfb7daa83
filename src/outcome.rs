//! What became of a run: a value that every report is made from.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Registry;
use crate::inputs::InputProblem;
use crate::names::{Region, Tag};
use crate::plan::{Pair, Plan};

/// The exit codes, a contract with users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// All tags were synced, or a dry run was shown.
    Synced = 0,
    /// Some tag failed.
    TagsFailed = 1,
    /// Bad inputs or nothing to sync; no sync call was sent.
    BadInputs = 2,
    /// Not authenticated or not allowed: 401, 403, no credentials.
    NotAllowed = 3,
    /// Organization, repository or API not found.
    NotFound = 4,
    /// The request was refused or the service could not be reached, after retries.
    Refused = 5,
    /// An answer that cannot be understood.
    Unreadable = 6,
    /// `wait-timeout` passed with tags pending.
    TimedOut = 7,
    /// Everything was synced, but an output or report could not be written.
    NotWritten = 8,
    /// A defect of this program.
    Internal = 101,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// All codes, in order, with the text that README has for them.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Synced, "every tag was synced"),
        (Self::TagsFailed, "some tag failed"),
        (
            Self::BadInputs,
            "bad inputs, or nothing to sync; no sync call was sent",
        ),
        (
            Self::NotAllowed,
            "not authenticated or not allowed (401, 403, no credentials)",
        ),
        (
            Self::NotFound,
            "organization, repository or API not found (404, `preflight`)",
        ),
        (
            Self::Refused,
            "request refused or service unreachable, after retries",
        ),
        (Self::Unreadable, "an answer that cannot be understood"),
        (Self::TimedOut, "`wait-timeout` passed with tags pending"),
        (
            Self::NotWritten,
            "everything synced, but an output or report could not be written",
        ),
        (Self::Internal, "internal error"),
        (Self::Interrupted, "interrupted (SIGINT)"),
        (Self::Terminated, "terminated (SIGTERM)"),
    ];

    /// The code as the operating system has it.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// What became of one tag in one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// SWR accepted the sync (200); nobody waited for the copy.
    Accepted,
    /// The tag is in the target, with the digest of the source.
    Landed,
    /// It was there before, with the same digest.
    Existed,
    /// It is known to have failed.
    Failed,
    /// Time ran out before its fate was known.
    Pending,
    /// There was no usable answer.
    Unknown,
    /// It was never asked for.
    Skipped,
}

impl State {
    /// All states, those that need attention first.
    pub const WORST_FIRST: [Self; 7] = [
        Self::Failed,
        Self::Unknown,
        Self::Pending,
        Self::Skipped,
        Self::Accepted,
        Self::Landed,
        Self::Existed,
    ];

    /// The word in `results` and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Landed => "landed",
            Self::Existed => "existed",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the tag counts as synced; all others count as failed.
    pub fn is_synced(self) -> bool {
        matches!(self, Self::Accepted | Self::Landed | Self::Existed)
    }
}

/// Why something failed, in the words of whoever knows, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code it leads to.
    pub exit: Exit,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// The server's code, such as `SVCSTG.SWR.4040058`.
    pub code: Option<String>,
    /// What happened. May hold text of the server.
    pub message: String,
    /// The server's request id, for the vendor's support.
    pub request_id: Option<String>,
    /// What a person can do about it.
    pub remedy: Option<String>,
}

impl Failure {
    /// A failure that no server answer stands behind.
    pub fn new(exit: Exit, message: impl Into<String>, remedy: Option<&str>) -> Self {
        Self {
            exit,
            http_status: None,
            code: None,
            message: message.into(),
            request_id: None,
            remedy: remedy.map(str::to_owned),
        }
    }
}

impl fmt::Display for Failure {
    /// One line: status, code, message and request id, without the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.http_status, &self.code) {
            (Some(status), Some(code)) => write!(f, "HTTP {status} {code}: ")?,
            (Some(status), None) => write!(f, "HTTP {status}: ")?,
            (None, Some(code)) => write!(f, "{code}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)?;
        if let Some(request_id) = &self.request_id {
            write!(f, " (request id {request_id})")?;
        }
        Ok(())
    }
}

/// The fate of one tag in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagOutcome {
    /// What became of it.
    pub state: State,
    /// Why, for every state that is not synced.
    pub failure: Option<Arc<Failure>>,
}

/// One call, all its attempts taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Which of the pair's tags it asked for.
    pub tags: Range<usize>,
    /// The last answer's status; none where no answer came.
    pub http_status: Option<u16>,
    /// The last answer's code.
    pub error_code: Option<String>,
    /// The last answer's message.
    pub message: Option<String>,
    /// The last answer's request id.
    pub request_id: Option<String>,
    /// Requests sent; 0 where the call was never made.
    pub attempts: u32,
    /// From the first request to the last answer.
    pub duration: Duration,
}

/// One repository × target with what became of each tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairOutcome {
    /// What was asked.
    pub pair: Pair,
    /// One entry for each tag of the pair, in the same order.
    pub tags: Vec<TagOutcome>,
    /// The calls, in order.
    pub calls: Vec<CallRecord>,
}

impl PairOutcome {
    /// A pair that nothing was asked for, and why.
    pub fn skipped(pair: Pair, failure: Arc<Failure>) -> Self {
        let tag = TagOutcome {
            state: State::Skipped,
            failure: Some(failure),
        };
        let tags = vec![tag; pair.images.tags.len()];
        Self {
            pair,
            tags,
            calls: Vec::new(),
        }
    }

    /// Tags with their fate, in input order.
    pub fn fates(&self) -> impl Iterator<Item = (&Tag, &TagOutcome)> {
        self.pair.images.tags.iter().zip(&self.tags)
    }

    /// How many tags were not synced.
    pub fn failed_count(&self) -> usize {
        self.tags
            .iter()
            .filter(|tag| !tag.state.is_synced())
            .count()
    }
}

/// A signal that ended the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every planned call was made or left out on purpose.
    Finished,
    /// The plan was shown and nothing was sent.
    DryRun(Plan),
    /// The inputs were refused; every problem is listed.
    Refused(Vec<InputProblem>),
    /// Something stopped the run before the first sync call: credentials, a list that could not be read, preflight.
    Stopped(Vec<Failure>),
    /// A signal.
    Signalled(Signal),
    /// A defect of this program, with its own words.
    Defect(String),
}

/// Where the synced images come from, for writing full references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The source region.
    pub region: Region,
    /// Its registry.
    pub registry: Registry,
}

/// The result of a run. Every path ends in one, so that outputs are always written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The source; none where the inputs were refused before it was known.
    pub source: Option<Source>,
    /// In plan order. Empty where there was no plan yet, and in a dry run.
    pub pairs: Vec<PairOutcome>,
}

/// The word of the `status` output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything was synced.
    Success,
    /// Some triples failed, some did not.
    Partial,
    /// Nothing was synced.
    Failure,
    /// A dry run.
    DryRun,
}

impl Status {
    /// The word itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failure => "failure",
            Self::DryRun => "dry-run",
        }
    }
}

impl Outcome {
    /// An end before anything was planned.
    pub fn without_plan(ending: Ending) -> Self {
        Self {
            ending,
            source: None,
            pairs: Vec::new(),
        }
    }

    /// How many (repository, target, tag) triples were not synced.
    pub fn failed_count(&self) -> usize {
        self.pairs.iter().map(PairOutcome::failed_count).sum()
    }

    /// How many triples were synced.
    pub fn synced_count(&self) -> usize {
        self.pairs
            .iter()
            .map(|pair| pair.tags.len() - pair.failed_count())
            .sum()
    }

    /// The word for the whole.
    pub fn status(&self) -> Status {
        match (&self.ending, self.failed_count(), self.synced_count()) {
            (Ending::DryRun(_), _, _) => Status::DryRun,
            (Ending::Finished, 0, _) => Status::Success,
            (_, _, 0) => Status::Failure,
            (_, 0, _) => Status::Success,
            _ => Status::Partial,
        }
    }

    /// The exit code, before anything about writing reports is known.
    pub fn exit(&self) -> Exit {
        match &self.ending {
            Ending::DryRun(_) => Exit::Synced,
            Ending::Refused(_) => Exit::BadInputs,
            Ending::Signalled(Signal::Interrupt) => Exit::Interrupted,
            Ending::Signalled(Signal::Terminate) => Exit::Terminated,
            Ending::Defect(_) => Exit::Internal,
            Ending::Stopped(failures) => decisive(failures.iter()).unwrap_or(Exit::Internal),
            Ending::Finished => self.exit_of_tags(),
        }
    }

    /// Not allowed before all, else the first failure in plan order. What was skipped only follows from another.
    fn exit_of_tags(&self) -> Exit {
        let failures = |skipped: bool| {
            self.pairs
                .iter()
                .flat_map(|pair| &pair.tags)
                .filter(move |tag| (tag.state == State::Skipped) == skipped)
                .filter_map(|tag| tag.failure.as_deref())
        };
        decisive(failures(false))
            .or_else(|| decisive(failures(true)))
            .unwrap_or(Exit::Synced)
    }
}

fn decisive<'a>(mut failures: impl Iterator<Item = &'a Failure> + Clone) -> Option<Exit> {
    let first = failures.clone().next()?.exit;
    Some(
        if failures.any(|failure| failure.exit == Exit::NotAllowed) {
            Exit::NotAllowed
        } else {
            first
        },
    )
}
