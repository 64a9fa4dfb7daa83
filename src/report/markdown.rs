//! The summary: what a person looks at. It holds a table of repository × target, what failed and why, and what to copy
//! in order to sync only that.

mod escape;
mod snippet;

use std::fmt::Write as _;
use std::time::Duration;

use crate::outcome::{Ending, Exit, Failure, Outcome, PairOutcome, State, Status};
use crate::plan::Plan;
use crate::report::annotations::{conclusion, state_words};
use crate::report::failures::{by_reason, counted};
use crate::report::sanitise::Sanitiser;

use escape::Markdown;

/// More tags of one kind are counted, not listed.
const TAGS_LISTED: usize = 20;

/// What a summary is made from beside the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Makes foreign text harmless.
    pub sanitiser: &'a Sanitiser,
    /// How a later step names the output `failed-images`, where it can.
    pub failed_images: Option<&'a str>,
    /// The most bytes that are taken.
    pub limit: usize,
}

/// The summary of a run. What does not fit is cut between rows, and counted.
pub fn render(outcome: &Outcome, exit: Exit, context: Context<'_>) -> String {
    let writer = Writer {
        text: Markdown(context.sanitiser),
    };
    let head = writer.head(outcome, exit);
    let quarter = context.limit / 4;
    let why = fitted("", writer.why(outcome), quarter, "reason");
    let again = snippet::render(outcome, context, quarter);
    let rest = head.len() + why.len() + again.len() + 2;
    let table = match &outcome.ending {
        Ending::DryRun(plan) => fitted(
            PLANNED_HEAD,
            writer.planned_rows(plan),
            context.limit.saturating_sub(rest),
            "row",
        ),
        _ => fitted(
            TABLE_HEAD,
            outcome.pairs.iter().map(|pair| writer.row(pair)).collect(),
            context.limit.saturating_sub(rest),
            "row",
        ),
    };
    let parts = [head, table, why, again];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

const TABLE_HEAD: &str = "| | Repository | Target | Tags | State | Attempts | Duration |\n| --- | --- | --- | --- | --- | ---: | ---: |\n";

const PLANNED_HEAD: &str = "| Repository | Target | Tags |\n| --- | --- | --- |\n";

/// The items that fit behind the head, and how many more there are.
fn fitted(head: &str, items: Vec<String>, limit: usize, noun: &str) -> String {
    if items.is_empty() {
        return String::new();
    }
    let note = |count: usize| {
        format!(
            "\n{} left out here; `report-json` has everything.\n",
            counted(count, noun)
        )
    };
    let room = limit.saturating_sub(note(items.len()).len());
    let mut text = head.to_owned();
    for (index, item) in items.iter().enumerate() {
        let is_last = index + 1 == items.len();
        if text.len() + item.len() > if is_last { limit } else { room } {
            let left_out = note(items.len() - index);
            return if index == 0 {
                left_out
            } else {
                text + &left_out
            };
        }
        text.push_str(item);
    }
    text
}

struct Writer<'a> {
    text: Markdown<'a>,
}

