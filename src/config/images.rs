//! What was pushed: `images` and the inputs by parts become one selection of repositories and tags.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::config::Reader;
use crate::config::pattern::{Choice, Pattern};
use crate::config::registry::{Reference, Registry, SwrReference, references};
use crate::event::Level;
use crate::inputs::{Environment, list};
use crate::names::{Namespace, Region, Repository, Tag};

/// Repositories of one organization and tags in them; names, or patterns over what exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The organization.
    pub namespace: Namespace,
    /// The repository or repositories.
    pub repository: Choice<Repository>,
    /// The tags, in input order; never empty.
    pub tags: Vec<Choice<Tag>>,
}

/// Tags to leave out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    names: HashSet<Tag>,
    patterns: Vec<Pattern>,
}

impl Filter {
    fn new(choices: Vec<Choice<Tag>>) -> Self {
        let mut filter = Self::default();
        for choice in choices {
            match choice {
                Choice::Exact(name) => drop(filter.names.insert(name)),
                Choice::Pattern(pattern) => filter.patterns.push(pattern),
            }
        }
        filter
    }

    /// Whether a tag is to be left out.
    pub fn leaves_out(&self, tag: &Tag) -> bool {
        self.names.contains(tag)
            || self
                .patterns
                .iter()
                .any(|pattern| pattern.matches(tag.as_str()))
    }
}

/// What was pushed and where.
pub(super) struct Pushed {
    pub(super) region: Region,
    pub(super) registry: Registry,
    pub(super) selections: Vec<Selection>,
    pub(super) exclude: Filter,
}

/// Reads all inputs about images. None where any of them has a problem.
pub(super) fn read(reader: &mut Reader<'_>, environment: &Environment) -> Option<Pushed> {
    let problems = reader.problems.len();
    let raw = &reader.inputs.raw;
    let registry = reader
        .parse("registry", raw.registry.as_ref(), Registry::parse)
        .unwrap_or(Registry::HUAWEI_CLOUD);
    let given_tags = tags(reader, "tags", raw.tags.as_ref());
    let exclude = Filter::new(tags(reader, "exclude-tags", raw.exclude_tags.as_ref()));
    let pushed = pushed(reader, &registry);
    let by_parts = by_parts(reader, &given_tags);
    let region = region(reader, environment, &pushed);
    if reader.problems.len() > problems {
        return None;
    }
    let region = region?;
    let mut selections = Selections::default();
    let mut left_out: BTreeMap<&Region, usize> = BTreeMap::new();
    for reference in &pushed {
        if let Some(other) = reference.region.as_ref().filter(|other| **other != region) {
            *left_out.entry(other).or_default() += 1;
            continue;
        }
        let tags = reference
            .tag
            .clone()
            .map_or_else(|| given_tags.clone(), |tag| vec![tag]);
        if tags.is_empty() {
            let message = format!(
                "`{}/{}` has no tag, and `tags` is not given; add one (`latest` is never assumed)",
                reference.namespace, reference.repository
            );
            reader.problem("images", message);
        }
        selections.add(&reference.namespace, &reference.repository, tags);
    }
    for (other, count) in left_out {
        let message = format!(
            "{count} of `images` left out: in region {other}, while the source region is {region}"
        );
        reader.notes.push((Level::Info, message));
    }
    if let Some((namespace, repository)) = by_parts {
        selections.add(&namespace, &Choice::Exact(repository), given_tags);
    }
    let mut selections = selections.list;
    for selection in &selections {
        if let Choice::Exact(repository) = &selection.repository
            && repository.has_adjacent_separators()
        {
            let message = format!(
                "repository `{repository}` has separators side by side, which SWR may refuse"
            );
            reader.notes.push((Level::Warn, message));
        }
    }
    if selections.is_empty() && reader.problems.len() == problems {
        let (input, why) = match raw.images {
            Some(_) => (
                "images",
                format!(
                    "nothing is left to sync: no reference is in the registry {}",
                    registry.host(&region)
                ),
            ),
            None => (
                "images",
                "nothing to sync: give `images`, or `namespace`, `repository` and `tags`"
                    .to_owned(),
            ),
        };
        reader.problem(input, why);
    }
    let excluded = |tag: &Choice<Tag>| matches!(tag, Choice::Exact(tag) if exclude.leaves_out(tag));
    for selection in &mut selections {
        selection.tags.retain(|tag| !excluded(tag));
    }
    selections.retain(|selection| !selection.tags.is_empty());
    if selections.is_empty() && reader.problems.len() == problems {
        reader.problem(
            "exclude-tags",
            "nothing is left to sync: it leaves out every tag that was given",
        );
    }
    (reader.problems.len() == problems).then_some(Pushed {
        region,
        registry,
        selections,
        exclude,
    })
}

/// Each is compiled, and tried on every name that exists.
const MOST_PATTERNS: usize = 1000;

fn few_patterns(entries: &[String]) -> Result<(), String> {
    let count = entries
        .iter()
        .filter(|entry| Pattern::is_pattern(entry))
        .count();
    if count > MOST_PATTERNS {
        return Err(format!(
            "it holds {count} patterns; at most {MOST_PATTERNS} are allowed"
        ));
    }
    Ok(())
}

/// A list of tags and patterns of tags.
fn tags(reader: &mut Reader<'_>, name: &'static str, text: Option<&String>) -> Vec<Choice<Tag>> {
    let entries = reader.parse(name, text, |text| {
        let entries = list(text)?;
        few_patterns(&entries).map(|()| entries)
    });
    entries
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| {
            reader.parse(name, Some(entry), |text| {
                Choice::parse(text).map_err(|error| error.to_string())
            })
        })
        .collect()
}

