//! Errors that a CI system shows apart from the log: one for each failing repository × target, and never too many.

use std::collections::HashSet;

use crate::outcome::{Ending, Exit, Failure, Outcome, PairOutcome, State};
use crate::prose::{counted, listed};
use crate::report::failures::{REASONS_SHOWN, by_reason};
use crate::report::sanitise::{Clean, Sanitiser};

/// GitHub and Azure show ten of a kind and drop the others.
const MOST: usize = 10;

/// GitHub cuts a message there; with escapes it may be longer on its way.
pub const CHARACTER_LIMIT: usize = 4096;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// What failed.
    pub title: Clean,
    /// Why, and what to do about it.
    pub lines: Vec<Clean>,
}

/// The annotations of a run: none for a green one. `unwritten` says which outputs and reports could not be written,
/// where that alone makes the step fail.
pub fn annotations(
    outcome: &Outcome,
    unwritten: &[String],
    sanitiser: &Sanitiser,
) -> Vec<Annotation> {
    let writer = Writer { sanitiser };
    let mut all: Vec<Annotation> = match &outcome.ending {
        Ending::Refused(problems) => problems
            .iter()
            .map(|problem| {
                let title = format!("swr-image-sync: input {}", problem.input);
                writer.annotation(&title, &[problem.to_string()])
            })
            .collect(),
        Ending::Stopped(failures) => failures
            .iter()
            .map(|failure| writer.annotation("swr-image-sync", &writer.failure_lines(failure)))
            .collect(),
        Ending::Defect(words) => {
            let lines = [
                format!("internal error: {words}"),
                "This is a defect of swr-image-sync. Please report it with the log of this step."
                    .to_owned(),
            ];
            vec![writer.annotation("swr-image-sync", &lines)]
        }
        Ending::Signalled(signal) => {
            let line = format!("ended by {} before everything was known", signal.name());
            vec![writer.annotation("swr-image-sync", &[line])]
        }
        Ending::Finished | Ending::DryRun(_) => Vec::new(),
    };
    // What was stopped as a whole has the same reason in every pair.
    if !matches!(outcome.ending, Ending::Stopped(_)) {
        let failed = outcome.pairs.iter().filter(|pair| pair.failed_count() > 0);
        all.extend(failed.map(|pair| writer.pair(pair)));
    }
    if !unwritten.is_empty() {
        all.push(writer.annotation("swr-image-sync: not everything was written", unwritten));
    }
    writer.at_most(all)
}

struct Writer<'a> {
    sanitiser: &'a Sanitiser,
}

impl Writer<'_> {
    fn annotation(&self, title: &str, lines: &[String]) -> Annotation {
        Annotation {
            title: self.sanitiser.clean(title),
            lines: lines
                .iter()
                .map(|line| self.sanitiser.clean(line))
                .collect(),
        }
    }

    fn pair(&self, outcome: &PairOutcome) -> Annotation {
        let images = &outcome.pair.images;
        let title = format!(
            "{}/{} → {}",
            images.namespace, images.repository, outcome.pair.target
        );
        let groups = by_reason(outcome);
        let mut lines = Vec::new();
        for group in groups.iter().take(REASONS_SHOWN) {
            let tags = listed(group.tags.iter().map(|tag| tag.as_str()), 400);
            lines.push(format!("{}: {tags}", counted(group.tags.len(), "tag")));
            lines.extend(self.failure_lines(group.failure));
        }
        let rest: usize = groups
            .iter()
            .skip(REASONS_SHOWN)
            .map(|group| group.tags.len())
            .sum();
        if rest > 0 {
            lines.push(format!(
                "{} failed for other reasons",
                counted(rest, "further tag")
            ));
        }
        self.annotation(&title, &lines)
    }

    fn failure_lines(&self, failure: &Failure) -> Vec<String> {
        let mut lines = vec![failure.to_string()];
        lines.extend(
            failure
                .remedy
                .as_ref()
                .map(|remedy| format!("What to do: {remedy}")),
        );
        lines
    }

    fn at_most(&self, mut all: Vec<Annotation>) -> Vec<Annotation> {
        if all.len() > MOST {
            let rest = all.split_off(MOST - 1);
            let mut seen = HashSet::new();
            let titles: Vec<&str> = rest
                .iter()
                .map(|annotation| annotation.title.as_str())
                .filter(|title| seen.insert(*title))
                .collect();
            let titles = listed(titles.into_iter(), 2000);
            let title = format!("{} more errors", rest.len());
            all.push(self.annotation(
                &title,
                &[
                    titles,
                    "The log, the summary and `report-json` have all of them.".to_owned(),
                ],
            ));
        }
        all
    }
}

impl Annotation {
    /// Title and lines as one text.
    pub fn text(&self, separator: &str) -> String {
        format!("{}{separator}{}", self.title, self.lines_text(separator))
    }

    /// The lines as one text.
    pub fn lines_text(&self, separator: &str) -> String {
        let lines: Vec<&str> = self.lines.iter().map(Clean::as_str).collect();
        lines.join(separator)
    }

    /// Renders the annotation with its lines cut short enough for the result to keep within [`CHARACTER_LIMIT`].
    pub fn within_limit(&self, render: impl Fn(&Self) -> String) -> String {
        let mut limit = CHARACTER_LIMIT / 2;
        loop {
            let cut = Self {
                title: self.title.cut(limit / 2),
                lines: self.lines.iter().map(|line| line.cut(limit)).collect(),
            };
            let text = render(&cut);
            if text.chars().count() <= CHARACTER_LIMIT || limit == 0 {
                return text;
            }
            limit /= 2;
        }
    }
}

/// The sentence that ends the log.
pub fn conclusion(outcome: &Outcome, exit: Exit) -> String {
    let (synced, failed) = (outcome.synced_count(), outcome.failed_count());
    let counts = if synced + failed == 0 {
        match &outcome.ending {
            Ending::DryRun(plan) => format!(
                "dry run: {} would be sent, none was",
                counted(plan.calls.len(), "sync request")
            ),
            _ => "nothing was synced".to_owned(),
        }
    } else {
        format!(
            "{} {}, {failed} failed",
            counted(synced, "tag"),
            synced_words(outcome)
        )
    };
    let meaning = Exit::ALL.iter().find(|(code, _)| *code == exit);
    let meaning = meaning.map_or("", |(_, text)| text);
    if exit == Exit::Synced {
        counts
    } else {
        format!("{counts}; exit code {}: {meaning}", exit.code())
    }
}

/// What is claimed of all synced tags: their state where they share one.
fn synced_words(outcome: &Outcome) -> &'static str {
    let mut states = outcome
        .pairs
        .iter()
        .flat_map(|pair| &pair.tags)
        .map(|tag| tag.state)
        .filter(|state| state.is_synced());
    match states.next() {
        Some(first) if states.all(|state| state == first) => state_words(first),
        _ => "synced",
    }
}

/// A state in prose. What nobody waited for is never said to have landed.
pub fn state_words(state: State) -> &'static str {
    match state {
        State::Accepted => "accepted by SWR",
        State::Landed => "landed",
        State::Existed => "there already",
        State::Failed => "failed",
        State::Pending => "still pending",
        State::Unknown => "unknown",
        State::Skipped => "not tried",
    }
}
