//! Outcomes and environments that the tests of reports share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ci::Ci;
use crate::config::{Override, Presentation, Registry, ReportPaths};
use crate::emit::Emission;
use crate::event::Level;
use crate::inputs::{Environment, InputProblem};
use crate::names::Target;
use crate::outcome::{
    CallRecord, Ending, Exit, Failure, Outcome, PairOutcome, Source, State, TagOutcome,
};
use crate::plan::{Call, Images, Pair, Plan};
use crate::report::Reporter;

/// What stands for chance.
pub(super) const RANDOM: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// A tag that was synced.
pub(super) fn synced(state: State) -> TagOutcome {
    TagOutcome {
        state,
        failure: None,
    }
}

/// A tag that was not.
pub(super) fn lost(state: State, failure: &Arc<Failure>) -> TagOutcome {
    TagOutcome {
        state,
        failure: Some(Arc::clone(failure)),
    }
}

/// A pair of the organization `team`, with one call.
pub(super) fn pair(
    repository: &str,
    target: &str,
    tags: &[(&str, TagOutcome)],
    call: CallRecord,
) -> PairOutcome {
    let (region, namespace) = target.split_once('/').expect("a region and a namespace");
    PairOutcome {
        pair: Pair {
            images: Images {
                namespace: "team".parse().unwrap(),
                repository: repository.parse().unwrap(),
                tags: tags.iter().map(|(tag, _)| tag.parse().unwrap()).collect(),
            },
            target: Target {
                region: region.parse().unwrap(),
                namespace: namespace.parse().unwrap(),
            },
        },
        tags: tags.iter().map(|(_, fate)| fate.clone()).collect(),
        calls: vec![call],
    }
}

/// A call that was answered.
pub(super) fn call(tags: usize, status: u16, attempts: u32, milliseconds: u64) -> CallRecord {
    CallRecord {
        tags: 0..tags,
        http_status: Some(status),
        error_code: None,
        message: None,
        request_id: Some("a1b2c3d4".to_owned()),
        attempts,
        duration: Duration::from_millis(milliseconds),
    }
}

fn outcome(ending: Ending, pairs: Vec<PairOutcome>) -> Outcome {
    Outcome {
        ending,
        source: Some(Source {
            region: "cn-north-4".parse().unwrap(),
            registry: Registry::HUAWEI_CLOUD,
        }),
        pairs,
    }
}

/// Two repositories, two targets, nothing failed.
pub(super) fn success() -> Outcome {
    let accepted = || synced(State::Accepted);
    let pairs = ["app", "backend/api"]
        .iter()
        .flat_map(|repository| {
            ["cn-east-3/team", "ap-southeast-3/mirror"].map(|target| {
                let tags = [("1.0.0", accepted()), ("latest", accepted())];
                pair(repository, target, &tags, call(2, 200, 1, 420))
            })
        })
        .collect();
    outcome(Ending::Finished, pairs)
}

/// One tag that failed in one target, one call that was refused, the others synced.
pub(super) fn partial() -> Outcome {
    let named = Arc::new(Failure {
        exit: Exit::TagsFailed,
        http_status: Some(200),
        code: None,
        message: "SWR names this tag as failed".to_owned(),
        request_id: Some("a1b2c3d4".to_owned()),
        remedy: Some(
            "Sync it once more, or set `wait: true` to learn what became of it.".to_owned(),
        ),
    });
    let absent = Arc::new(Failure {
        exit: Exit::NotFound,
        http_status: Some(404),
        code: Some("SVCSTG.SWR.4040058".to_owned()),
        message: "The namespace <mirror> is not found, 100% sure.".to_owned(),
        request_id: Some("e5f6a7b8".to_owned()),
        remedy: Some("Create the organization `mirror` in ap-southeast-3.".to_owned()),
    });
    let refused = CallRecord {
        error_code: absent.code.clone(),
        message: Some(absent.message.clone()),
        request_id: absent.request_id.clone(),
        ..call(2, 404, 2, 61_500)
    };
    outcome(
        Ending::Finished,
        vec![
            pair(
                "app",
                "cn-east-3/team",
                &[
                    ("1.0.0", synced(State::Accepted)),
                    ("latest", lost(State::Failed, &named)),
                ],
                call(2, 200, 4, 3_250),
            ),
            pair(
                "app",
                "ap-southeast-3/mirror",
                &[
                    ("1.0.0", lost(State::Failed, &absent)),
                    ("latest", lost(State::Failed, &absent)),
                ],
                refused,
            ),
            pair(
                "backend/api",
                "cn-east-3/team",
                &[("v1", synced(State::Accepted))],
                call(1, 200, 1, 95),
            ),
        ],
    )
}

