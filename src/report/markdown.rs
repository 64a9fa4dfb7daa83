//! The summary: what a person looks at. It holds a table of repository × target, what failed and why, and what to copy
//! in order to sync only that.

mod escape;
mod snippet;

use std::fmt::Write as _;
use std::time::Duration;

use crate::inputs::InputProblem;
use crate::outcome::{Ending, Exit, Failure, Outcome, PairOutcome, State, Status};
use crate::plan::Pair;
use crate::prose::counted;
use crate::report::annotations::{conclusion, state_words};
use crate::report::failures::{REASONS_SHOWN, by_reason};
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
    let why = writer.why(outcome, quarter);
    let again = snippet::render(outcome, context, quarter);
    let room = context
        .limit
        .saturating_sub(head.len() + why.len() + again.len() + 3);
    let table = match &outcome.ending {
        Ending::DryRun(plan) => {
            let rows = plan.pairs.iter().map(|pair| writer.planned_row(pair));
            fitted(PLANNED_HEAD, rows, room, "row")
        }
        _ => {
            let rows = outcome.pairs.iter().map(|pair| writer.row(pair));
            fitted(TABLE_HEAD, rows, room, "row")
        }
    };
    let parts = [head, table, why, again];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

const TABLE_HEAD: &str = "| | Repository | Target | Tags | State | Attempts | Duration |\n| --- | --- | --- | --- | --- | ---: | ---: |\n";

const PLANNED_HEAD: &str = "| Repository | Target | Tags |\n| --- | --- | --- |\n";

const WHY_HEAD: &str = "#### What went wrong\n\n";

/// The items that fit behind the head, and how many more there are. Those that do not fit are never made.
fn fitted(
    head: &str,
    items: impl ExactSizeIterator<Item = String>,
    limit: usize,
    noun: &str,
) -> String {
    let count = items.len();
    if count == 0 {
        return String::new();
    }
    let note = |count: usize| {
        let counted = counted(count, noun);
        format!("\n{counted} left out here; `report-json` has everything.\n")
    };
    let mut text = head.to_owned();
    for (index, item) in items.enumerate() {
        let is_last = index + 1 == count;
        let reserved = if is_last { 0 } else { note(count).len() };
        if text.len() + item.len() + reserved > limit {
            return text + &note(count - index);
        }
        text.push_str(&item);
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

    fn planned_row(&self, pair: &Pair) -> String {
        let Pair { images, target } = pair;
        let repository = self
            .text
            .code(&format!("{}/{}", images.namespace, images.repository));
        let target = self.text.code(&target.to_string());
        let tags: Vec<&str> = images.tags.iter().map(|tag| tag.as_str()).collect();
        format!("| {repository} | {target} | {} |\n", self.tags(&tags))
    }

    /// What went wrong: with the run as a whole, then with each pair.
    fn why(&self, outcome: &Outcome, limit: usize) -> String {
        let whole = self.whole(outcome);
        let pairs: Vec<&PairOutcome> = match &outcome.ending {
            // All of them have the one reason that stopped the run.
            Ending::Stopped(_) => Vec::new(),
            _ => outcome
                .pairs
                .iter()
                .filter(|pair| pair.failed_count() > 0)
                .collect(),
        };
        let entries = (0..whole.len() + pairs.len()).map(|index| match whole.get(index) {
            Some(entry) => entry.clone(),
            None => self.pair(pairs[index - whole.len()]),
        });
        fitted(WHY_HEAD, entries, limit, "entry")
    }

    fn whole(&self, outcome: &Outcome) -> Vec<String> {
        match &outcome.ending {
            Ending::Refused(problems) => problems
                .iter()
                .map(|problem| self.problem(problem))
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
        }
    }

    fn problem(&self, problem: &InputProblem) -> String {
        let InputProblem {
            input,
            origin,
            message,
        } = problem;
        let variable = origin
            .as_ref()
            .map(|origin| format!(" (from {})", self.text.foreign(origin)));
        format!(
            "- **Input {}**{}: {}\n",
            self.text.code(input),
            variable.unwrap_or_default(),
            self.text.foreign(message)
        )
    }

    /// One entry for a repository × target: tags that failed for the same reason stand together.
    fn pair(&self, outcome: &PairOutcome) -> String {
        let images = &outcome.pair.images;
        let title = format!(
            "{}/{} → {}",
            images.namespace, images.repository, outcome.pair.target
        );
        let mut entry = format!("- **{}**", self.text.foreign(&title));
        let groups = by_reason(outcome);
        for group in groups.iter().take(REASONS_SHOWN) {
            let names: Vec<&str> = group.tags.iter().map(|tag| tag.as_str()).collect();
            let (tags, failure) = (self.tags(&names), self.failure(group.failure));
            write!(entry, "<br>{tags}: {failure}").expect("a text takes any text");
        }
        let rest: usize = groups
            .iter()
            .skip(REASONS_SHOWN)
            .map(|group| group.tags.len())
            .sum();
        if rest > 0 {
            let rest = counted(rest, "further tag");
            write!(entry, "<br>{rest} failed for other reasons").expect("a text takes any text");
        }
        entry.push('\n');
        entry
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
