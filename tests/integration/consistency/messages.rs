//! Everything the program can say is explained in docs/troubleshooting.md and its Chinese twin, and nothing else is.
//!
//! Messages are the texts in the source that read like prose. In the documents they stand in blocks of `text`, as they are
//! seen, with `…` for what differs from run to run.

use std::collections::BTreeSet;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::texts::blocks;
use super::{files_below, hold, read};

/// Where messages are explained.
const DOCUMENTS: [&str; 2] = ["docs/troubleshooting.md", "docs/zh-CN/troubleshooting.md"];

/// Files whose texts are no messages: the tables that README and `--help` have, and the forms of signatures.
const OTHER_TEXTS: [&str; 4] = [
    "src/help.rs",
    "src/inputs/table.rs",
    "src/report/outputs.rs",
    "src/swr/sign.rs",
];

/// Texts that are compared with what a server or a library says; they are never shown.
const NOT_SHOWN: [&str; 14] = [
    "client id",
    "could not find",
    "dns error",
    "no such",
    "not exist",
    "not found",
    "reach the limit",
    "server time:",
    "signature expired",
    "signature time:",
    "tunnel error",
    "tunnel error: proxy authorization required",
    "tunnel error: unsuccessful",
    "verify aksk signature fail",
];

/// Macros and functions whose texts tell about defects of the program, not about a run.
const FOR_DEVELOPERS: [&str; 8] = [
    "expect",
    "panic",
    "unreachable",
    "assert",
    "assert_eq",
    "debug_assert",
    "expect_err",
    "debug_struct",
];

/// All texts of a piece of code that may be shown.
fn texts(code: TokenStream, found: &mut BTreeSet<String>) {
    let mut tokens = code.into_iter().peekable();
    let mut last = String::new();
    let mut is_test = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                // An attribute, perhaps of the file.
                tokens.next_if(
                    |token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!'),
                );
                let Some(TokenTree::Group(attribute)) = tokens.next() else {
                    continue;
                };
                let text = attribute.stream().to_string();
                is_test |= text == "cfg (test)" || text == "cfg(test)";
                if text.starts_with("error") {
                    texts(attribute.stream(), found);
                }
            }
            TokenTree::Group(group) => {
                let skipped = FOR_DEVELOPERS.contains(&last.as_str())
                    || (is_test && group.delimiter() == Delimiter::Brace);
                if !skipped {
                    texts(group.stream(), found);
                }
                if group.delimiter() == Delimiter::Brace {
                    is_test = false;
                }
                last.clear();
            }
            TokenTree::Literal(literal) => {
                if let Some(text) = unquoted(&literal.to_string()) {
                    found.insert(text);
                }
            }
            TokenTree::Ident(name) => last = name.to_string(),
            // The mark of a macro stands between its name and its arguments; a test module may be in another file.
            TokenTree::Punct(punct) => match punct.as_char() {
                '!' => {}
                ';' => {
                    is_test = false;
                    last.clear();
                }
                _ => last.clear(),
            },
        }
    }
}

/// The text of a string literal.
fn unquoted(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        return raw
            .trim_matches('#')
            .strip_prefix('"')?
            .strip_suffix('"')
            .map(str::to_owned);
    }
    let quoted = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut characters = quoted.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next()? {
            'n' => text.push('\n'),
            'r' | 't' | '0' => text.push(' '),
            '\n' => {
                while characters
                    .next_if(|character| character.is_whitespace())
                    .is_some()
                {}
            }
            'u' => {
                let code: String = characters
                    .by_ref()
                    .skip(1)
                    .take_while(|character| *character != '}')
                    .collect();
                text.push(
                    u32::from_str_radix(&code, 16)
                        .ok()
                        .and_then(char::from_u32)?,
                );
            }
            'x' => {
                characters.by_ref().take(2).for_each(drop);
            }
            plain => text.push(plain),
        }
    }
    Some(text)
}

/// A text as it is seen, with `…` for what is filled in.
fn seen(text: &str) -> String {
    let mut seen = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' | '}' if characters.next_if_eq(&character).is_some() => seen.push(character),
            '{' => {
                characters
                    .by_ref()
                    .take_while(|character| *character != '}')
                    .for_each(drop);
                seen.push('…');
            }
            _ => seen.push(character),
        }
    }
    let mut seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    for doubled in ["… …", "……"] {
        while seen.contains(doubled) {
            seen = seen.replace(doubled, "…");
        }
    }
    seen
}