/// Inputs that cannot be used.
pub(super) fn refused() -> Outcome {
    let problem = |input, origin: Option<&str>, message: &str| InputProblem {
        input,
        origin: origin.map(str::to_owned),
        message: message.to_owned(),
    };
    Outcome::without_plan(Ending::Refused(vec![
        problem(
            "targets",
            None,
            "it is missing; say where to sync to, as `<region>[/<namespace>]`",
        ),
        problem(
            "override",
            Some("INPUT_OVERRIDE"),
            "`yes` is not one of true, True, TRUE, false, False, FALSE",
        ),
    ]))
}

/// What a dry run shows.
pub(super) fn dry_run() -> Outcome {
    let pairs: Vec<Pair> = success().pairs.into_iter().map(|pair| pair.pair).collect();
    let calls = (0..pairs.len())
        .map(|pair| Call { pair, tags: 0..2 })
        .collect();
    outcome(
        Ending::DryRun(Plan {
            address: "https://swr-api.cn-north-4.myhuaweicloud.com".to_owned(),
            override_existing: Override::Keep,
            pairs,
            calls,
        }),
        Vec::new(),
    )
}

/// A run that ended before its first sync.
pub(super) fn stopped() -> Outcome {
    let failure = Failure::new(
        Exit::NotAllowed,
        "no credentials were found, neither among the inputs nor in the environment",
        Some("give `access-key` and `secret-key`"),
    );
    let shared = Arc::new(failure.clone());
    let pairs = success().pairs.into_iter().take(1);
    outcome(
        Ending::Stopped(vec![failure]),
        pairs
            .map(|pair| PairOutcome::skipped(pair.pair, Arc::clone(&shared)))
            .collect(),
    )
}

/// What a CI system sets beside its sign; files lie in the folder `/ci`.
pub(super) fn environment(ci: Ci) -> Environment {
    let variables: &[(&str, &str)] = match ci {
        Ci::GitHub | Ci::Gitea | Ci::Forgejo => &[
            ("GITHUB_OUTPUT", "/ci/output"),
            ("GITHUB_STEP_SUMMARY", "/ci/summary.md"),
            ("GITHUB_ACTION", "sync"),
        ],
        Ci::Azure => &[("AGENT_TEMPDIRECTORY", "/ci")],
        Ci::Bitbucket => &[
            ("BITBUCKET_PIPELINES_VARIABLES_PATH", "/ci/variables"),
            ("BITBUCKET_PIPE_STORAGE_DIR", "/ci/pipe"),
        ],
        Ci::CodeArts => &[("RESULT_MSG_PATH", "/ci"), ("STEP_ID", "step")],
        Ci::Harness => &[
            ("DRONE_OUTPUT", "/ci/output.env"),
            ("CI_ENABLE_HARNESS_ANNOTATIONS", "true"),
            ("HARNESS_ANNOTATIONS_FILE", "/ci/annotations.json"),
            ("HARNESS_ACCOUNT_ID", "account"),
            ("HARNESS_EXECUTION_ID", "execution"),
        ],
        Ci::Drone => &[("DRONE_OUTPUT", "/ci/output.env")],
        Ci::CircleCi => &[("BASH_ENV", "/ci/bash_env")],
        Ci::GitLab | Ci::Woodpecker | Ci::Buildkite | Ci::TeamCity | Ci::Jenkins | Ci::Plain => &[],
    };
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A reporter that writes every report.
pub(super) fn reporter(ci: Ci) -> Reporter {
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
    Reporter::new(presentation, &environment(ci), RANDOM)
}

/// Everything a reporter says at the end of a run.
pub(super) fn everything(reporter: &Reporter, outcome: &Outcome) -> Emission {
    let exit = outcome.exit();
    let mut emission = reporter.outputs(outcome, exit);
    emission.extend(reporter.summary(outcome, exit));
    emission.extend(reporter.conclusion(outcome, exit, &[]));
    emission
}
