//! Counts and lists as people read them.

/// How many characters of names a line of the log shows before it counts the rest.
pub const NAMES_LIMIT: usize = 200;

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

/// `1 tag`, `2 tags`, `3 entries`.
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
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
