//! Which CI system this is. A new one is a variant, a row of `SYSTEMS` and a file under `report/`.

use crate::inputs::Environment;
use crate::report::azure::Azure;
use crate::report::bitbucket::Bitbucket;
use crate::report::buildkite::Buildkite;
use crate::report::circleci::CircleCi;
use crate::report::codearts::CodeArts;
use crate::report::dialect::{Dialect, Plain};
use crate::report::drone::Drone;
use crate::report::gitea::Gitea;
use crate::report::github::GitHub;
use crate::report::gitlab::GitLab;
use crate::report::harness::Harness;
use crate::report::teamcity::TeamCity;

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ci {
    /// Forgejo Actions.
    Forgejo,
    /// Gitea Actions.
    Gitea,
    /// GitHub Actions.
    GitHub,
    /// GitLab CI/CD.
    GitLab,
    /// Azure Pipelines.
    Azure,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// CodeArts Pipeline of Huawei Cloud.
    CodeArts,
    /// Harness CI.
    Harness,
    /// Woodpecker CI.
    Woodpecker,
    /// Drone.
    Drone,
    /// Buildkite.
    Buildkite,
    /// TeamCity.
    TeamCity,
    /// CircleCI.
    CircleCi,
    /// Jenkins.
    Jenkins,
    /// Any other, and none.
    Plain,
}

/// What is known of one system.
struct System {
    ci: Ci,
    /// As the input `ci` takes it.
    name: &'static str,
    /// The variables it is recognised by.
    sign: &'static [Sign],
    /// Makes its dialect; the number makes names and delimiters that nobody can foresee.
    dialect: fn(&Environment, u128) -> Box<dyn Dialect>,
}

/// Something about a variable.
enum Sign {
    /// It has this value, whatever the case.
    Is(&'static str, &'static str),
    /// It has a value.
    Set(&'static str),
    /// One of them has a value.
    AnySet(&'static [&'static str]),
}

use Sign::{AnySet, Is, Set};

/// All systems, in the order they are recognised: Forgejo and Gitea set `GITHUB_ACTIONS` too, Harness sets `DRONE`.
const SYSTEMS: [System; 15] = [
    System {
        ci: Ci::Forgejo,
        name: "forgejo",
        sign: &[Is("FORGEJO_ACTIONS", "true")],
        dialect: |environment, random| Box::new(Gitea::new(environment, random)),
    },
    System {
        ci: Ci::Gitea,
        name: "gitea",
        sign: &[Is("GITEA_ACTIONS", "true")],
        dialect: |environment, random| Box::new(Gitea::new(environment, random)),
    },
    System {
        ci: Ci::GitHub,
        name: "github",
        sign: &[Is("GITHUB_ACTIONS", "true")],
        dialect: |environment, random| Box::new(GitHub::new(environment, random)),
    },
    System {
        ci: Ci::GitLab,
        name: "gitlab",
        sign: &[Is("GITLAB_CI", "true")],
        dialect: |_, random| Box::new(GitLab::new(random)),
    },
    System {
        ci: Ci::Azure,
        name: "azure",
        sign: &[Is("TF_BUILD", "true")],
        dialect: |environment, random| Box::new(Azure::new(environment, random)),
    },
    System {
        ci: Ci::Bitbucket,
        name: "bitbucket",
        sign: &[AnySet(&[
            "BITBUCKET_BUILD_NUMBER",
            "BITBUCKET_PIPELINE_UUID",
        ])],
        dialect: |environment, _| Box::new(Bitbucket::new(environment)),
    },
    System {
        ci: Ci::CodeArts,
        name: "codearts",
        sign: &[
            Set("STEP_ID"),
            Set("PIPELINE_RUN_ID"),
            Set("RESULT_MSG_PATH"),
        ],
        dialect: |environment, _| Box::new(CodeArts::new(environment)),
    },
    System {
        ci: Ci::Harness,
        name: "harness",
        sign: &[Set("HARNESS_BUILD_ID")],
        dialect: |environment, _| Box::new(Harness::new(environment)),
    },
    System {
        ci: Ci::Woodpecker,
        name: "woodpecker",
        sign: &[Is("CI", "woodpecker")],
        dialect: |_, _| Box::new(Plain),
    },
    System {
        ci: Ci::Drone,
        name: "drone",
        sign: &[Is("DRONE", "true")],
        dialect: |environment, _| Box::new(Drone::new(environment)),
    },
    System {
        ci: Ci::Buildkite,
        name: "buildkite",
        sign: &[Is("BUILDKITE", "true")],
        dialect: |_, _| Box::new(Buildkite),
    },
    System {
        ci: Ci::TeamCity,
        name: "teamcity",
        sign: &[Set("TEAMCITY_VERSION")],
        dialect: |_, _| Box::new(TeamCity),
    },
    System {
        ci: Ci::CircleCi,
        name: "circleci",
        sign: &[Is("CIRCLECI", "true")],
        dialect: |environment, _| Box::new(CircleCi::new(environment)),
    },
    System {
        ci: Ci::Jenkins,
        name: "jenkins",
        sign: &[Set("JENKINS_URL"), Set("BUILD_ID")],
        dialect: |_, _| Box::new(Plain),
    },
    System {
        ci: Ci::Plain,
        name: "plain",
        sign: &[],
        dialect: |_, _| Box::new(Plain),
    },
];

