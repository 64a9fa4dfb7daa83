//! From what was selected to the images that are synced.

use crate::config::{Choice, Filter, Selection};
use crate::plan::Images;

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
