//! Azure Pipelines: logging commands, see "Logging commands" in its documentation. The agent finds them anywhere in a
//! line.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::emit::{Emission, FileWrite, Mode, Purpose};
use crate::event::Level;
use crate::inputs::Environment;
use crate::report::annotations::Annotation;
use crate::report::dialect::Dialect;
use crate::report::outputs::Outputs;
use crate::report::sanitise::Clean;

/// Variables become part of the environment of later steps, and Windows takes no more of one.
const VALUE_LIMIT: usize = 32_000;

/// The agent uploads a summary of any size; a page of more is not read.
const SUMMARY_LIMIT: usize = 1024 * 1024;

/// Azure Pipelines.
#[derive(Debug)]
pub struct Azure {
    /// A file of our own in the folder that the agent empties after the job.
    summary: Option<PathBuf>,
}

impl Azure {
    /// Reads where files may be left. `random` makes the file's name.
    pub fn new(environment: &Environment, random: u128) -> Self {
        let folder = environment
            .get("AGENT_TEMPDIRECTORY")
            .filter(|path| !path.is_empty());
        Self {
            summary: folder.map(|folder| {
                PathBuf::from(folder).join(format!("swr-image-sync-{random:032x}.md"))
            }),
        }
    }
}

impl Dialect for Azure {
    fn mask(&self, secret: &str) -> String {
        format!("##vso[task.setsecret]{}\n", data(secret))
    }

    fn log(&self, level: Level, text: &Clean) -> String {
        match level {
            Level::Error => format!("##[error]{text}\n"),
            Level::Warn => format!("##[warning]{text}\n"),
            Level::Info => format!("{text}\n"),
            Level::Debug => format!("##[debug]{text}\n"),
        }
    }

    fn section_start(&self, title: &Clean, _at: Timestamp) -> String {
        format!("##[group]{title}\n")
    }

    fn section_end(&self, _at: Timestamp) -> String {
        "##[endgroup]\n".to_owned()
    }

    fn annotation(&self, annotation: &Annotation) -> String {
        annotation.within_limit(|annotation| {
            let text = annotation.text("\n");
            format!("##vso[task.logissue type=error]{}\n", data(&text))
        })
    }

    fn outputs(&self, outputs: &Outputs) -> Emission {
        let mut text = String::new();
        for output in outputs.iter() {
            let (name, value) = (output.variable(), data(&output.value));
            writeln!(
                text,
                "##vso[task.setvariable variable={name};isOutput=true]{value}"
            )
            .expect("a text takes any text");
        }
        Emission::text(text)
    }

    fn takes(&self, outputs: &Outputs) -> bool {
        outputs.longest() <= VALUE_LIMIT
    }

    fn summary_limit(&self) -> Option<usize> {
        self.summary.as_ref().map(|_| SUMMARY_LIMIT)
    }

    fn summary(&self, markdown: String, _level: Level) -> Emission {
        let Some(path) = &self.summary else {
            return Emission::default();
        };
        Emission {
            stdout: format!(
                "##vso[task.uploadsummary]{}\n",
                data(&path.to_string_lossy())
            ),
            files: vec![FileWrite {
                path: path.clone(),
                mode: Mode::Replace,
                purpose: Purpose::Summary,
                text: markdown,
            }],
        }
    }
}

/// The escapes of a command's data; the percent sign first.
fn data(text: &str) -> String {
    text.replace('%', "%AZP25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
