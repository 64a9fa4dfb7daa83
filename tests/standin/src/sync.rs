//! What becomes of a sync: the rules that tests set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::glob;
use crate::jobs::Asked;

/// Says for some tags and targets what becomes of their sync. The first rule that matches and is not used up decides.
///
/// ```
/// use standin::{Ending, Sync, SyncRule};
/// // `latest` never gets to Singapore, and SWR does not say so.
/// let rule = SyncRule { tag: "latest".into(), remote_region: "ap-southeast-3".into(), ..SyncRule::all(Sync::silently_lost()) };
/// # assert_eq!(rule.sync.ending, Ending::Never);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRule {
    /// Source organization, a glob with `*`.
    #[serde(default = "anything")]
    pub namespace: String,
    /// Repository with its slashes, a glob with `*`.
    #[serde(default = "anything")]
    pub repository: String,
    /// Tag, a glob with `*`.
    #[serde(default = "anything")]
    pub tag: String,
    /// Target region, a glob with `*`.
    #[serde(default = "anything")]
    pub remote_region: String,
    /// Target organization, a glob with `*`.
    #[serde(default = "anything")]
    pub remote_namespace: String,
    /// How many syncs of one tag it speaks about before it is used up; none: all.
    #[serde(default)]
    pub times: Option<u32>,
    /// What becomes of them.
    pub sync: Sync,
}

fn anything() -> String {
    "*".to_owned()
}

impl SyncRule {
    /// A rule about every sync.
    #[must_use]
    pub fn all(sync: Sync) -> Self {
        Self {
            namespace: anything(),
            repository: anything(),
            tag: anything(),
            remote_region: anything(),
            remote_namespace: anything(),
            times: None,
            sync,
        }
    }

    /// A rule about every sync of a tag.
    #[must_use]
    pub fn tag(tag: &str, sync: Sync) -> Self {
        Self {
            tag: tag.to_owned(),
            ..Self::all(sync)
        }
    }

    pub(crate) fn matches(&self, asked: &Asked) -> bool {
        glob::matches(&self.namespace, &asked.namespace)
            && glob::matches(&self.repository, &asked.repository)
            && glob::matches(&self.tag, &asked.tag)
            && glob::matches(&self.remote_region, &asked.remote_region)
            && glob::matches(&self.remote_namespace, &asked.remote_namespace)
    }
}

/// The life of one sync job, from the call to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sync {
    /// Whether the array of the 200 answer names the tag.
    pub named_in_answer: bool,
    /// When its row is first listed.
    pub appears: Pace,
    /// What the row shows before its end, in order.
    pub stages: Vec<Stage>,
    /// What the row shows at its end.
    pub ending: Ending,
    /// Whether a success (or an end by [`Ending::Natural`] that comes out as one) brings the tag to the target.
    pub lands: bool,
}

/// One status of a job and how long it stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// `waiting`, `running`, or something no documentation knows.
    pub status: String,
    /// How long it stays.
    pub lasts: Pace,
}

/// What is waited for before a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// Nothing.
    AtOnce,
    /// So many polls: calls of `sync_job` of the source repository. A job that was never asked for there counts reads of its tag
    /// (or of the tag list) in the target instead.
    Polls(u32),
    /// So much time.
    Time(#[serde(with = "crate::duration")] Duration),
    /// What never comes.
    Never,
}

/// How a job ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// As the world has it then: `failed` where the source tag or the target organization is missing or may not be written,
    /// `existed` where the target has the tag and `override` is off, else `success`.
    Natural,
    /// With this status: `success`, `failed`, `timeout`, `cancel`, `existed`, or something no documentation knows.
    Status(String),
    /// Not at all: the last stage stays, or nothing ever happens.
    Never,
}

impl Default for Sync {
    /// Listed at once as running; over at the second poll, as the world has it.
    fn default() -> Self {
        Self {
            named_in_answer: false,
            appears: Pace::AtOnce,
            stages: vec![Stage {
                status: "running".to_owned(),
                lasts: Pace::Polls(1),
            }],
            ending: Ending::Natural,
            lands: true,
        }
    }
}

impl Sync {
    /// Over before the answer is sent.
    #[must_use]
    pub fn at_once() -> Self {
        Self {
            stages: Vec::new(),
            ..Self::default()
        }
    }

    /// Waiting, then running, each for half of this time.
    #[must_use]
    pub fn taking(time: Duration) -> Self {
        let half = Pace::Time(time / 2);
        let stages = ["waiting", "running"].map(|status| Stage {
            status: status.to_owned(),
            lasts: half,
        });
        Self {
            stages: stages.into(),
            ..Self::default()
        }
    }

    /// The default, but with this status at the end. Only `success` lands.
    #[must_use]
    pub fn ending(status: &str) -> Self {
        Self {
            ending: Ending::Status(status.to_owned()),
            ..Self::default()
        }
    }

    /// Named in the array of the answer, and the job fails.
    #[must_use]
    pub fn named_and_failing() -> Self {
        Self {
            named_in_answer: true,
            ..Self::ending("failed")
        }
    }

    /// Named in the array of the answer, though the tag lands: the array contradicts the job.
    #[must_use]
    pub fn named_but_landing() -> Self {
        Self {
            named_in_answer: true,
            ..Self::default()
        }
    }

    /// Accepted; no row ever appears and nothing lands.
    #[must_use]
    pub fn silently_lost() -> Self {
        Self {
            appears: Pace::Never,
            stages: Vec::new(),
            ending: Ending::Never,
            ..Self::default()
        }
    }

    /// No row ever appears, but the tag lands after some reads of the target.
    #[must_use]
    pub fn landing_without_row(reads: u32) -> Self {
        let stages = vec![Stage {
            status: "running".to_owned(),
            lasts: Pace::Polls(reads),
        }];
        Self {
            appears: Pace::Never,
            stages,
            ..Self::default()
        }
    }

    /// The row says `success`, but nothing lands.
    #[must_use]
    pub fn success_without_landing() -> Self {
        Self {
            lands: false,
            ..Self::default()
        }
    }
}
