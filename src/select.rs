//! From what was selected to the images that are synced: names as they are, patterns over what exists.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::config::{Choice, Filter, Selection};
use crate::event::{Event, Level};
use crate::names::{NameError, Namespace, Repository, Tag};
use crate::outcome::Failure;
use crate::plan::Images;
use crate::prose::{NAMES_LIMIT, listed};
use crate::swr::error::ErrorKind;
use crate::swr::reads::{Place, Reads};

/// The tags of the repositories whose list was read, so that nobody needs to read it again.
pub type Listed = HashMap<(Namespace, Repository), HashSet<Tag>>;

/// What is to be synced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Each repository once, in the order it was first selected; none without tags.
    pub images: Vec<Images>,
    /// What was read for it.
    pub listed: Listed,
}

/// Why nothing can be synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unselected {
    /// Nothing that exists fits; in words for the user, with some of what exists.
    Nothing(String),
    /// A list could not be read.
    Unread(Box<Failure>),
}

/// The images of selections that hold names only; none where a pattern has to be looked up first.
pub fn exact(selections: &[Selection], exclude: &Filter) -> Option<Vec<Images>> {
    selections
        .iter()
        .map(|selection| {
            let Choice::Exact(repository) = &selection.repository else {
                return None;
            };
            let tags: Option<Vec<_>> = selection
                .tags
                .iter()
                .map(|tag| match tag {
                    Choice::Exact(tag) => Some(tag.clone()),
                    Choice::Pattern(_) => None,
                })
                .collect();
            let tags = tags?
                .into_iter()
                .filter(|tag| !exclude.leaves_out(tag))
                .collect();
            Some(Images {
                namespace: selection.namespace.clone(),
                repository: repository.clone(),
                tags,
            })
        })
        .collect()
}

/// The images of selections that hold patterns. What exists is read from the source region: repositories once for each
/// organization, tags once for each repository, `concurrency` lists at once, all in the order of the service. In a
/// repository that was found by a pattern, a tag that is given exactly is taken only where it exists.
///
/// # Errors
/// Nothing fits, or a list cannot be read.
pub async fn existing(
    selections: &[Selection],
    exclude: &Filter,
    reads: Reads<'_>,
    concurrency: usize,
) -> Result<Selected, Unselected> {
    let repositories = repositories(selections, reads).await?;
    let found = found(selections, &repositories);
    let lists = tags(&found, reads, concurrency).await?;
    let (images, unfit) = fitting(&found, &lists, exclude);
    if images.is_empty() {
        return Err(Unselected::Nothing(nothing(
            selections,
            &repositories,
            &found,
            &lists,
            &unfit,
        )));
    }
    for choice in unfit {
        let warning = format!("no tag fits `{choice}`");
        (reads.events)(Event::Log(Level::Warn, warning));
    }
    let listed = lists
        .into_iter()
        .map(|((namespace, repository), tags)| {
            let place = (namespace.clone(), repository.clone());
            (place, tags.into_iter().collect())
        })
        .collect();
    Ok(Selected { images, listed })
}

/// A repository to sync from, and the tags that were selected in it.
struct Found<'a> {
    namespace: &'a Namespace,
    repository: &'a Repository,
    is_by_pattern: bool,
    tags: &'a [Choice<Tag>],
}

impl Found<'_> {
    /// Whether its tags have to be listed.
    fn is_to_list(&self) -> bool {
        let is_pattern = |tag: &Choice<Tag>| matches!(tag, Choice::Pattern(_));
        self.is_by_pattern || self.tags.iter().any(is_pattern)
    }
}

type Repositories<'a> = HashMap<&'a Namespace, Vec<Repository>>;
type Tags<'a> = HashMap<(&'a Namespace, &'a Repository), Vec<Tag>>;

/// All repositories of each organization that a pattern is about.
async fn repositories<'a>(
    selections: &'a [Selection],
    reads: Reads<'_>,
) -> Result<Repositories<'a>, Unselected> {
    let mut all = Repositories::new();
    for selection in selections {
        let namespace = &selection.namespace;
        if matches!(selection.repository, Choice::Exact(_)) || all.contains_key(namespace) {
            continue;
        }
        let rows = reads
            .repositories(namespace)
            .await
            .map_err(|error| Unselected::Unread(Box::new(error.failure)))?;
        let own = rows.into_iter().filter(|row| {
            let of = row.namespace.as_deref();
            of.is_none_or(|of| of == namespace.as_str())
        });
        all.insert(namespace, names(own.map(|row| row.name), reads));
    }
    Ok(all)
}

/// Names as they were listed, each once; without those that cannot be sent, which leave a warning.
fn names<T: FromStr<Err = NameError> + Clone + Eq + Hash>(
    listed: impl Iterator<Item = String>,
    reads: Reads<'_>,
) -> Vec<T> {
    let mut seen = HashSet::new();
    listed
        .filter_map(|name| {
            let name = name.parse::<T>().inspect_err(|error| {
                let warning = format!("left out, since it cannot be asked for: {error}");
                (reads.events)(Event::Log(Level::Warn, warning));
            });
            name.ok().filter(|name| seen.insert(name.clone()))
        })
        .collect()
}

