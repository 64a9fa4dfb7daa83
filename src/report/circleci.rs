//! CircleCI: variables for later steps of the job, in the file that every step's shell reads first.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::emit::{Emission, Mode, Purpose};
use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::outputs::{ENVIRONMENT_VALUE_LIMIT, Outputs};

/// CircleCI.
#[derive(Debug)]
pub struct CircleCi {
    bash_env: Option<PathBuf>,
}

impl CircleCi {
    /// Reads where variables go.
    pub fn new(environment: &Environment) -> Self {
        Self {
            bash_env: environment
                .get("BASH_ENV")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
        }
    }
}

impl Dialect for CircleCi {
    fn outputs(&self, outputs: &Outputs) -> Emission {
        let mut text = String::new();
        for output in outputs.iter() {
            let value = output.value.replace('\'', r"'\''");
            writeln!(text, "export {}='{value}'", output.variable())
                .expect("a text takes any text");
        }
        Emission::file(self.bash_env.as_ref(), Mode::Append, Purpose::Results, text)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        outputs.longest() <= ENVIRONMENT_VALUE_LIMIT
    }
}
