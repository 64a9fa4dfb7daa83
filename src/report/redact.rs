//! Keeps secrets out of everything that is printed or written, in the forms that servers and libraries repeat them in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for a secret.
const MASK: &str = "***";

/// Shorter texts are no secrets; to redact them would garble everything and hide nothing.
const SHORTEST_SECRET: usize = 4;

/// The last line of defence works on finished texts and must not mistake their words for a secret.
const SHORTEST_IN_FINISHED_TEXT: usize = 8;

/// RFC 3986: everything but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What is commonly left as it is within a path.
const PATH: &AsciiSet = &RESERVED
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// Knows the secrets of a run. What is learned later applies from then on.
#[derive(Clone, Default)]
pub struct Redactor {
    /// What to look for.
    forms: BTreeMap<String, Form>,
}

/// A form that a secret is repeated in.
#[derive(Clone)]
struct Form {
    finder: memmem::Finder<'static>,
    mask: String,
    is_long: bool,
}

impl fmt::Debug for Redactor {
    /// Its forms are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

impl Redactor {
    /// Learns a secret: from now on it is shown as `***`, as are its encoded forms and each line of it. Returns the
    /// parts that are new, the whole first.
    pub fn secret<'s>(&mut self, secret: &'s str) -> Vec<&'s str> {
        let is_mask = |form: &Form| form.mask == MASK;
        let mut new = parts(secret);
        new.retain(|part| !self.forms.get(*part).is_some_and(is_mask));
        for form in new.iter().flat_map(|part| forms(part)) {
            self.learn(form, MASK.to_owned());
        }
        new
    }

    /// Learns an access key: from now on only its first four characters are shown.
    pub fn access_key(&mut self, key: &str) {
        let key = key.trim();
        let start: String = key.chars().take(4).collect();
        if key.len() > start.len() && !self.forms.contains_key(key) {
            self.learn(key.to_owned(), format!("{start}…"));
        }
    }

    fn learn(&mut self, text: String, mask: String) {
        let form = Form {
            finder: memmem::Finder::new(&text).into_owned(),
            mask,
            is_long: text.chars().count() >= SHORTEST_IN_FINISHED_TEXT,
        };
        self.forms.insert(text, form);
    }

    /// Redacts text that came from outside.
    pub fn foreign<'t>(&self, text: &'t str) -> Cow<'t, str> {
        redact(text, self.forms.values())
    }

    /// Redacts what is about to be printed or written, should anything have gone past [`Self::foreign`].
    pub fn finished<'t>(&self, text: &'t str) -> Cow<'t, str> {
        redact(text, self.forms.values().filter(|form| form.is_long))
    }
}

/// Masks every byte of every form; what overlaps is masked as one.
fn redact<'t, 'f>(text: &'t str, forms: impl Iterator<Item = &'f Form>) -> Cow<'t, str> {
    let mut found: Vec<(Range<usize>, &str)> = forms
        .flat_map(|form| places(text, &form.finder).map(|place| (place, form.mask.as_str())))
        .collect();
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_unstable_by_key(|(place, _)| (place.start, place.end));
    let mut redacted = String::with_capacity(text.len());
    let mut shown = 0;
    let mut found = found.into_iter().peekable();
    while let Some((mut place, mut mask)) = found.next() {
        while let Some((overlapping, other)) = found.next_if(|(next, _)| next.start < place.end) {
            place.end = place.end.max(overlapping.end);
            if other == MASK {
                mask = MASK;
            }
        }
        redacted.push_str(&text[shown..place.start]);
        redacted.push_str(mask);
        shown = place.end;
    }
    redacted.push_str(&text[shown..]);
    Cow::Owned(redacted)
}

/// Where a form stands in a text, overlapping places included. They begin and end between characters, since forms are
/// whole characters.
fn places(text: &str, finder: &memmem::Finder<'_>) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + finder.find(&text.as_bytes()[from..])?;
        from = start + 1;
        Some(start..start + finder.needle().len())
    })
}

/// The secret as a whole, and its lines: a log shows a multi-line secret line by line.
fn parts(secret: &str) -> Vec<&str> {
    let mut parts = vec![secret.trim()];
    parts.extend(secret.lines().map(str::trim));
    parts.retain(|part| part.chars().count() >= SHORTEST_SECRET);
    parts.dedup();
    parts
}

