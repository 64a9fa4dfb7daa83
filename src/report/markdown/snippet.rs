//! The inputs that sync only what failed, ready to copy.

use std::fmt::Write as _;

use crate::outcome::{Outcome, Source};
use crate::report::markdown::Context;
use crate::report::outputs::failed;

/// Targets that miss the same images share one snippet; more than that are not shown.
const SNIPPETS: usize = 5;

/// Images missing in some targets.
struct Missing {
    images: Vec<String>,
    targets: Vec<String>,
}

/// The snippets, in at most `limit` bytes; empty where nothing failed.
pub(super) fn render(outcome: &Outcome, context: Context<'_>, limit: usize) -> String {
    let missing = match &outcome.source {
        Some(source) => missing(outcome, source),
        None => return String::new(),
    };
    if missing.is_empty() {
        return String::new();
    }
    let mut text = "#### Sync only what failed\n\n".to_owned();
    if let Some(expression) = context.failed_images {
        writeln!(
            text,
            "In a later step of this job, with the same targets:\n\n```yaml\nimages: {expression}\n```\n"
        )
        .expect("a text takes any text");
    }
    let mut literal = String::new();
    for group in missing.iter().take(SNIPPETS) {
        literal.push_str("```yaml\nimages: |\n");
        for image in &group.images {
            writeln!(literal, "  {image}").expect("a text takes any text");
        }
        literal.push_str("targets: |\n");
        for target in &group.targets {
            writeln!(literal, "  {target}").expect("a text takes any text");
        }
        literal.push_str("```\n\n");
    }
    if missing.len() > SNIPPETS {
        writeln!(
            literal,
            "Other targets miss other images; the output `failed-images` has all of them.\n"
        )
        .expect("a text takes any text");
    }
    if text.len() + literal.len() > limit {
        literal = "The list is too long for this place; the output `failed-images` and `report-json` have it.\n".to_owned();
    } else {
        text.push_str("Anywhere, with these inputs:\n\n");
    }
    text + literal.trim_end() + "\n"
}

/// What is missing where, targets with the same gaps together, in plan order.
fn missing(outcome: &Outcome, source: &Source) -> Vec<Missing> {
    let mut by_target: Vec<Missing> = Vec::new();
    for pair in &outcome.pairs {
        let images = &pair.pair.images;
        let mut references = failed(pair)
            .map(|tag| {
                source.registry.reference(
                    &source.region,
                    &images.namespace,
                    &images.repository,
                    tag,
                )
            })
            .peekable();
        if references.peek().is_none() {
            continue;
        }
        let target = pair.pair.target.to_string();
        match by_target
            .iter_mut()
            .find(|group| group.targets[0] == target)
        {
            Some(group) => group.images.extend(references),
            None => by_target.push(Missing {
                images: references.collect(),
                targets: vec![target],
            }),
        }
    }
    let mut grouped: Vec<Missing> = Vec::new();
    for group in by_target {
        match grouped
            .iter_mut()
            .find(|other| other.images == group.images)
        {
            Some(other) => other.targets.extend(group.targets),
            None => grouped.push(group),
        }
    }
    grouped
}
