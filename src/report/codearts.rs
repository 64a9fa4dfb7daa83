//! CodeArts Pipeline: flat JSON files beside the step, see "Developing Extensions Using Low Code" (`pipeline_01_0047`).

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::emit::{Emission, Mode, Purpose};
use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::outputs::{Outputs, json};

/// CodeArts Pipeline.
#[derive(Debug)]
pub struct CodeArts {
    result: Option<PathBuf>,
    metrics: Option<PathBuf>,
}

impl CodeArts {
    /// Reads where the step's files go.
    pub fn new(environment: &Environment) -> Self {
        let value = |name| environment.get(name).filter(|value| !value.is_empty());
        let file = |end: &str| {
            let (folder, step) = (value("RESULT_MSG_PATH")?, value("STEP_ID")?);
            Some(PathBuf::from(folder).join(format!("{step}_{end}.json")))
        };
        Self {
            result: file("result"),
            metrics: file("metrics"),
        }
    }
}

impl Dialect for CodeArts {
    fn outputs(&self, outputs: &Outputs) -> Emission {
        let number = |value: &str| value.parse::<u64>().ok().map(Value::from);
        let mut result = Map::new();
        let mut metrics = Map::new();
        for output in outputs.iter() {
            let number = number(&output.value);
            let value = number
                .clone()
                .unwrap_or_else(|| Value::from(&*output.value));
            result.insert(output.variable(), value);
            metrics.extend(number.map(|number| (output.variable(), number)));
        }
        let file = |path: &Option<PathBuf>, content: &Map<String, Value>| {
            Emission::file(
                path.as_ref(),
                Mode::Replace,
                Purpose::Results,
                json(content),
            )
        };
        let mut emission = file(&self.result, &result);
        emission.extend(file(&self.metrics, &metrics));
        emission
    }
}
