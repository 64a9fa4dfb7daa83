//! How the CI systems read logs and files, written from their sources and documentation, not from our escapes. Where a
//! system knows a list of commands, every name is taken for one here, so that these readers find more than they do.

use std::collections::BTreeMap;

/// Characters that a comparison by culture passes over, as the runners of GitHub and Azure compare
/// (`message.IndexOf(Prefix)` without an ordinal comparison in `ActionCommand.cs` and `Command.cs`).
fn is_ignorable(character: char) -> bool {
    let control = character.is_control() && !"\t\n\r\u{b}\u{c}\u{85}".contains(character);
    control
        || matches!(u32::from(character),
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8
            | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// Lines as .NET, Go, Java and Ruby readers cut them, the most eager of them taken together.
fn lines(log: &str) -> impl Iterator<Item = String> {
    log.split([
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ])
    .map(|line| line.chars().filter(|c| !is_ignorable(*c)).collect())
}

/// A command found in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The system's prefix and the name.
    pub(super) name: String,
    /// Names and values, decoded.
    pub(super) properties: BTreeMap<String, String>,
    /// What follows, decoded.
    pub(super) data: String,
}

impl Command {
    /// Name and names of properties: what a text must not change.
    pub(super) fn shape(&self) -> String {
        let keys: Vec<&str> = self.properties.keys().map(String::as_str).collect();
        format!("{} {}", self.name, keys.join(","))
    }
}

/// All commands of all systems.
pub(super) fn commands(log: &str) -> Vec<Command> {
    let mut found = github(log);
    found.extend(bracketed(log, "##[", ""));
    found.extend(bracketed(log, "##vso[", "%AZP25"));
    found.extend(teamcity(log));
    found.extend(gitlab(log));
    found.extend(buildkite(log));
    found
}

fn properties(
    text: &str,
    separator: char,
    decode: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    text.split(separator)
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), decode(value)))
        .collect()
}

/// `TryParseV2` of actions/runner: `::` at the start of the trimmed line. act and its children want it untrimmed.
fn github(log: &str) -> Vec<Command> {
    let decode = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    lines(log)
        .filter_map(|line| {
            let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
            let (name, rest) = head.split_once(' ').unwrap_or((head, ""));
            Some(Command {
                name: format!("::{name}"),
                properties: properties(rest, ',', decode),
                data: decode(data),
            })
        })
        .collect()
}

/// `##[name k=v;]data` of GitHub and Azure, `##vso[area.event k=v;]data` of Azure: anywhere in a line.
fn bracketed(log: &str, prefix: &str, percent: &str) -> Vec<Command> {
    let decode = |text: &str| {
        let text = text
            .replace("%3B", ";")
            .replace("%5D", "]")
            .replace("%0D", "\r")
            .replace("%0A", "\n");
        if percent.is_empty() {
            text
        } else {
            text.replace(percent, "%")
        }
    };
    lines(log)
        .filter_map(|line| {
            let lower = line.to_ascii_lowercase();
            let (head, data) = line[lower.find(prefix)? + prefix.len()..].split_once(']')?;
            let (name, rest) = head.split_once(' ').unwrap_or((head, ""));
            Some(Command {
                name: format!("{prefix}{name}"),
                properties: properties(rest, ';', decode),
                data: decode(data),
            })
        })
        .collect()
}

/// `##teamcity[name k='v' …]` anywhere in a line; `|` escapes.
fn teamcity(log: &str) -> Vec<Command> {
    lines(log)
        .filter_map(|line| {
            let start = line.find("##teamcity[")? + "##teamcity[".len();
            let mut rest = line[start..].chars().peekable();
            let mut name = String::new();
            while let Some(character) = rest.next_if(|c| !c.is_whitespace() && *c != ']') {
                name.push(character);
            }
            let mut properties = BTreeMap::new();
            loop {
                while rest.next_if(|c| c.is_whitespace()).is_some() {}
                let mut key = String::new();
                while let Some(character) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    key.push(character);
                }
                if key.is_empty() {
                    break;
                }
                assert_eq!(
                    (rest.next(), rest.next()),
                    (Some('='), Some('\'')),
                    "{line}"
                );
                properties.insert(key, teamcity_value(&mut rest, &line));
            }
            assert_eq!(rest.collect::<String>(), "]", "{line}");
            Some(Command {
                name: format!("##teamcity[{name}"),
                properties,
                data: String::new(),
            })
        })
        .collect()
}