/// The references of `images` that are in the registry; the others leave one log line for each registry.
fn pushed(reader: &mut Reader<'_>, registry: &Registry) -> Vec<SwrReference> {
    let Some(text) = &reader.inputs.raw.images else {
        return Vec::new();
    };
    let read = references(text).and_then(|entries| few_patterns(&entries).map(|()| entries));
    let entries = match read {
        Ok(entries) => entries,
        Err(message) => {
            reader.problem("images", message);
            return Vec::new();
        }
    };
    let mut elsewhere: BTreeMap<String, usize> = BTreeMap::new();
    let mut pushed = Vec::new();
    for entry in &entries {
        match Reference::parse(entry, registry) {
            Ok(Reference::Swr(reference)) => pushed.push(reference),
            Ok(Reference::Elsewhere { registry }) => *elsewhere.entry(registry).or_default() += 1,
            Err(message) => reader.problem("images", message),
        }
    }
    for (registry, count) in elsewhere {
        reader.notes.push((
            Level::Info,
            format!("{count} of `images` left out: in the registry {registry}"),
        ));
    }
    pushed
}

/// One repository given by parts.
fn by_parts(reader: &mut Reader<'_>, tags: &[Choice<Tag>]) -> Option<(Namespace, Repository)> {
    let raw = &reader.inputs.raw;
    let namespace = reader.parse("namespace", raw.namespace.as_ref(), |text| {
        text.parse().map_err(text_of)
    });
    let repository = reader.parse("repository", raw.repository.as_ref(), |text| {
        text.parse().map_err(text_of)
    });
    match (&raw.namespace, &raw.repository) {
        (Some(_), None) => reader.problem("repository", "it is missing beside `namespace`"),
        (None, Some(_)) => reader.problem("namespace", "it is missing beside `repository`"),
        (Some(_), Some(_))
            if tags.is_empty()
                && reader
                    .problems
                    .iter()
                    .all(|problem| problem.input != "tags") =>
        {
            reader.problem(
                "tags",
                "it is missing beside `namespace` and `repository` (`latest` is never assumed)",
            );
        }
        (None, None) if raw.images.is_none() => {
            reader.problem(
                "images",
                "nothing to sync: give `images`, or `namespace`, `repository` and `tags`",
            );
        }
        _ => {}
    }
    Some((namespace?, repository?))
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value")]
fn text_of(error: crate::names::NameError) -> String {
    error.to_string()
}

/// The source region: the input, else the only one in `images`, else the environment of other tools.
fn region(
    reader: &mut Reader<'_>,
    environment: &Environment,
    pushed: &[SwrReference],
) -> Option<Region> {
    let raw = &reader.inputs.raw;
    if raw.region.is_some() {
        return reader.parse("region", raw.region.as_ref(), |text| {
            text.parse().map_err(text_of)
        });
    }
    let mut seen = HashSet::new();
    let regions: Vec<&Region> = pushed
        .iter()
        .filter_map(|reference| reference.region.as_ref())
        .filter(|region| seen.insert(*region))
        .collect();
    if let [first, _, ..] = regions[..] {
        let names: Vec<&str> = regions
            .iter()
            .take(5)
            .map(|region| region.as_str())
            .collect();
        let more = match regions.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "it names images of several regions ({}{more}); set `region` to the one to sync from, such as `{first}`",
            names.join(", ")
        );
        reader.problem("images", message);
        return None;
    }
    if let [only] = regions[..] {
        return Some(only.clone());
    }
    let variables = ["HUAWEI_CLOUD_REGION", "HW_REGION_NAME"];
    let found = variables.iter().find_map(|name| {
        environment
            .get(*name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
            .map(|value| (*name, value))
    });
    match found.map(|(name, value)| (name, value.parse::<Region>())) {
        Some((_, Ok(region))) => Some(region),
        Some((name, Err(error))) => {
            reader.problem("region", format!("{name} is not a region: {error}"));
            None
        }
        None => {
            // Where `images` is wrong or missing, that is the problem to tell.
            let is_told = reader
                .problems
                .iter()
                .any(|problem| problem.input == "images");
            match raw.images {
                _ if is_told => {}
                Some(_) if pushed.is_empty() && raw.repository.is_none() => reader.problem(
                    "images",
                    "nothing is left to sync: no reference is of a registry such as `swr.cn-north-4.myhuaweicloud.com`",
                ),
                _ => reader.problem(
                    "region",
                    "it is missing: the region the images were pushed to, such as `cn-north-4`",
                ),
            }
            None
        }
    }
}

/// Repositories with their tags, each once, in the order they were first named.
#[derive(Default)]
struct Selections {
    list: Vec<Selection>,
    /// By organization and the text of the repository, which no pattern shares with a name.
    places: HashMap<(Namespace, String), usize>,
    seen: HashSet<(usize, String)>,
}

impl Selections {
    fn add(
        &mut self,
        namespace: &Namespace,
        repository: &Choice<Repository>,
        tags: Vec<Choice<Tag>>,
    ) {
        let place = (namespace.clone(), repository.to_string());
        let index = *self.places.entry(place).or_insert_with(|| {
            self.list.push(Selection {
                namespace: namespace.clone(),
                repository: repository.clone(),
                tags: Vec::new(),
            });
            self.list.len() - 1
        });
        let new = tags
            .into_iter()
            .filter(|tag| self.seen.insert((index, tag.to_string())));
        self.list[index].tags.extend(new);
    }
}