/// The ways in which a secret is repeated: as it is, percent-encoded, within JSON, in base64.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for set in [RESERVED, PATH] {
        let encoded = utf8_percent_encode(secret, set).to_string();
        forms.push(encoded.replace("%20", "+"));
        forms.push(lower_hex(&encoded));
        forms.push(encoded);
    }
    let json = serde_json::to_string(secret).expect("a text is always JSON");
    forms.push(json[1..json.len() - 1].to_owned());
    forms.extend(base64_forms(secret));
    forms
}

fn lower_hex(encoded: &str) -> String {
    let mut lowered = String::with_capacity(encoded.len());
    let mut hex_digits = 0;
    for character in encoded.chars() {
        if character == '%' {
            hex_digits = 2;
            lowered.push(character);
        } else if hex_digits > 0 {
            hex_digits -= 1;
            lowered.push(character.to_ascii_lowercase());
        } else {
            lowered.push(character);
        }
    }
    lowered
}

/// Base64 of the secret wherever it stands in an encoded text, such as `user:secret` of a proxy: for each of the
/// three alignments the characters that its bytes alone decide.
fn base64_forms(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        let first = (before * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        for engine in [&STANDARD, &URL_SAFE] {
            let encoded = engine.encode(&bytes);
            let own = &encoded[first..last];
            if own.len() >= SHORTEST_SECRET {
                forms.push(own.to_owned());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "pass/word+1 \"ü\"";

    fn redactor() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.secret(SECRET);
        redactor
    }

    #[test]
    fn a_secret_is_hidden_in_every_form_it_is_repeated_in() {
        let redactor = redactor();
        for form in [
            SECRET,
            "pass%2Fword%2B1%20%22%C3%BC%22",
            "pass%2fword%2b1%20%22%c3%bc%22",
            "pass%2Fword%2B1+%22%C3%BC%22",
            "pass/word+1%20%22%C3%BC%22",
            "pass/word+1 \\\"ü\\\"",
        ] {
            assert_eq!(redactor.foreign(&format!("<{form}>")), "<***>", "{form}");
        }
    }

    #[test]
    fn base64_is_hidden_at_every_alignment() {
        let redactor = redactor();
        for before in ["", "u", "us", "user:"] {
            for after in ["", "!", "!!", "!!!"] {
                for engine in [&STANDARD, &URL_SAFE] {
                    let encoded = engine.encode(format!("{before}{SECRET}{after}"));
                    let shown = redactor.foreign(&encoded);
                    assert!(shown.contains("***"), "{before} {after}: {shown}");
                    assert!(
                        shown.len() <= 3 + before.len() * 2 + after.len() * 2 + 6,
                        "{shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_line_of_a_secret_is_hidden() {
        let mut redactor = Redactor::default();
        redactor.secret("first line\r\n}\nsecond line\n");
        assert_eq!(redactor.foreign("} second line, first line"), "} ***, ***");
    }

    #[test]
    fn a_secret_is_new_only_once() {
        let mut redactor = Redactor::default();
        assert_eq!(
            redactor.secret("first line\nsecond"),
            ["first line\nsecond", "first line", "second"]
        );
        assert_eq!(redactor.secret("second"), [""; 0]);
        assert_eq!(redactor.secret("abc"), [""; 0]);
    }

    #[test]
    fn an_access_key_keeps_its_first_four_characters() {
        let mut redactor = Redactor::default();
        redactor.access_key("ABCDEFGHIJ");
        redactor.access_key("WXYZ");
        let shown = redactor.foreign("key ABCDEFGHIJ, WXYZ").into_owned();
        assert_eq!(shown, "key ABCD…, WXYZ");
        assert_eq!(redactor.foreign(&shown), shown);
    }

    #[test]
    fn the_longest_secret_wins_whatever_was_learned_first() {
        let mut redactor = Redactor::default();
        redactor.secret("abcd");
        redactor.secret("abcdefgh");
        assert_eq!(redactor.foreign("abcdefgh abcd"), "*** ***");
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_between_them() {
        let mut redactor = Redactor::default();
        redactor.secret("abab");
        redactor.secret("bcde");
        assert_eq!(redactor.foreign("-ababab-ababcde-"), "-***-***-");
    }

    #[test]
    fn a_finished_text_keeps_its_short_words() {
        let mut redactor = Redactor::default();
        redactor.secret("tags");
        redactor.secret("a-long-secret");
        assert_eq!(
            redactor.finished(r#"{"tags":"a-long-secret"}"#),
            r#"{"tags":"***"}"#
        );
    }

    #[test]
    fn nothing_is_printed_of_the_secrets_by_debug() {
        let shown = format!("{:?}", redactor());
        assert!(!shown.contains("pass"), "{shown}");
    }
}
