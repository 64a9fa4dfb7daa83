//! Failures as people read them: tags that failed for the same reason stand together.

use std::collections::HashMap;
use std::sync::Arc;

use crate::names::Tag;
use crate::outcome::{Failure, PairOutcome};

/// Tags of a pair that failed for one reason.
#[derive(Debug)]
pub struct FailedTags<'a> {
    /// The tags, in input order.
    pub tags: Vec<&'a Tag>,
    /// The reason.
    pub failure: &'a Failure,
}

/// The failed tags of a pair by reason, in the order of the first tag of each.
pub fn by_reason(pair: &PairOutcome) -> Vec<FailedTags<'_>> {
    let mut groups: Vec<FailedTags<'_>> = Vec::new();
    let mut by_address: HashMap<*const Failure, usize> = HashMap::new();
    let mut by_text: HashMap<String, usize> = HashMap::new();
    for (tag, fate) in pair.fates() {
        let Some(failure) = fate.failure.as_ref().filter(|_| !fate.state.is_synced()) else {
            continue;
        };
        let index = *by_address.entry(Arc::as_ptr(failure)).or_insert_with(|| {
            *by_text.entry(failure.to_string()).or_insert_with(|| {
                groups.push(FailedTags {
                    tags: Vec::new(),
                    failure,
                });
                groups.len() - 1
            })
        });
        groups[index].tags.push(tag);
    }
    groups
}

/// The first of `texts` in prose, as many as fit into `limit` characters, and how many there are beside them.
pub fn listed<'a>(texts: impl ExactSizeIterator<Item = &'a str>, limit: usize) -> String {
    let count = texts.len();
    let mut list = String::new();
    for (index, text) in texts.enumerate() {
        if index > 0 && list.len() + 2 + text.len() > limit {
            return format!("{list} and {} more", count - index);
        }
        if index > 0 {
            list.push_str(", ");
        }
        list.push_str(text);
    }
    list
}

/// `1 tag`, `2 tags`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_counted_at_its_end() {
        let list = |limit| listed(["v1", "v2", "v3"].into_iter(), limit);
        assert_eq!(list(20), "v1, v2, v3");
        assert_eq!(list(4), "v1 and 2 more");
        assert_eq!(list(0), "v1 and 2 more");
        assert_eq!(listed(std::iter::empty(), 20), "");
    }
}
