//! Links between the documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{documents, hold, project, read};

/// What a document links to, and the names under which its headings can be linked to.
struct Links {
    to: Vec<String>,
    anchors: Vec<String>,
}

fn links(text: &str) -> Links {
    let mut links = Links {
        to: Vec::new(),
        anchors: Vec::new(),
    };
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.to.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for attribute in ["src=\"", "href=\""] {
                    let values = html
                        .split(attribute)
                        .skip(1)
                        .filter_map(|rest| rest.split('"').next());
                    links.to.extend(values.map(str::to_owned));
                }
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let repeated = links
                    .anchors
                    .iter()
                    .filter(|known| **known == anchor)
                    .count();
                links.anchors.push(match repeated {
                    0 => anchor,
                    // GitHub counts those of the same text.
                    count => format!("{anchor}-{count}"),
                });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    links
}

/// The name of a heading, by GitHub's rule.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ => character.is_alphanumeric().then_some(character),
        })
        .collect()
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components()
        .fold(PathBuf::new(), |mut plain, component| {
            match component {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                other => plain.push(other),
            }
            plain
        })
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for document in documents() {
        let text = read(&document);
        let found = links(&text);
        for link in &found.to {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => PathBuf::from(&document),
                path => plain(
                    &Path::new(&document)
                        .parent()
                        .expect("a file has a folder")
                        .join(path),
                ),
            };
            if !project().join(&target).exists() {
                problems.push(format!("{document}: {link} leads to nothing"));
            } else if !fragment.is_empty()
                && target
                    .extension()
                    .is_some_and(|extension| extension == "md")
            {
                let anchors = links(&read(target.to_str().expect("UTF-8"))).anchors;
                if !anchors.iter().any(|anchor| anchor == fragment) {
                    problems.push(format!(
                        "{document}: {link} names no heading of {}; there are {anchors:?}",
                        target.display()
                    ));
                }
            }
        }
    }
    hold(&problems);
    assert!(checked > 50, "only {checked} links were found");
}

#[test]
fn documents_that_the_program_names_exist() {
    let mut problems = Vec::new();
    for path in super::files_below("src")
        .iter()
        .chain(&["action.yml".to_owned()])
    {
        let text = read(path);
        let is_name =
            |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
        for (start, _) in text.match_indices("docs/") {
            let name: String = text[start..]
                .chars()
                .take_while(|character| is_name(*character))
                .collect();
            let name = name.trim_end_matches('.');
            if !project().join(name).exists() {
                problems.push(format!("{path} names {name}, which does not exist"));
            }
        }
    }
    hold(&problems);
}
