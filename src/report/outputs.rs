//! The outputs of the step: their names, their values, and which are left out where a CI system limits their size.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use serde::Serialize;

use crate::names::Tag;
use crate::outcome::{Exit, Outcome, PairOutcome, Source};
use crate::plan::Images;
use crate::report::results::results;
use crate::report::sanitise::Sanitiser;

/// The outputs, in the order of the contract, with the text that action.yml and README have for each.
pub const OUTPUTS: [(&str, &str); 8] = [
    (
        "status",
        "`success`, `partial` (some failed, some did not), `failure` or `dry-run`.",
    ),
    (
        "failed-tags",
        "JSON array of the distinct tags that failed for some repository and target, in input order; `[]` when none did.",
    ),
    (
        "failed-count",
        "Number of (repository, target, tag) triples that failed.",
    ),
    (
        "failed-images",
        "JSON array of full references, in the source region, of the images that failed in some target; the input `images` takes it as it is.",
    ),
    ("synced-tags", "JSON array of the tags that failed nowhere."),
    (
        "synced-count",
        "Number of (repository, target, tag) triples that did not fail.",
    ),
    (
        "results",
        "JSON array with one object for each repository and target: its names, counts, `tags` with state and reason, and `calls`.",
    ),
    ("exit-code", "The exit code; 0 where everything was synced."),
];

/// One output. The value is one line of printable ASCII without quotes or signs that a shell acts on inside of `'…'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The name in kebab case.
    pub name: &'static str,
    /// The value; it may be long, and several channels take it.
    pub value: Arc<str>,
}

impl Output {
    /// The name for systems that take no hyphen: `SWR_SYNC_FAILED_TAGS`.
    pub fn variable(&self) -> String {
        let name = self.name.replace('-', "_").to_ascii_uppercase();
        format!("SWR_SYNC_{name}")
    }
}

/// The outputs, in the order of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs {
    entries: Vec<Output>,
}

/// Where outputs become variables of the environment: Linux starts no program with one of 128 KiB and more
/// (`MAX_ARG_STRLEN`), name included.
pub const ENVIRONMENT_VALUE_LIMIT: usize = 120 * 1024;

/// What is left out first where not all fits.
const LEFT_OUT: [&str; 4] = ["results", "synced-tags", "failed-images", "failed-tags"];

impl Outputs {
    /// Computes them; `exit` is the code that the step will end with.
    pub fn new(outcome: &Outcome, exit: Exit, sanitiser: &Sanitiser) -> Self {
        let lists = Lists::new(outcome);
        let output = |name, value: String| Output {
            name,
            value: value.into(),
        };
        Self {
            entries: vec![
                output("status", outcome.status().name().to_owned()),
                output("failed-tags", json(&lists.failed_tags)),
                output("failed-count", outcome.failed_count().to_string()),
                output("failed-images", json(&lists.failed_images)),
                output("synced-tags", json(&lists.synced_tags)),
                output("synced-count", outcome.synced_count().to_string()),
                output("results", json(&results(outcome, sanitiser))),
                output("exit-code", exit.code().to_string()),
            ],
        }
    }

    /// The outputs one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Output> {
        self.entries.iter()
    }

    /// The length of the longest value, in bytes.
    pub fn longest(&self) -> usize {
        self.iter()
            .map(|output| output.value.len())
            .max()
            .unwrap_or(0)
    }

    /// The length of all names and values together, in bytes.
    pub fn total(&self) -> usize {
        self.iter()
            .map(|output| output.name.len() + output.value.len())
            .sum()
    }

    /// The value of an output; none where it was left out.
    pub fn value(&self, name: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&entry.value)
    }

    /// Leaves out one output after the other until `fits` is content, and says which. An output that is left out is
    /// not written at all: an empty list would be a lie.
    pub fn fit(mut self, fits: impl Fn(&Self) -> bool) -> (Self, Vec<&'static str>) {
        let mut left_out = Vec::new();
        for name in LEFT_OUT {
            if fits(&self) {
                break;
            }
            self.entries.retain(|entry| entry.name != name);
            left_out.push(name);
        }
        (self, left_out)
    }
}

