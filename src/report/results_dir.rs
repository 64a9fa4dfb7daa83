//! One file for each output, as Tekton takes its results.

use std::path::Path;

use crate::emit::{Emission, FileWrite, Mode, Purpose};
use crate::report::outputs::{Outputs, json};

/// All results of a task travel in one message of the kubelet.
const SIZE_LIMIT: usize = 4096;

/// What stands in that message beside our results: the time the step began.
const OTHERS: usize = 80;

/// The files: raw values without a line break at their end.
pub fn files(outputs: &Outputs, folder: &Path) -> Emission {
    let file = |output: &super::outputs::Output| FileWrite {
        path: folder.join(output.name),
        mode: Mode::Replace,
        purpose: Purpose::Results,
        text: output.value.to_string(),
    };
    Emission {
        stdout: String::new(),
        files: outputs.iter().map(file).collect(),
    }
}

/// Whether Tekton's message takes them. It is a JSON array of keys and values, in which the quotes of our values are
/// escaped once more.
pub fn takes(outputs: &Outputs) -> bool {
    if outputs.total() > SIZE_LIMIT {
        return false;
    }
    let message: usize = outputs
        .iter()
        .map(|output| {
            let key = r#"{"key":"","value":,"type":1},"#.len() + output.name.len();
            key + json(&output.value).len()
        })
        .sum();
    message + OTHERS <= SIZE_LIMIT
}