impl Sign {
    fn is_in(&self, environment: &Environment) -> bool {
        let value = |variable: &str| environment.get(variable).map_or("", String::as_str);
        match self {
            Is(variable, expected) => value(variable).eq_ignore_ascii_case(expected),
            Set(variable) => !value(variable).is_empty(),
            AnySet(variables) => variables.iter().any(|variable| !value(variable).is_empty()),
        }
    }
}

impl Ci {
    /// All, in the order they are recognised.
    pub fn all() -> impl Iterator<Item = Self> {
        SYSTEMS.iter().map(|system| system.ci)
    }

    fn system(self) -> &'static System {
        SYSTEMS
            .iter()
            .find(|system| system.ci == self)
            .expect("every system has a row")
    }

    /// Its name, as the input `ci` takes it.
    pub fn name(self) -> &'static str {
        self.system().name
    }

    /// The system of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|ci| ci.name() == name)
    }

    /// The system that the environment tells of.
    pub fn detect(environment: &Environment) -> Self {
        SYSTEMS
            .iter()
            .find(|system| system.sign.iter().all(|sign| sign.is_in(environment)))
            .map_or(Self::Plain, |system| system.ci)
    }

    /// Its dialect. `random` makes names and delimiters that nobody can foresee.
    pub fn dialect(self, environment: &Environment, random: u128) -> Box<dyn Dialect> {
        (self.system().dialect)(environment, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &str)]) -> &'static str {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Ci::detect(&environment).name()
    }

    #[test]
    fn each_system_is_recognised_by_what_it_sets() {
        let github = ("GITHUB_ACTIONS", "true");
        let gitea = ("GITEA_ACTIONS", "true");
        for (variables, expected) in [
            (&[github, gitea, ("FORGEJO_ACTIONS", "true")][..], "forgejo"),
            (&[github, gitea], "gitea"),
            (&[github, ("CI", "true")], "github"),
            (&[("GITLAB_CI", "true"), ("CI", "true")], "gitlab"),
            (&[("TF_BUILD", "True")], "azure"),
            (&[("BITBUCKET_BUILD_NUMBER", "7")], "bitbucket"),
            (&[("BITBUCKET_PIPELINE_UUID", "{a}")], "bitbucket"),
            (
                &[
                    ("STEP_ID", "a"),
                    ("PIPELINE_RUN_ID", "b"),
                    ("RESULT_MSG_PATH", "/r"),
                ],
                "codearts",
            ),
            (&[("HARNESS_BUILD_ID", "1"), ("DRONE", "true")], "harness"),
            (&[("CI", "woodpecker")], "woodpecker"),
            (&[("DRONE", "true"), ("CI", "true")], "drone"),
            (&[("BUILDKITE", "true")], "buildkite"),
            (&[("TEAMCITY_VERSION", "2024.03")], "teamcity"),
            (&[("CIRCLECI", "true")], "circleci"),
            (
                &[("JENKINS_URL", "https://ci.example"), ("BUILD_ID", "9")],
                "jenkins",
            ),
            (&[("CI", "true")], "plain"),
            (&[], "plain"),
        ] {
            assert_eq!(detect(variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn half_a_sign_is_none() {
        for variables in [
            &[("STEP_ID", "a")][..],
            &[
                ("STEP_ID", "a"),
                ("PIPELINE_RUN_ID", "b"),
                ("RESULT_MSG_PATH", ""),
            ],
            &[("JENKINS_URL", "https://ci.example")],
            &[("GITHUB_ACTIONS", "false")],
            &[("BITBUCKET_BUILD_NUMBER", "")],
        ] {
            assert_eq!(detect(variables), "plain", "{variables:?}");
        }
    }

    #[test]
    fn names_lead_back_to_their_systems() {
        for ci in Ci::all() {
            assert_eq!(Ci::from_name(ci.name()), Some(ci));
        }
        assert_eq!(Ci::from_name("auto"), None);
    }
}
