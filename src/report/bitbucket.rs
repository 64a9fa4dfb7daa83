//! Bitbucket Pipelines: a file of variables for later steps, and one for later pipes.

use std::path::PathBuf;

use crate::emit::{Emission, Mode, Purpose};
use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::dotenv;
use crate::report::outputs::{ENVIRONMENT_VALUE_LIMIT, Outputs};

/// Bitbucket Pipelines.
#[derive(Debug)]
pub struct Bitbucket {
    variables: Option<PathBuf>,
    pipe_storage: Option<PathBuf>,
}

impl Bitbucket {
    /// Reads where variables and the files of a pipe go.
    pub fn new(environment: &Environment) -> Self {
        let path = |name| {
            environment
                .get(name)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        Self {
            variables: path("BITBUCKET_PIPELINES_VARIABLES_PATH"),
            pipe_storage: path("BITBUCKET_PIPE_STORAGE_DIR"),
        }
    }
}

impl Dialect for Bitbucket {
    fn outputs(&self, outputs: &Outputs) -> Emission {
        let text = dotenv::lines(outputs);
        let file = self
            .pipe_storage
            .as_ref()
            .map(|folder| folder.join("swr-image-sync.env"));
        let variables = self.variables.as_ref();
        let mut emission = Emission::file(variables, Mode::Append, Purpose::Results, text.clone());
        emission.extend(Emission::file(
            file.as_ref(),
            Mode::Replace,
            Purpose::Results,
            text,
        ));
        emission
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        outputs.longest() <= ENVIRONMENT_VALUE_LIMIT
    }
}
