//! Harness CI: Drone's output file, and an annotation as the summary where that is switched on.

use std::path::PathBuf;

use serde::Serialize;

use crate::emit::{Emission, Mode, Purpose};
use crate::event::Level;
use crate::inputs::Environment;
use crate::report::dialect::Dialect;
use crate::report::drone::Drone;
use crate::report::outputs::{Outputs, json};

/// A longer summary is cut, see `maxAnnotationBytes` in harness/lite-engine `pipeline/runtime/annotations.go`.
const SUMMARY_LIMIT: usize = 64 * 1024;

/// Harness CI.
#[derive(Debug)]
pub struct Harness {
    outputs: Drone,
    annotations: Option<PathBuf>,
    execution: Execution,
}

/// Whose annotation it is; without account and execution Harness drops it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    account_id: String,
    org_id: String,
    project_id: String,
    pipeline_id: String,
    plan_execution_id: String,
}

#[derive(Serialize)]
struct AnnotationsFile<'a> {
    #[serde(flatten)]
    execution: &'a Execution,
    annotations: [HarnessAnnotation; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HarnessAnnotation {
    context_id: &'static str,
    mode: &'static str,
    style: &'static str,
    summary: String,
    priority: u8,
}

impl Harness {
    /// Reads where outputs and annotations go.
    pub fn new(environment: &Environment) -> Self {
        let value = |name| environment.get(name).cloned().unwrap_or_default();
        let is_on = value("CI_ENABLE_HARNESS_ANNOTATIONS") == "true";
        let annotations = value("HARNESS_ANNOTATIONS_FILE");
        Self {
            outputs: Drone::new(environment),
            annotations: (is_on && !annotations.is_empty()).then(|| annotations.into()),
            execution: Execution {
                account_id: value("HARNESS_ACCOUNT_ID"),
                org_id: value("HARNESS_ORG_ID"),
                project_id: value("HARNESS_PROJECT_ID"),
                pipeline_id: value("HARNESS_PIPELINE_ID"),
                plan_execution_id: value("HARNESS_EXECUTION_ID"),
            },
        }
    }
}

impl Dialect for Harness {
    fn outputs(&self, outputs: &Outputs) -> Emission {
        self.outputs.outputs(outputs)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        self.outputs.takes(outputs)
    }

    fn summary_limit(&self) -> Option<usize> {
        self.annotations.as_ref().map(|_| SUMMARY_LIMIT)
    }

    fn summary(&self, markdown: String, level: Level) -> Emission {
        let text = json(&AnnotationsFile {
            execution: &self.execution,
            annotations: [HarnessAnnotation {
                context_id: "swr-image-sync",
                mode: "replace",
                style: if level == Level::Error {
                    "error"
                } else {
                    "success"
                },
                summary: markdown,
                priority: 3,
            }],
        });
        let path = self.annotations.as_ref();
        Emission::file(path, Mode::Replace, Purpose::Summary, text)
    }
}
