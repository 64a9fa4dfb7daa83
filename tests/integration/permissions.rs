//! docs/permissions.md and the program say the same.

use std::fs;
use std::path::Path;

use serde_json::Value;
use swr_image_sync::config::Override;
use swr_image_sync::names::{Namespace, Region, Repository, Tag, Target};
use swr_image_sync::plan::Images;
use swr_image_sync::swr::operations::{self, TagOrder};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    fs::read_to_string(path).expect("docs/permissions.md")
}

/// The blocks of a language, each as it would be pasted.
fn blocks(language: &str) -> Vec<String> {
    let text = document();
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == format!("```{language}") {
            let block: Vec<&str> = lines
                .by_ref()
                .take_while(|line| line.trim() != "```")
                .collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

fn actions(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("Action", Value::Array(actions)) => actions
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
                _ => actions(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(actions).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_policy_can_be_pasted_and_every_action_that_is_needed_is_allowed_by_one() {
    let policies: Vec<Value> = blocks("json")
        .iter()
        .map(|block| serde_json::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}")))
        .collect();
    assert_eq!(
        policies.len(),
        5,
        "three of SWR, a trust policy and a conversion rule"
    );
    let allowed: Vec<String> = policies.iter().flat_map(actions).collect();

    let namespace: Namespace = "group".parse().expect("a name");
    let repository: Repository = "app".parse().expect("a name");
    let tag: Tag = "v1".parse().expect("a name");
    let region: Region = "cn-east-3".parse().expect("a name");
    let images = Images {
        namespace: namespace.clone(),
        repository: repository.clone(),
        tags: vec![tag.clone()].into(),
    };
    let target = Target {
        region,
        namespace: namespace.clone(),
    };
    let requests = [
        operations::sync_images(&images, &target, &images.tags, Override::Keep),
        operations::list_sync_jobs(&namespace, &repository, 0),
        operations::list_tags(&namespace, &repository, TagOrder::Default, 0),
        operations::show_tag(&namespace, &repository, &tag),
        operations::list_repositories(&namespace, 0),
        operations::show_namespace(&namespace),
        operations::list_sync_regions(),
    ];
    let needed: Vec<&str> = requests
        .iter()
        .filter_map(|request| request.action)
        .collect();
    assert_eq!(needed.len(), 6, "the list of regions alone needs no action");
    for action in needed {
        assert!(
            allowed.iter().any(|allowed| allowed == action),
            "no policy allows {action}"
        );
    }
}

#[test]
fn every_input_in_an_example_exists() {
    let known: Vec<&str> = swr_image_sync::inputs::INPUTS
        .iter()
        .map(|input| input.name)
        .collect();
    let mut seen = 0;
    for block in blocks("yaml") {
        for line in block.lines() {
            let Some((key, _)) = line.trim().split_once(':') else {
                continue;
            };
            let name = match key.strip_prefix("INPUT_") {
                Some(name) => name.replace('_', "-").to_lowercase(),
                None if key.starts_with("oidc-") || key.starts_with("ecs-") => key.to_owned(),
                None => continue,
            };
            assert!(known.contains(&name.as_str()), "{name} is no input");
            seen += 1;
        }
    }
    assert_eq!(seen, 9);
}

#[test]
fn every_link_within_the_document_leads_somewhere() {
    let text = document();
    let headings: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
        })
        .collect();
    let links: Vec<&str> = text
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(links.len() >= 5);
    for link in links {
        assert!(
            headings.iter().any(|heading| heading == link),
            "#{link} leads nowhere"
        );
    }
}
