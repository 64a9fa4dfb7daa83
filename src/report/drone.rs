//! Drone: an output file where its runner has one, and a plain log.

use std::path::PathBuf;

use crate::emit::{Emission, Mode, Purpose};
use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::dotenv;
use crate::report::outputs::{Output, Outputs};

/// The reader of the file stops for good at a line that is longer (`bufio.MaxScanTokenSize` in harness/lite-engine).
const LINE_LIMIT: usize = 64 * 1024 - 1;

/// Drone.
#[derive(Debug)]
pub struct Drone {
    output: Option<PathBuf>,
}

impl Drone {
    /// Reads where outputs go; Harness has the same file under a second name.
    pub fn new(environment: &Environment) -> Self {
        let output = ["DRONE_OUTPUT", "HARNESS_OUTPUT_FILE"]
            .into_iter()
            .find_map(|name| environment.get(name).filter(|path| !path.is_empty()));
        Self {
            output: output.map(PathBuf::from),
        }
    }
}

impl Dialect for Drone {
    fn outputs(&self, outputs: &Outputs) -> Emission {
        let text = dotenv::lines(outputs);
        Emission::file(self.output.as_ref(), Mode::Append, Purpose::Results, text)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        let line = |output: &Output| output.variable().len() + 1 + output.value.len();
        outputs.iter().all(|output| line(output) < LINE_LIMIT)
    }
}
