//! Foreign text as inert Markdown: every character that Markdown or HTML acts on becomes an entity.

use std::fmt::Write as _;

use crate::report::sanitise::Sanitiser;

/// No foreign text in a summary is longer.
const TEXT_LIMIT: usize = 1000;

/// Makes text fit for a summary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Markdown<'a>(pub(super) &'a Sanitiser);

impl Markdown<'_> {
    /// Text that may hold anything.
    pub(super) fn foreign(self, text: &str) -> String {
        entities(self.0.clean(text).cut(TEXT_LIMIT).as_str())
    }

    /// The same in the type of code. Not a code span: its text cannot be escaped.
    pub(super) fn code(self, text: &str) -> String {
        format!("<code>{}</code>", self.foreign(text))
    }
}

/// Escapes what forms markup, links, mentions, emoji and formulas. A colon is left where a blank follows, and a full
/// stop where no address can begin, so that the source stays readable. An `@` gets a blank too: addresses and mentions
/// are looked for in the finished text, where an entity is a character like any other.
fn entities(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let acts = match character {
            ':' => characters.peek().is_some_and(|next| *next != ' '),
            '.' => {
                let bytes = escaped.as_bytes();
                bytes.len() >= 3 && bytes[bytes.len() - 3..].eq_ignore_ascii_case(b"www")
            }
            _ => "&<>|`*_[]()#!~\\@${}\"'".contains(character),
        };
        if acts {
            write!(escaped, "&#{};", u32::from(character)).expect("a text takes any text");
        } else {
            escaped.push(character);
        }
        if character == '@' && characters.peek().is_some_and(|next| *next != ' ') {
            escaped.push(' ');
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_entities_and_prose_stays() {
        for (text, expected) in [
            (
                "HTTP 404 A.B: not found, try v1.2",
                "HTTP 404 A.B: not found, try v1.2",
            ),
            ("<b>", "&#60;b&#62;"),
            ("a|b`c`", "a&#124;b&#96;c&#96;"),
            ("https://x", "https&#58;//x"),
            ("WWW.x.y", "WWW&#46;x.y"),
            ("&lt;", "&#38;lt;"),
            (":tada:", "&#58;tada:"),
            ("@a #1 $x$", "&#64; a &#35;1 &#36;x&#36;"),
        ] {
            assert_eq!(entities(text), expected);
        }
    }
}
