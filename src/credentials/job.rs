//! What the environment tells about the job: a name for its sessions, and why it may have been given no secrets.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::ci::Ci;
use crate::credentials::environment::value;
use crate::inputs::Environment;
use crate::outcome::{Exit, Failure};

/// The most that is read of the file with the event.
const EVENT_LIMIT: u64 = 4 * 1024 * 1024;

/// The job, as far as it explains missing credentials.
#[derive(Clone, Debug)]
pub struct Job {
    /// The CI system.
    pub ci: Ci,
    /// The file with the event, where a pull request started the job.
    pub pull_request: Option<PathBuf>,
}

/// Where CI systems have the repository and the run, most specific first.
const NAMES: [(&str, &str); 9] = [
    ("GITHUB_REPOSITORY", "GITHUB_RUN_ID"),
    ("CI_PROJECT_PATH", "CI_JOB_ID"),
    ("CI_REPO", "CI_PIPELINE_NUMBER"),
    ("DRONE_REPO", "DRONE_BUILD_NUMBER"),
    ("BITBUCKET_REPO_FULL_NAME", "BITBUCKET_BUILD_NUMBER"),
    ("BUILD_REPOSITORY_NAME", "BUILD_BUILDID"),
    ("BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_NUMBER"),
    ("CIRCLE_PROJECT_REPONAME", "CIRCLE_BUILD_NUM"),
    ("JOB_NAME", "BUILD_NUMBER"),
];

/// The most characters that STS takes for the name of a session; it takes no fewer than 2.
const SESSION_NAME_LIMIT: usize = 128;

impl Job {
    /// The job that the environment tells of.
    pub fn of(environment: &Environment) -> Self {
        let pull_request = value(environment, "GITHUB_EVENT_NAME")
            .filter(|event| event.starts_with("pull_request"))
            .and(value(environment, "GITHUB_EVENT_PATH"))
            .map(PathBuf::from);
        Self {
            ci: Ci::detect(environment),
            pull_request,
        }
    }

    /// A name for the sessions of this job, from repository and run.
    pub fn session_name(environment: &Environment) -> String {
        let found = NAMES.iter().find_map(|(repository, run)| {
            Some((value(environment, repository)?, value(environment, run)?))
        });
        match found {
            Some((repository, run)) => {
                let run = session_name_from(&format!("-{run}"));
                let length = SESSION_NAME_LIMIT.saturating_sub(run.len());
                let repository: String =
                    session_name_from(repository).chars().take(length).collect();
                session_name_from(&format!("{repository}{run}"))
            }
            None => "swr-image-sync".to_owned(),
        }
    }

    /// Whether a pull request from another repository started the job; such jobs get no secrets and no id token.
    pub fn is_from_fork(&self) -> bool {
        self.pull_request
            .as_deref()
            .and_then(read_event)
            .is_some_and(|event| event.is_from_fork())
    }
}

/// A text in the alphabet of session names, `A-Z a-z 0-9 _ + = , . @ -`, and of their length.
pub(super) fn session_name_from(text: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    let mut name: String = text
        .chars()
        .map(|character| if fits(character) { character } else { '-' })
        .take(SESSION_NAME_LIMIT)
        .collect();
    while name.len() < 2 {
        name.push('-');
    }
    name
}

#[derive(Deserialize)]
struct Event {
    pull_request: PullRequest,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    /// None where the fork was deleted.
    repo: Option<EventRepository>,
}

#[derive(Deserialize)]
struct EventRepository {
    full_name: String,
}

impl Event {
    fn is_from_fork(&self) -> bool {
        let name = |side: &Side| side.repo.as_ref().map(|repo| repo.full_name.clone());
        name(&self.pull_request.head) != name(&self.pull_request.base)
    }
}

/// The event, or nothing where it cannot be read: it only helps to explain.
fn read_event(path: &Path) -> Option<Event> {
    let mut text = Vec::new();
    File::open(path)
        .ok()?
        .take(EVENT_LIMIT)
        .read_to_end(&mut text)
        .ok()?;
    serde_json::from_slice(&text).ok()
}

/// That there are no credentials at all, and where to put them.
pub fn none_found(environment: &Environment) -> Failure {
    let job = Job::of(environment);
    if job.is_from_fork() {
        return Failure::new(
            Exit::NotAllowed,
            "there are no credentials: a pull request from a fork started this job, and such jobs get no secrets",
            Some(
                "sync when the change has been merged (`on: push`), or leave this step out with `if: github.event.pull_request.head.repo.full_name == github.repository`",
            ),
        );
    }
    Failure::new(
        Exit::NotAllowed,
        "there are no credentials, neither in the inputs nor in the environment",
        Some(
            "give `access-key` and `secret-key`, or, without stored keys, `oidc-provider-urn` and `oidc-agency-urn`; \
            if they are given, is the secret they come from empty or not shared with this repository, branch or job?",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::tests::environment;

    #[test]
    fn a_session_is_named_by_repository_and_run() {
        let github = environment(&[("GITHUB_REPOSITORY", "org/app"), ("GITHUB_RUN_ID", "42")]);
        assert_eq!(Job::session_name(&github), "org-app-42");
        let gitlab = environment(&[("CI_PROJECT_PATH", "a/b/ç"), ("CI_JOB_ID", "7")]);
        assert_eq!(Job::session_name(&gitlab), "a-b---7");
        assert_eq!(Job::session_name(&environment(&[])), "swr-image-sync");
    }

    #[test]
    fn a_long_repository_is_cut_and_the_run_is_kept() {
        let long = "r".repeat(300);
        let name = Job::session_name(&environment(&[
            ("GITHUB_REPOSITORY", &long),
            ("GITHUB_RUN_ID", "42"),
        ]));
        assert_eq!(name.len(), 128);
        assert!(name.ends_with("r-42"), "{name}");
    }

    #[test]
    fn a_session_name_is_never_too_short() {
        assert_eq!(session_name_from("a"), "a-");
        assert_eq!(session_name_from(""), "--");
    }

    #[test]
    fn a_pull_request_from_another_repository_is_a_fork() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        let started_by = |event: &str, text: &str| {
            std::fs::write(&path, text).unwrap();
            Job::of(&environment(&[
                ("GITHUB_EVENT_NAME", event),
                ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
            ]))
            .is_from_fork()
        };
        let from = |head: &str| {
            format!(
                r#"{{"pull_request":{{"head":{{"repo":{head}}},"base":{{"repo":{{"full_name":"org/app"}}}}}}}}"#
            )
        };
        assert!(started_by(
            "pull_request",
            &from(r#"{"full_name":"someone/app"}"#)
        ));
        assert!(started_by("pull_request", &from("null")));
        assert!(!started_by(
            "pull_request",
            &from(r#"{"full_name":"org/app"}"#)
        ));
        assert!(!started_by("push", &from(r#"{"full_name":"someone/app"}"#)));
        assert!(!started_by("pull_request", "not JSON"));
    }

    #[test]
    fn that_there_are_no_credentials_is_told_with_where_to_put_them() {
        let failure = none_found(&environment(&[]));
        assert_eq!(failure.exit, Exit::NotAllowed);
        assert!(failure.remedy.unwrap().contains("oidc-provider-urn"));
    }
}