/// The lists that outputs and reports share.
#[derive(Debug)]
pub struct Lists<'a> {
    /// Distinct tags that failed somewhere, in input order.
    pub failed_tags: Vec<&'a str>,
    /// Distinct tags that failed nowhere, in input order.
    pub synced_tags: Vec<&'a str>,
    /// Full references in the source region of what failed somewhere, in input order.
    pub failed_images: Vec<String>,
}

impl<'a> Lists<'a> {
    /// Reads them off the outcome.
    pub fn new(outcome: &'a Outcome) -> Self {
        let failed: HashSet<&Tag> = outcome.pairs.iter().flat_map(failed).collect();
        let mut seen = HashSet::new();
        let tags = outcome
            .pairs
            .iter()
            .flat_map(|pair| pair.pair.images.tags.iter());
        let (failed_tags, synced_tags): (Vec<&Tag>, Vec<&Tag>) = tags
            .filter(|tag| seen.insert(*tag))
            .partition(|tag| failed.contains(tag));
        Self {
            failed_tags: failed_tags.into_iter().map(Tag::as_str).collect(),
            synced_tags: synced_tags.into_iter().map(Tag::as_str).collect(),
            failed_images: failed_images(outcome),
        }
    }
}

/// The tags of a pair that were not synced.
pub fn failed(pair: &PairOutcome) -> impl Iterator<Item = &Tag> {
    pair.fates()
        .filter(|(_, fate)| !fate.state.is_synced())
        .map(|(tag, _)| tag)
}

/// In input order, whatever target missed which image.
fn failed_images(outcome: &Outcome) -> Vec<String> {
    let Some(Source { region, registry }) = &outcome.source else {
        return Vec::new();
    };
    let mut missing = HashSet::new();
    for pair in &outcome.pairs {
        let Images {
            namespace,
            repository,
            ..
        } = &pair.pair.images;
        missing.extend(failed(pair).map(|tag| (namespace, repository, tag)));
    }
    let mut references = Vec::with_capacity(missing.len());
    for pair in &outcome.pairs {
        let Images {
            namespace,
            repository,
            tags,
        } = &pair.pair.images;
        let wanted = tags
            .iter()
            .filter(|tag| missing.remove(&(namespace, repository, *tag)));
        references.extend(wanted.map(|tag| registry.reference(region, namespace, repository, tag)));
    }
    references
}

/// JSON on one line of plain ASCII. What a shell would act on is written as `\u00XX`, which every reader of JSON
/// undoes, so that a value pasted into a script between single quotes stays a value.
pub fn json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, AsciiFormatter);
    value
        .serialize(&mut serializer)
        .expect("texts, numbers and lists are always JSON");
    String::from_utf8(bytes).expect("the formatter writes ASCII")
}

struct AsciiFormatter;

impl serde_json::ser::Formatter for AsciiFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let acts =
            |character: char| !character.is_ascii() || "'`$%&;|<>!#\u{7f}".contains(character);
        for part in fragment.split_inclusive(acts) {
            let plain = part.strip_suffix(acts).unwrap_or(part);
            writer.write_all(plain.as_bytes())?;
            for unit in part[plain.len()..].encode_utf16() {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_left_out_in_the_order_of_the_contract() {
        let output = |name| Output {
            name,
            value: "x".repeat(10).into(),
        };
        let names = [
            "status",
            "failed-tags",
            "failed-images",
            "synced-tags",
            "results",
        ];
        let outputs = Outputs {
            entries: names.map(output).to_vec(),
        };
        let up_to = |count: usize| {
            let (kept, left_out) = outputs
                .clone()
                .fit(|outputs| outputs.iter().count() <= count);
            assert_eq!(kept.iter().count() + left_out.len(), 5);
            left_out
        };
        assert_eq!(up_to(5), [""; 0]);
        assert_eq!(up_to(3), ["results", "synced-tags"]);
        assert_eq!(
            up_to(1),
            ["results", "synced-tags", "failed-images", "failed-tags"]
        );
    }

    #[test]
    fn json_is_one_line_that_a_shell_leaves_alone() {
        let text = "a'b`c$d%e\u{e4}\u{1f600}\n\"\\";
        let value = json(&[text]);
        assert_eq!(
            value,
            r#"["a\u0027b\u0060c\u0024d\u0025e\u00e4\ud83d\ude00\n\"\\"]"#
        );
        assert_eq!(serde_json::from_str::<Vec<String>>(&value).unwrap(), [text]);
    }
}
