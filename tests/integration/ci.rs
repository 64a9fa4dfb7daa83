//! Everything that the program writes in each CI system, in the same three runs: all synced, some failed, inputs refused.
//! The environment is what the system sets, with inputs spelled as its users spell them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use standin::{Standin, Sync, SyncRule, World};

use crate::common::{Finished, Run};

/// One CI system as the program meets it.
struct System {
    name: &'static str,
    /// What it sets. `{folder}` stands for the folder of the run.
    variables: &'static [(&'static str, &'static str)],
    /// Files that are there before.
    files: &'static [&'static str],
    spelling: Spelling,
    /// Report files that its example asks for.
    reports: &'static [(&'static str, &'static str)],
}

/// How inputs are spelled.
#[derive(Clone, Copy)]
enum Spelling {
    /// `INPUT_ACCESS-KEY`.
    Hyphens,
    /// `INPUT_ACCESS_KEY`.
    Underscores,
    /// `PLUGIN_ACCESS_KEY`.
    Plugin,
}

const GITHUB_FILES: [(&str, &str); 3] = [
    ("GITHUB_OUTPUT", "{folder}/output"),
    ("GITHUB_STEP_SUMMARY", "{folder}/summary.md"),
    ("GITHUB_ACTION", "sync"),
];

const SYSTEMS: [System; 15] = [
    System {
        name: "forgejo",
        variables: &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITEA_ACTIONS", "true"),
            ("FORGEJO_ACTIONS", "true"),
            GITHUB_FILES[0],
            GITHUB_FILES[1],
            GITHUB_FILES[2],
        ],
        files: &["output", "summary.md"],
        spelling: Spelling::Hyphens,
        reports: &[],
    },
    System {
        name: "gitea",
        variables: &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITEA_ACTIONS", "true"),
            GITHUB_FILES[0],
            GITHUB_FILES[1],
            GITHUB_FILES[2],
        ],
        files: &["output", "summary.md"],
        spelling: Spelling::Hyphens,
        reports: &[],
    },
    System {
        name: "github",
        variables: &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            GITHUB_FILES[0],
            GITHUB_FILES[1],
            GITHUB_FILES[2],
        ],
        files: &["output", "summary.md"],
        spelling: Spelling::Hyphens,
        reports: &[],
    },
    System {
        name: "gitlab",
        variables: &[("CI", "true"), ("GITLAB_CI", "true")],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[("report-junit", "junit.xml"), ("report-dotenv", "sync.env")],
    },
    System {
        name: "azure",
        variables: &[("TF_BUILD", "True"), ("AGENT_TEMPDIRECTORY", "{folder}")],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[("report-junit", "junit.xml")],
    },
    System {
        name: "bitbucket",
        variables: &[
            ("CI", "true"),
            ("BITBUCKET_BUILD_NUMBER", "7"),
            ("BITBUCKET_PIPELINES_VARIABLES_PATH", "{folder}/variables"),
            ("BITBUCKET_PIPE_STORAGE_DIR", "{folder}/pipe"),
        ],
        files: &["variables"],
        spelling: Spelling::Underscores,
        reports: &[],
    },
    System {
        name: "codearts",
        variables: &[
            ("STEP_ID", "step-1"),
            ("PIPELINE_RUN_ID", "run-1"),
            ("RESULT_MSG_PATH", "{folder}"),
        ],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[],
    },
    System {
        name: "harness",
        variables: &[
            ("CI", "true"),
            ("DRONE", "true"),
            ("HARNESS_BUILD_ID", "7"),
            ("HARNESS_ACCOUNT_ID", "account"),
            ("HARNESS_EXECUTION_ID", "execution"),
            ("DRONE_OUTPUT", "{folder}/output.env"),
            ("CI_ENABLE_HARNESS_ANNOTATIONS", "true"),
            ("HARNESS_ANNOTATIONS_FILE", "{folder}/annotations.json"),
        ],
        files: &[],
        spelling: Spelling::Plugin,
        reports: &[],
    },
    System {
        name: "woodpecker",
        variables: &[("CI", "woodpecker")],
        files: &[],
        spelling: Spelling::Plugin,
        reports: &[("results-dir", "results")],
    },
    System {
        name: "drone",
        variables: &[
            ("CI", "true"),
            ("DRONE", "true"),
            ("DRONE_OUTPUT", "{folder}/output.env"),
        ],
        files: &[],
        spelling: Spelling::Plugin,
        reports: &[],
    },
    System {
        name: "buildkite",
        variables: &[("CI", "true"), ("BUILDKITE", "true")],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[("report-markdown", "annotation.md")],
    },
    System {
        name: "teamcity",
        variables: &[("TEAMCITY_VERSION", "2024.03")],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[],
    },
    System {
        name: "circleci",
        variables: &[
            ("CI", "true"),
            ("CIRCLECI", "true"),
            ("BASH_ENV", "{folder}/bash_env"),
        ],
        files: &["bash_env"],
        spelling: Spelling::Underscores,
        reports: &[("report-junit", "junit.xml")],
    },
    System {
        name: "jenkins",
        variables: &[("JENKINS_URL", "https://ci.example/"), ("BUILD_ID", "7")],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[("report-junit", "junit.xml"), ("results-dir", "results")],
    },
    System {
        name: "plain",
        variables: &[],
        files: &[],
        spelling: Spelling::Underscores,
        reports: &[
            ("report-json", "report.json"),
            ("report-markdown", "summary.md"),
            ("results-dir", "results"),
        ],
    },
];

