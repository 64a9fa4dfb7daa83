//! The smallest glob: `*` stands for any text, slashes included.

/// Whether the pattern covers the whole text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a/b", true),
            ("v1", "v1", true),
            ("v1", "v10", false),
            ("v*", "v10", true),
            ("*0", "v10", true),
            ("v*1*0", "v2100", true),
            ("a*a", "a", false),
            ("/swr/*/sync_images", "/swr/cn-north-4/v2/sync_images", true),
            ("a*b*c", "ac", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
