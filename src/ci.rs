//! Which CI system this is.

use crate::inputs::Environment;

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

impl Ci {
    /// All, in the order they are recognised: Forgejo and Gitea set `GITHUB_ACTIONS` too.
    pub const ALL: [Self; 4] = [Self::Forgejo, Self::Gitea, Self::GitHub, Self::Plain];

    /// Its name, as the input `ci` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forgejo => "forgejo",
            Self::Gitea => "gitea",
            Self::GitHub => "github",
            Self::Plain => "plain",
        }
    }

    /// The system of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ci| ci.name() == name)
    }

    /// The system that the environment tells of.
    pub fn detect(environment: &Environment) -> Self {
        let set = |name: &str| environment.get(name).is_some_and(|value| value == "true");
        let here = |ci: &Self| match ci {
            Self::Forgejo => set("FORGEJO_ACTIONS"),
            Self::Gitea => set("GITEA_ACTIONS"),
            Self::GitHub => set("GITHUB_ACTIONS"),
            Self::Plain => true,
        };
        Self::ALL.into_iter().find(here).unwrap_or(Self::Plain)
    }
}
