//! Which CI system this is. A new one is a variant, a row of [`SYSTEMS`] and a file under `report/`.

use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::github::GitHub;
use crate::report::plain::Plain;

/// A CI system with a dialect of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ci {
    /// Forgejo Actions.
    Forgejo,
    /// Gitea Actions.
    Gitea,
    /// GitHub Actions.
    GitHub,
    /// Any other, and none.
    Plain,
}

/// What is known of one system.
struct System {
    ci: Ci,
    name: &'static str,
    is_here: fn(&Environment) -> bool,
    dialect: fn(&Environment, u128) -> Box<dyn Dialect>,
}

/// All systems, in the order they are recognised: Forgejo and Gitea set `GITHUB_ACTIONS` too.
const SYSTEMS: [System; 4] = [
    System {
        ci: Ci::Forgejo,
        name: "forgejo",
        is_here: |environment| is(environment, "FORGEJO_ACTIONS", "true"),
        dialect: |environment, random| Box::new(GitHub::new(environment, random)),
    },
    System {
        ci: Ci::Gitea,
        name: "gitea",
        is_here: |environment| is(environment, "GITEA_ACTIONS", "true"),
        dialect: |environment, random| Box::new(GitHub::new(environment, random)),
    },
    System {
        ci: Ci::GitHub,
        name: "github",
        is_here: |environment| is(environment, "GITHUB_ACTIONS", "true"),
        dialect: |environment, random| Box::new(GitHub::new(environment, random)),
    },
    System {
        ci: Ci::Plain,
        name: "plain",
        is_here: |_| true,
        dialect: |_, _| Box::new(Plain),
    },
];

fn is(environment: &Environment, variable: &str, value: &str) -> bool {
    environment
        .get(variable)
        .is_some_and(|found| found == value)
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
            .expect("every system has a row, see the test")
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
            .find(|system| (system.is_here)(environment))
            .map_or(Self::Plain, |system| system.ci)
    }

    /// Its dialect. `random` makes names and delimiters that nobody can foresee.
    pub fn dialect(self, environment: &Environment, random: u128) -> Box<dyn Dialect> {
        (self.system().dialect)(environment, random)
    }
}
