//! From what is known of one tag in one target to its fate. Pure, so that every case stands in a table of tests.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Override;
use crate::outcome::{Exit, Failure};

/// A job that is not listed this long after its call was accepted is not waited for any longer.
pub const APPEARS: Duration = Duration::from_secs(10);

/// What is known of the sync job of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// The list was not read yet.
    NotRead,
    /// The list cannot be read, whenever it is tried.
    Unreadable(Arc<Failure>),
    /// The list was read, this long after the call was accepted, and held no job of the call.
    Unlisted(Duration),
    /// It is under way; or it has a status that no documentation knows. The status is kept for messages.
    UnderWay(String),
    /// It copied the tag.
    Success,
    /// It found the tag in the target and left it.
    Existed,
    /// It ended without a copy: `failed`, `timeout` or `cancel`; seen this long after the call was accepted.
    Ended(String, Duration),
}

impl Job {
    /// What a status says, this long after the call was accepted.
    pub fn of(status: &str, after: Duration) -> Self {
        match status.to_ascii_lowercase().as_str() {
            "success" => Self::Success,
            "existed" => Self::Existed,
            ended @ ("failed" | "timeout" | "cancel") => Self::Ended(ended.to_owned(), after),
            _ => Self::UnderWay(status.to_owned()),
        }
    }

    /// Whether a status is one of those the vendor documents.
    pub fn is_known(status: &str) -> bool {
        matches!(
            status.to_ascii_lowercase().as_str(),
            "waiting" | "running" | "success" | "failed" | "timeout" | "cancel" | "existed"
        )
    }

    /// Of two jobs for the same tag, as a call that was sent twice makes them, the one that tells more: a copy that was
    /// made is there whatever else happened, and one under way may still be made.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::NotRead | Self::Unreadable(_) => 0,
            Self::Unlisted(_) => 1,
            Self::Ended(..) => 2,
            Self::Existed => 3,
            Self::UnderWay(_) => 4,
            Self::Success => 5,
        }
    }
}

/// What is known of a tag in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nobody looked, or the last look brought nothing.
    NotYet,
    /// It cannot be looked at, whenever it is tried.
    Unreadable(Arc<Failure>),
    /// It is not there.
    Missing,
    /// It is there.
    Digest(String),
}

/// All that is known of one tag in one target.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its sync job.
    pub job: &'a Job,
    /// The tag in the source.
    pub source: &'a Look,
    /// The tag in the target.
    pub target: &'a Look,
    /// Whether its call was sent more than once.
    pub was_repeated: bool,
    /// Whether a different image of the same tag is replaced.
    pub override_existing: Override,
}

/// What became of a tag, or what is needed to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Only time can tell.
    Open,
    /// The digests in source and target have to be looked at, perhaps once more.
    Compare,
    /// It is in the target, with the digest of the source.
    Landed,
    /// It was in the target before, with the digest of the source.
    Existed,
    /// It is known to have failed.
    Failed(Failure),
}

/// The fate of a tag, by the rules of the contract.
pub fn judge(known: Known<'_>) -> Fate {
    match known.job {
        Job::NotRead | Job::UnderWay(_) => Fate::Open,
        Job::Unlisted(after) if *after < APPEARS => Fate::Open,
        // Of a call that was sent twice the second job may not be listed yet.
        Job::Ended(_, after) if known.was_repeated && *after < APPEARS => Fate::Open,
        Job::Success => Fate::Landed,
        Job::Ended(status, _) => Fate::Failed(ended(status)),
        Job::Existed => existed(known),
        Job::Unlisted(_) => without_job(known, None),
        Job::Unreadable(failure) => without_job(known, Some(failure)),
    }
}

fn existed(known: Known<'_>) -> Fate {
    match (known.source, known.target) {
        (Look::Unreadable(failure), _) => not_verified("the source cannot be read", Some(failure)),
        (_, Look::Unreadable(failure)) => not_verified("the target cannot be read", Some(failure)),
        (Look::Missing, _) => not_verified("the tag is not in the source any more", None),
        (Look::NotYet, _) | (_, Look::NotYet | Look::Missing) => Fate::Compare,
        (Look::Digest(source), Look::Digest(target)) if source == target => Fate::Existed,
        (Look::Digest(_), Look::Digest(_)) => not_overwritten(known.override_existing),
    }
}