fn teamcity_value(rest: &mut impl Iterator<Item = char>, line: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    while let Some(character) = rest.next() {
        let plain = match character {
            '\'' => return String::from_utf16(&units).expect("whole characters"),
            '|' => match rest.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => {
                    assert_eq!(rest.next(), Some('x'), "{line}");
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).expect("four digits"));
                    continue;
                }
                Some(escaped @ ('|' | '\'' | '[' | ']')) => escaped,
                other => panic!("|{other:?} in {line}"),
            },
            plain => plain,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
    }
    panic!("no end of the value in {line}")
}

/// Section marks and other escape sequences, wherever they stand.
fn gitlab(log: &str) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    for (index, _) in log.match_indices('\u{1b}') {
        let rest = &log[index + 1..];
        let name = match rest.strip_prefix("[0Ksection_") {
            Some(section) => section.split(':').next().expect("a first part"),
            None => "escape",
        };
        found.push(Command {
            name: format!("ESC {name}"),
            properties: BTreeMap::new(),
            data: String::new(),
        });
    }
    found
}

/// Headings at the start of a line.
fn buildkite(log: &str) -> Vec<Command> {
    lines(log)
        .filter_map(|line| {
            let mark = ["---", "+++", "~~~", "^^^"]
                .into_iter()
                .find(|mark| line.trim_start().starts_with(mark))?;
            Some(Command {
                name: mark.to_owned(),
                properties: BTreeMap::new(),
                data: line,
            })
        })
        .collect()
}

/// GitHub's output file, as `FileCommandManager` reads it: a line with `=` before any `<<` is a value, else a heredoc
/// that ends at a line equal to the delimiter.
pub(super) fn github_file(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        if line.is_empty() {
            continue;
        } else if let Some(equals) =
            equals.filter(|equals| heredoc.is_none_or(|other| *equals < other))
        {
            found.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
        } else {
            let (name, delimiter) = line.split_once("<<").expect("a value or a heredoc");
            assert!(!name.is_empty() && !delimiter.is_empty(), "{line}");
            let mut value = Vec::new();
            loop {
                match lines.next().expect("a delimiter at the end") {
                    line if line == delimiter => break,
                    line => value.push(line),
                }
            }
            found.insert(name.to_owned(), value.join("\n"));
        }
    }
    found
}

/// `KEY=value` lines, strictly: GitLab knows no quotes, no comments, no empty lines, and trims. Bitbucket, Drone and
/// Harness read this subset alike; the last expands `$` and ends a value at ` #`.
pub(super) fn variables(text: &str) -> BTreeMap<String, String> {
    let body = text.strip_suffix('\n').expect("a line break at the end");
    body.split('\n')
        .map(|line| {
            let (key, value) = line.split_once('=').expect("a value");
            let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(!key.is_empty() && key.chars().all(is_key), "{line}");
            assert!(!value.contains(['$', '#', '\r']), "{line}");
            assert!(!value.starts_with(['"', '\'', '`']), "{line}");
            (key.to_owned(), value.trim().to_owned())
        })
        .collect()
}

/// The part of a shell's grammar that `export KEY='value'` needs; anything else is refused.
pub(super) fn shell(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.strip_prefix("export ").expect("an export");
        let (key, behind) = rest.split_once('=').expect("a value");
        let mut value = String::new();
        rest = behind;
        loop {
            if let Some(quoted) = rest.strip_prefix('\'') {
                let (part, behind) = quoted.split_once('\'').expect("a closing quote");
                value.push_str(part);
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("\\'") {
                value.push('\'');
                rest = behind;
            } else {
                rest = rest.strip_prefix('\n').expect("the end of the line");
                break;
            }
        }
        found.insert(key.to_owned(), value);
    }
    found
}

/// The structure of a page as GitHub's Markdown has it: every node but text, in order.
pub(super) fn structure(markdown: &str) -> Vec<String> {
    use comrak::nodes::NodeValue;
    let arena = comrak::Arena::new();
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.math_dollars = true;
    options.extension.math_code = true;
    let root = comrak::parse_document(&arena, markdown, &options);
    root.descendants()
        .filter_map(|node| match &node.data().value {
            NodeValue::Text(_) | NodeValue::SoftBreak => None,
            NodeValue::HtmlInline(tag) => Some(tag.clone()),
            NodeValue::CodeBlock(_) => Some("code block".to_owned()),
            NodeValue::Link(link) => Some(format!("link to {}", link.url)),
            other => Some(
                format!("{other:?}")
                    .chars()
                    .take_while(|c| c.is_alphanumeric())
                    .collect(),
            ),
        })
        .collect()
}