impl Writer<'_> {
    fn head(&self, outcome: &Outcome, exit: Exit) -> String {
        let icon = match outcome.status() {
            _ if exit != Exit::Synced && outcome.status() == Status::Success => "❌",
            Status::Success => "✅",
            Status::Partial => "⚠️",
            Status::Failure => "❌",
            Status::DryRun => "🔎",
        };
        let conclusion = self.text.foreign(&conclusion(outcome, exit));
        let mut head = format!("### {icon} SWR image sync\n\n**{conclusion}**\n");
        if let Some(source) = &outcome.source {
            let region = self.text.code(source.region.as_str());
            writeln!(head, "\nSource region: {region}").expect("a text takes any text");
        }
        head
    }

    fn row(&self, outcome: &PairOutcome) -> String {
        let images = &outcome.pair.images;
        let icon = if outcome.failed_count() == 0 {
            "✅"
        } else {
            "❌"
        };
        let repository = self
            .text
            .code(&format!("{}/{}", images.namespace, images.repository));
        let target = self.text.code(&outcome.pair.target.to_string());
        let attempts: u32 = outcome.calls.iter().map(|call| call.attempts).sum();
        let duration: Duration = outcome.calls.iter().map(|call| call.duration).sum();
        let (tags, states) = self.tags_by_state(outcome);
        format!(
            "| {icon} | {repository} | {target} | {tags} | {states} | {attempts} | {} |\n",
            seconds(duration)
        )
    }

    /// One line for each state that occurs, failures first, in both cells.
    fn tags_by_state(&self, outcome: &PairOutcome) -> (String, String) {
        let mut tags = Vec::new();
        let mut words = Vec::new();
        for state in State::WORST_FIRST {
            let with_state = outcome.fates().filter(|(_, fate)| fate.state == state);
            let names: Vec<&str> = with_state.map(|(tag, _)| tag.as_str()).collect();
            if !names.is_empty() {
                tags.push(self.tags(&names));
                words.push(format!("{} {}", names.len(), state_words(state)));
            }
        }
        (tags.join("<br>"), words.join("<br>"))
    }

    fn tags(&self, names: &[&str]) -> String {
        let shown: Vec<String> = names
            .iter()
            .take(TAGS_LISTED)
            .map(|name| self.text.code(name))
            .collect();
        match names.len().saturating_sub(TAGS_LISTED) {
            0 => shown.join(" "),
            more => format!("{} and {more} more", shown.join(" ")),
        }
    }

    fn planned_rows(&self, plan: &Plan) -> Vec<String> {
        let row = |pair: &crate::plan::Pair| {
            let images = &pair.images;
            let repository = self
                .text
                .code(&format!("{}/{}", images.namespace, images.repository));
            let target = self.text.code(&pair.target.to_string());
            let tags: Vec<&str> = images.tags.iter().map(|tag| tag.as_str()).collect();
            format!("| {repository} | {target} | {} |\n", self.tags(&tags))
        };
        plan.pairs.iter().map(row).collect()
    }

    /// What went wrong, one entry for each reason.
    fn why(&self, outcome: &Outcome) -> Vec<String> {
        let mut entries: Vec<String> = match &outcome.ending {
            Ending::Refused(problems) => problems
                .iter()
                .map(|problem| {
                    let variable = problem
                        .origin
                        .as_ref()
                        .map(|origin| format!(" (from {})", self.text.foreign(origin)));
                    format!(
                        "- **Input {}**{}: {}\n",
                        self.text.code(problem.input),
                        variable.unwrap_or_default(),
                        self.text.foreign(&problem.message)
                    )
                })
                .collect(),
            Ending::Stopped(failures) => failures
                .iter()
                .map(|failure| format!("- **Stopped**: {}\n", self.failure(failure)))
                .collect(),
            Ending::Signalled(signal) => vec![format!(
                "- **Ended by {}** before everything was known.\n",
                signal.name()
            )],
            Ending::Defect(words) => vec![format!(
                "- **Internal error**: {}<br>This is a defect of swr-image-sync; please report it with the log of this step.\n",
                self.text.foreign(words)
            )],
            Ending::Finished | Ending::DryRun(_) => Vec::new(),
        };
        if !matches!(outcome.ending, Ending::Stopped(_)) {
            entries.extend(
                outcome
                    .pairs
                    .iter()
                    .flat_map(|pair| self.pair_reasons(pair)),
            );
        }
        if let Some(first) = entries.first_mut() {
            first.insert_str(0, "#### What went wrong\n\n");
        }
        entries
    }

    fn pair_reasons(&self, outcome: &PairOutcome) -> Vec<String> {
        let images = &outcome.pair.images;
        let title = format!(
            "{}/{} → {}",
            images.namespace, images.repository, outcome.pair.target
        );
        by_reason(outcome)
            .iter()
            .map(|group| {
                let names: Vec<&str> = group.tags.iter().map(|tag| tag.as_str()).collect();
                format!(
                    "- **{}**: {}<br>{}\n",
                    self.text.foreign(&title),
                    self.tags(&names),
                    self.failure(group.failure)
                )
            })
            .collect()
    }

    fn failure(&self, failure: &Failure) -> String {
        let mut text = self.text.foreign(&failure.to_string());
        if let Some(remedy) = &failure.remedy {
            write!(text, "<br>**What to do:** {}", self.text.foreign(remedy))
                .expect("a text takes any text");
        }
        text
    }
}

/// A duration as a person reads it.
fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