/// A tag that fails, a tag that does not, and a repository that is not there.
const PARTIAL: [(&str, &str); 3] = [
    (
        "images",
        "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0\nswr.cn-north-4.myhuaweicloud.com/team/app:latest\nswr.cn-north-4.myhuaweicloud.com/team/absent:1",
    ),
    ("targets", "cn-east-3"),
    ("retries", "0"),
];

const SUCCESS: [(&str, &str); 3] = [
    (
        "images",
        "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0\nswr.cn-north-4.myhuaweicloud.com/team/backend/api:v1",
    ),
    ("targets", "cn-east-3\nap-southeast-3"),
    ("retries", "0"),
];

const REFUSED: [(&str, &str); 3] = [
    ("images", "docker.io/library/busybox@sha256:0123"),
    ("overide", "true"),
    ("retries", "eleven"),
];

impl System {
    fn run(&self, standin: &Standin, inputs: &[(&str, &str)]) -> Finished {
        let keys = [
            ("endpoint", standin.endpoint()),
            ("access-key", standin::DEMO_ACCESS_KEY.to_owned()),
            ("secret-key", standin::DEMO_SECRET_KEY.to_owned()),
            ("concurrency", "1".to_owned()),
        ];
        let mut run = Run::plain();
        let folder = run
            .path("")
            .to_str()
            .expect("UTF-8")
            .trim_end_matches('/')
            .to_owned();
        for file in self.files {
            fs::write(run.path(file), "").expect("a file of the system");
        }
        for (name, value) in self.variables {
            run = run.set(name, &value.replace("{folder}", &folder));
        }
        let inputs = inputs.iter().chain(self.reports);
        let inputs = inputs.map(|(name, value)| (*name, (*value).to_owned()));
        for (name, value) in keys.into_iter().chain(inputs) {
            let upper = name.to_ascii_uppercase();
            let variable = match self.spelling {
                Spelling::Hyphens => format!("INPUT_{upper}"),
                Spelling::Underscores => format!("INPUT_{}", upper.replace('-', "_")),
                Spelling::Plugin => format!("PLUGIN_{}", upper.replace('-', "_")),
            };
            run = run.set(&variable, &value);
        }
        run.run()
    }
}

/// Code, log and files as one text, with what differs between runs replaced.
fn shown(finished: &Finished, standin: &Standin) -> String {
    assert_eq!(finished.stderr, "");
    let mut text = format!("exit code {:?}\n{}", finished.code, finished.stdout);
    for (path, content) in finished.written() {
        write!(text, "\n===== {} =====\n{content}", path.display()).expect("a text takes any text");
    }
    let address = standin.endpoint().replace("/swr/{region}", "");
    text.replace(&address, "http://STAND-IN")
        .replace(finished.folder().to_str().expect("UTF-8"), "FOLDER")
        .replace('\u{1b}', "␛")
        .replace('\r', "␍")
}