fn found<'a>(selections: &'a [Selection], repositories: &'a Repositories<'_>) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for selection in selections {
        let Selection {
            namespace,
            repository,
            tags,
        } = selection;
        let mut add = |repository, is_by_pattern| {
            found.push(Found {
                namespace,
                repository,
                is_by_pattern,
                tags,
            });
        };
        match repository {
            Choice::Exact(repository) => add(repository, false),
            Choice::Pattern(pattern) => repositories[namespace]
                .iter()
                .filter(|repository| pattern.matches(repository.as_str()))
                .for_each(|repository| add(repository, true)),
        }
    }
    found
}

/// The tags of every repository where they matter.
async fn tags<'a>(
    found: &[Found<'a>],
    reads: Reads<'_>,
    concurrency: usize,
) -> Result<Tags<'a>, Unselected> {
    // A repository that somebody named must exist; one that was just listed may be gone.
    let mut to_list: HashMap<(&Namespace, &Repository), bool> = HashMap::new();
    for found in found.iter().filter(|found| found.is_to_list()) {
        let place = (found.namespace, found.repository);
        *to_list.entry(place).or_default() |= !found.is_by_pattern;
    }
    let list =
        async |((namespace, repository), must_exist): ((&'a Namespace, &'a Repository), bool)| {
            let place = Place {
                region: &reads.client.source,
                namespace,
                repository,
            };
            let tags = match reads.tags(place).await {
                Ok(rows) => names(rows.into_iter().map(|row| row.name), reads),
                Err(error) if error.kind == ErrorKind::NotFound && !must_exist => Vec::new(),
                Err(error) => return Err(Unselected::Unread(Box::new(error.failure))),
            };
            Ok(((namespace, repository), tags))
        };
    stream::iter(to_list)
        .map(list)
        .buffer_unordered(concurrency)
        .try_collect()
        .await
}

/// The images that fit, and what was asked for and fits nothing.
fn fitting<'a>(
    found: &[Found<'a>],
    lists: &Tags<'_>,
    exclude: &Filter,
) -> (Vec<Images>, Vec<&'a Choice<Tag>>) {
    let mut order: Vec<(&Namespace, &Repository)> = Vec::new();
    let mut selected: HashMap<(&Namespace, &Repository), Vec<&Tag>> = HashMap::new();
    let mut choices: Vec<&Choice<Tag>> = Vec::new();
    let mut fits: HashMap<String, bool> = HashMap::new();
    for found in found {
        let place = (found.namespace, found.repository);
        let listed: &[Tag] = lists.get(&place).map_or(&[], Vec::as_slice);
        let tags = selected.entry(place).or_insert_with(|| {
            order.push(place);
            Vec::new()
        });
        let exists: HashSet<&Tag> = listed.iter().collect();
        for choice in found.tags {
            let before = tags.len();
            match choice {
                Choice::Exact(tag) if found.is_by_pattern && !exists.contains(tag) => {}
                Choice::Exact(tag) => tags.push(tag),
                Choice::Pattern(pattern) => {
                    tags.extend(listed.iter().filter(|tag| pattern.matches(tag.as_str())));
                }
            }
            *fits.entry(choice.to_string()).or_insert_with(|| {
                choices.push(choice);
                false
            }) |= tags.len() > before;
        }
    }
    let images = order.into_iter().filter_map(|(namespace, repository)| {
        let mut seen = HashSet::new();
        let tags = selected[&(namespace, repository)].iter().copied();
        let tags: Arc<[Tag]> = tags
            .filter(|tag| !exclude.leaves_out(tag) && seen.insert(*tag))
            .cloned()
            .collect();
        (!tags.is_empty()).then(|| Images {
            namespace: namespace.clone(),
            repository: repository.clone(),
            tags,
        })
    });
    let images = images.collect();
    choices.retain(|choice| !fits[&choice.to_string()]);
    (images, choices)
}

/// Why nothing is left, with some of what exists.
fn nothing(
    selections: &[Selection],
    repositories: &Repositories<'_>,
    found: &[Found<'_>],
    lists: &Tags<'_>,
    unfit: &[&Choice<Tag>],
) -> String {
    /// How many repositories or organizations are shown.
    const SHOWN: usize = 3;
    let list = |names: &[&str]| match names {
        [] => "nothing".to_owned(),
        names => listed(names.iter().copied(), NAMES_LIMIT),
    };
    let quoted = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        listed(texts.iter().copied(), NAMES_LIMIT)
    };
    let (why, exists): (String, Vec<String>) = if found.is_empty() {
        let patterns: Vec<String> = selections
            .iter()
            .map(|selection| selection.repository.to_string())
            .collect();
        let mut organizations: Vec<_> = repositories.iter().collect();
        organizations.sort_unstable();
        let exists = organizations.iter().take(SHOWN).map(|(namespace, names)| {
            let names: Vec<&str> = names.iter().map(Repository::as_str).collect();
            format!("the organization {namespace} has {}", list(&names))
        });
        let why = format!("no repository fits {}", quoted(&patterns));
        (why, exists.collect())
    } else {
        let exists = found.iter().take(SHOWN).filter_map(|found| {
            let (namespace, repository) = (found.namespace, found.repository);
            let tags = lists.get(&(namespace, repository))?;
            let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
            Some(format!("{namespace}/{repository} has {}", list(&names)))
        });
        let why = if unfit.is_empty() {
            "`exclude-tags` leaves out every tag that fits".to_owned()
        } else {
            let choices: Vec<String> = unfit.iter().map(ToString::to_string).collect();
            format!("no tag fits {}", quoted(&choices))
        };
        (why, exists.collect())
    };
    format!("nothing is left to sync: {why}; {}", exists.join("; "))
}