fn without_job(known: Known<'_>, unreadable: Option<&Failure>) -> Fate {
    let why = || match unreadable {
        None => format!(
            "no sync job of it was listed within {} s",
            APPEARS.as_secs()
        ),
        Some(failure) => format!("the sync jobs cannot be read ({failure})"),
    };
    let cannot_read = |what: &str, failure: &Failure| {
        Fate::Failed(Failure {
            // The right to read the jobs would have told.
            exit: unreadable.map_or(Exit::TagsFailed, |failure| failure.exit),
            ..Failure::new(
                Exit::TagsFailed,
                format!("{}, and {what} cannot be read: {failure}", why()),
                unreadable.unwrap_or(failure).remedy.as_deref(),
            )
        })
    };
    match (known.source, known.target) {
        (_, Look::Unreadable(failure)) => cannot_read("the target", failure),
        (Look::Unreadable(failure), _) => cannot_read("the source", failure),
        (Look::Missing, _) => Fate::Failed(Failure::new(
            Exit::TagsFailed,
            format!("{}, and the tag is not in the source", why()),
            Some(
                "check the tag's spelling, and that the push was finished before this step; `preflight: true` checks it first",
            ),
        )),
        (Look::NotYet, _) | (_, Look::NotYet | Look::Missing) => Fate::Compare,
        (Look::Digest(source), Look::Digest(target)) if source == target => Fate::Landed,
        (Look::Digest(_), Look::Digest(_)) => match known.override_existing {
            Override::Keep => not_overwritten(Override::Keep),
            // It may still be replaced.
            Override::Replace => Fate::Compare,
        },
    }
}

fn ended(status: &str) -> Failure {
    let remedy = match status {
        "failed" => {
            "check that the tag exists in the source, and that the organization exists in the target and may be written; `preflight: true` checks these first"
        }
        "timeout" => "SWR gave the copy up; sync the tag again, and ask the vendor if it repeats",
        _ => {
            "somebody or something cancelled it; look at the sync records of the repository in the console, and sync the tag again"
        }
    };
    Failure::new(
        Exit::TagsFailed,
        format!("its sync job ended as `{status}`; SWR gives no reason"),
        Some(remedy),
    )
}

fn not_verified(why: &str, failure: Option<&Failure>) -> Fate {
    let failure_text = failure.map_or_else(String::new, |failure| format!(": {failure}"));
    let message = format!("already there, not verified: {why}{failure_text}");
    let remedy = match failure {
        Some(Failure {
            remedy: Some(remedy),
            ..
        }) => remedy,
        _ => "check the tag in the target; `override: true` replaces it without a comparison",
    };
    Fate::Failed(Failure::new(Exit::TagsFailed, message, Some(remedy)))
}

fn not_overwritten(override_existing: Override) -> Fate {
    let remedy = match override_existing {
        Override::Keep => "set `override: true` to replace it, or push under a new tag",
        Override::Replace => {
            "SWR kept it though `override` is set; delete the tag in the target and sync again"
        }
    };
    Fate::Failed(Failure::new(
        Exit::TagsFailed,
        "not overwritten: a different image has this tag in the target",
        Some(remedy),
    ))
}

/// Why a tag is still open when the time is up. `trouble` is what the target or the list of jobs said last instead of
/// an answer.
pub fn pending(job: &Job, target: &Look, trouble: Option<&Failure>, timeout: Duration) -> Failure {
    let known = match (job, target) {
        (Job::UnderWay(status), _) => format!("its sync job is still `{status}`"),
        (Job::Existed | Job::Success | Job::Ended(..), _) => {
            "SWR has ended its sync job, but the tag could not be compared with the source"
                .to_owned()
        }
        (Job::NotRead, _) => "its sync job could not be read".to_owned(),
        (Job::Unlisted(_), Look::Missing) => {
            "no sync job of it is listed, and the tag is not in the target".to_owned()
        }
        (Job::Unlisted(_), Look::Digest(_)) => {
            "no sync job of it is listed, and the target still has another image".to_owned()
        }
        (Job::Unlisted(_), Look::NotYet | Look::Unreadable(_)) => {
            "no sync job of it is listed".to_owned()
        }
        (Job::Unreadable(_), Look::Missing) => "the tag is not in the target".to_owned(),
        (Job::Unreadable(_), Look::Digest(_)) => "the target still has another image".to_owned(),
        (Job::Unreadable(_), Look::NotYet | Look::Unreadable(_)) => {
            "neither its sync job nor the target could be read".to_owned()
        }
    };
    let trouble = trouble.map_or_else(String::new, |failure| format!(" (last answer: {failure})"));
    let remedy = match job {
        Job::UnderWay(_) => {
            "raise `wait-timeout`, or look at the sync records of the repository in the console"
        }
        _ => {
            "SWR also accepts what it never copies: check that the tag exists in the source, and that the organization exists in the target and may be written; `preflight: true` checks these first. If all is right, raise `wait-timeout`"
        }
    };
    Failure::new(
        Exit::TimedOut,
        format!(
            "`wait-timeout` ({}) has passed: {known}{trouble}",
            humantime::format_duration(timeout)
        ),
        Some(remedy),
    )
}

/// Why a tag's fate is not known where nothing more can be read.
pub fn lost(failure: &Failure) -> Failure {
    Failure {
        message: format!(
            "SWR accepted the sync, but what became of it could not be read: {}",
            failure.message
        ),
        ..failure.clone()
    }
}

#[cfg(test)]
mod tests;