fn snapshot(system: &System, run: &str, finished: &Finished, standin: &Standin) {
    let filters = [
        (r"\b[0-9a-f]{32}\b", "HEX"),
        (r"ghadelimiter_[0-9a-f]{32}", "DELIMITER"),
        (r"swr-image-sync-[0-9a-f]{32}", "swr-image-sync-HEX"),
        (
            r"(section_(?:start|end)):\d+:swr_image_sync_[0-9a-f]{8}",
            "$1:TIME:swr_image_sync_HEX",
        ),
        (r"\(\d+m?s([,)])", "(TIME$1"),
        (r#""durationMs\\*":\s?\d+"#, r#""durationMs":TIME"#),
        (r"(\|) [\d.]+ m?s (\|)", "$1 TIME $2"),
        (r"u007c [\d.]+ m?s \\u007c", r"u007c TIME \u007c"),
        (r#"time="[\d.]+""#, r#"time="TIME""#),
    ];
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true, filters => filters}, {
        insta::assert_snapshot!(format!("ci__{}__{run}", system.name), shown(finished, standin));
    });
}

#[test]
fn a_run_that_syncs_everything() {
    let standin = Standin::start(World::demo());
    for system in &SYSTEMS {
        let finished = system.run(&standin, &SUCCESS);
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        snapshot(system, "success", &finished, &standin);
    }
}

#[test]
fn a_run_in_which_tags_fail() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("latest", Sync::named_and_failing()));
    for system in &SYSTEMS {
        let finished = system.run(&standin, &PARTIAL);
        assert_eq!(finished.code, Some(1), "{}", finished.stdout);
        snapshot(system, "partial", &finished, &standin);
    }
}

#[test]
fn a_run_whose_inputs_are_refused() {
    let standin = Standin::start(World::demo());
    for system in &SYSTEMS {
        let finished = system.run(&standin, &REFUSED);
        assert_eq!(finished.code, Some(2), "{}", finished.stdout);
        snapshot(system, "refused", &finished, &standin);
    }
    assert_eq!(standin.requests().len(), 0);
}

/// The same run in every system, and the input `ci` in place of what the system sets.
#[test]
fn the_input_decides_which_system_is_spoken_to() {
    let standin = Standin::start(World::demo());
    for system in &SYSTEMS {
        let finished = Run::plain()
            .set("GITHUB_ACTIONS", "true")
            .input("ci", system.name)
            .input("log-level", "debug")
            .against(&standin)
            .run();
        assert_eq!(finished.code, Some(2));
        let speaks_github = finished.stdout.contains("::error title=");
        assert_eq!(
            speaks_github,
            system.name == "github",
            "{}",
            finished.stdout
        );
    }
}

/// Reports of real runs, for docs/check-reports: a folder of files that outlives the test.
#[test]
fn reports_are_left_for_those_who_check_their_form() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("latest", Sync::named_and_failing()));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports");
    fs::create_dir_all(&folder).expect("a folder for reports");
    let [images, targets, retries] = PARTIAL;
    let wrong_key = ("secret-key", "not-the-key");
    let runs: [(&str, Vec<(&str, &str)>); 6] = [
        ("success", SUCCESS.to_vec()),
        ("partial", PARTIAL.to_vec()),
        ("refused", REFUSED.to_vec()),
        ("dry-run", vec![images, targets, ("dry-run", "true")]),
        (
            "stopped",
            vec![
                images,
                ("targets", "cn-east-3, nowhere-1"),
                ("preflight", "true"),
            ],
        ),
        ("not-allowed", vec![images, targets, retries, wrong_key]),
    ];
    for (name, inputs) in runs {
        let path = folder.join(format!("{name}.json"));
        let mut run = Run::plain()
            .against(&standin)
            .input("report-json", path.to_str().expect("UTF-8"))
            .input(
                "report-junit",
                path.with_extension("xml").to_str().expect("UTF-8"),
            );
        for (input, value) in inputs {
            run = run.input(input, value);
        }
        run.run();
        let text = fs::read_to_string(&path).expect("a report");
        let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(report["version"], 1);
    }
}