/// Whether a text reads like something said to a person: two words beside each other.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &str| {
        word.chars().count() > 1
            && word
                .chars()
                .all(|character| character.is_alphabetic() || "'’-".contains(character))
    };
    let words: Vec<&str> = text
        .split(' ')
        .map(|word| word.trim_matches(|character: char| ",;:.()?".contains(character)))
        .collect();
    words
        .windows(2)
        .any(|pair| is_word(pair[0]) && is_word(pair[1]))
}

/// Everything the program can say.
fn messages() -> Vec<String> {
    let mut found = BTreeSet::new();
    let is_test = |path: &String| path.ends_with("tests.rs") || path.contains("/tests/");
    for path in files_below("src")
        .iter()
        .filter(|path| !is_test(path) && !OTHER_TEXTS.contains(&path.as_str()))
    {
        let code =
            TokenStream::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        texts(code, &mut found);
    }
    let unused: Vec<_> = NOT_SHOWN
        .iter()
        .filter(|text| !found.contains(**text))
        .collect();
    assert!(unused.is_empty(), "no longer in the source: {unused:?}");
    let shown = found
        .iter()
        .filter(|text| !NOT_SHOWN.contains(&text.as_str()));
    let mut messages: Vec<String> = shown
        .map(|text| seen(&seen(text)).trim_matches([';', ',', ' ']).to_owned())
        .filter(|text| is_prose(text))
        .collect();
    // Longest first: a short one may be part of a long one.
    messages.sort_by_key(|text| std::cmp::Reverse(text.len()));
    messages
}

/// The messages that a document explains, one a line.
fn explained(document: &str) -> Vec<String> {
    let lines = blocks(&read(document), "text");
    lines
        .iter()
        .flat_map(|block| block.lines())
        .map(seen)
        .collect()
}

/// What is left of a line when a message is taken out of it, where it is in it. `…` in the message stands for anything.
fn without(line: &str, message: &str) -> Option<String> {
    let mut rest = line;
    let mut left = String::new();
    for part in message.split('…').filter(|part| !part.is_empty()) {
        let (before, behind) = rest.split_once(part)?;
        left += before;
        left.push('…');
        rest = behind;
    }
    Some(left + rest)
}

#[test]
fn every_message_is_explained_and_every_explained_message_exists() {
    let messages = messages();
    assert!(messages.len() > 200, "only {} were found", messages.len());
    let mut problems = Vec::new();
    for document in DOCUMENTS {
        let explained = explained(document);
        for message in &messages {
            if !explained
                .iter()
                .any(|line| without(line, message).is_some())
            {
                problems.push(format!("{document} does not explain: {message}"));
            }
        }
        for line in &explained {
            let rest = messages.iter().fold(line.clone(), |rest, message| {
                without(&rest, message).unwrap_or(rest)
            });
            if rest.chars().any(char::is_alphabetic) {
                problems.push(format!(
                    "{document} explains what the program does not say: {line} (left over: {rest})"
                ));
            }
        }
    }
    if !problems.is_empty() {
        problems.push("Put each into a block of `text` with cause and cure, in both languages; CONTRIBUTING.md says more.".to_owned());
    }
    hold(&problems);
}

#[test]
fn both_languages_explain_the_same_messages_once_each() {
    let [english, chinese] = DOCUMENTS.map(explained);
    let mut seen = BTreeSet::new();
    let twice: Vec<&String> = english.iter().filter(|line| !seen.insert(*line)).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    for (place, (english, chinese)) in english.iter().zip(&chinese).enumerate() {
        assert_eq!(chinese, english, "line {place} of all messages");
    }
    assert_eq!(chinese.len(), english.len());
}

#[test]
fn prose_is_found_and_code_is_not() {
    let code = r##"
        //! Not this comment.
        /// Nor this one.
        #[error("the file {0} is gone")]
        #[expect(dead_code, reason = "nobody sees it")]
        fn f() { say("cannot write {}: {}"); x.expect("never seen at all"); g(&format!("a \
            b c{{d}} {e}")); "x-request-id"; "::error title={title}"; }
        #[cfg(test)]
        mod tests { fn f() { say("only in tests"); } }
        const LATER: &str = "still found";
    "##;
    let mut found = BTreeSet::new();
    texts(TokenStream::from_str(code).expect("it is code"), &mut found);
    let seen: Vec<String> = found
        .iter()
        .map(|text| seen(text))
        .filter(|text| is_prose(text))
        .collect();
    assert_eq!(
        seen,
        ["cannot write …: …", "still found", "the file … is gone"]
    );
    assert!(found.contains("a b c{{d}} {e}"));
}
