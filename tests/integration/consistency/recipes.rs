//! The recipes for GitHub run: every step in them that uses this action is taken as it stands, given to the real program, and
//! syncs what it says against the stand-in.

use serde_json::Value;
use standin::{Agency, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Provider, Standin, Tag, World};
use swr_image_sync::inputs::find;

use super::read;
use super::texts::{blocks, yaml};
use crate::common::{Finished, Run};

const REGISTRY: &str = "swr.cn-north-4.myhuaweicloud.com/my-organization";

/// What the recipes take for granted.
fn world() -> World {
    let mut world = World::demo();
    for (region, namespace) in [
        ("cn-east-3", "my-organization"),
        ("ap-southeast-3", "my-organization"),
        ("la-south-2", "my-organization-sa"),
        ("region-2", "my-organization"),
    ] {
        world.organization(region, namespace);
    }
    for (region, repository, tag) in [
        ("cn-north-4", "my-app", "v1.2.3"),
        ("cn-north-4", "my-app", "latest"),
        ("cn-north-4", "my-app", "pr-7"),
        ("cn-north-4", "backend/api", "v1.2.3"),
        ("region-1", "my-app", "v1.2.3"),
    ] {
        world.push(
            region,
            "my-organization",
            repository,
            tag,
            Tag::manifest(repository),
        );
    }
    world
}

/// What the runner puts in place of an expression.
fn value_of(expression: &str, standin: &Standin) -> String {
    match expression {
        "steps.meta.outputs.json" | "needs.image.outputs.pushed" => {
            serde_json::json!({"tags": [format!("{REGISTRY}/my-app:v1.2.3"), "ghcr.io/me/my-app:v1.2.3"]}).to_string()
        }
        "steps.push.outputs.metadata" => serde_json::json!({"image.name": format!("{REGISTRY}/my-app:v1.2.3")}).to_string(),
        "steps.sync.outputs.failed-images" => serde_json::json!([format!("{REGISTRY}/my-app:v1.2.3")]).to_string(),
        "matrix.target" => "la-south-2/my-organization-sa".to_owned(),
        "vars.HUAWEI_CLOUD_PROVIDER_URN" => Provider::demo().urn,
        "vars.HUAWEI_CLOUD_AGENCY_URN" => Agency::demo().urn,
        "vars.CLOUD_ROOT_PEM" | "vars.PROXY_ROOT_PEM" => standin.ca_pem().to_owned(),
        "secrets.HUAWEI_CLOUD_ACCESS_KEY" | "secrets.CLOUD_ACCESS_KEY" => DEMO_ACCESS_KEY.to_owned(),
        "secrets.HUAWEI_CLOUD_SECRET_KEY" | "secrets.CLOUD_SECRET_KEY" => DEMO_SECRET_KEY.to_owned(),
        _ => panic!("no value is known for ${{{{ {expression} }}}}"),
    }
}

/// A text as the action gets it: expressions replaced.
fn resolved(text: &str, standin: &Standin) -> String {
    let mut parts = text.split("${{");
    let mut resolved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once("}}").expect("an expression ends");
        resolved += &value_of(expression.trim(), standin);
        resolved += rest;
    }
    resolved
}

/// All steps in a YAML text that use the action.
fn uses(value: &Value) -> Vec<&Value> {
    let inner = match value {
        Value::Array(entries) => entries.iter().flat_map(uses).collect(),
        Value::Object(entries) => entries.values().flat_map(uses).collect(),
        _ => Vec::new(),
    };
    let is_ours = value["uses"]
        .as_str()
        .is_some_and(|uses| uses == "OWNER/swr-image-sync@v1");
    is_ours.then_some(value).into_iter().chain(inner).collect()
}

fn texts_of(value: &Value) -> impl Iterator<Item = (&str, String)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })
}

/// Runs a step as the runner would, but for addresses and what is only there on an ECS host.
fn run(step: &Value, standin: &Standin) -> Finished {
    let mut run = Run::github()
        .set("ACTIONS_ID_TOKEN_REQUEST_URL", &standin.issuer_url())
        .set(
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            &standin.world().issuer.request_token,
        )
        .input("sts-endpoint", &standin.sts_endpoint());
    for (name, value) in texts_of(&step["env"]) {
        run = run.set(name, &value);
    }
    for (name, value) in texts_of(&step["with"]) {
        assert!(find(name).is_some(), "{name}");
        run = match name {
            "ecs-agency" => run.input("dry-run", "true"),
            _ => run.input(name, &resolved(&value, standin)),
        };
    }
    run.input("endpoint", &standin.endpoint()).run()
}

/// Runs all steps of a text and returns how many there were.
fn all_succeed(path: &str, text: &str) -> usize {
    let documents = yaml(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let steps: Vec<&Value> = documents.iter().flat_map(uses).collect();
    for step in &steps {
        let standin = Standin::start(world());
        let finished = run(step, &standin);
        assert_eq!(
            finished.code,
            Some(0),
            "{path}: {step:#}\n{}",
            finished.stdout
        );
        let is_dry = finished.output("status") == "dry-run";
        assert_eq!(
            standin.sync_requests().is_empty(),
            is_dry,
            "{path}: {step:#}\n{}",
            finished.stdout
        );
    }
    steps.len()
}

#[test]
fn the_recipes_of_the_readme_sync_what_they_say() {
    let blocks = blocks(&read("README.md"), "yaml");
    let ran: usize = blocks
        .iter()
        .map(|block| all_succeed("README.md", block))
        .sum();
    assert!(ran >= 14, "{ran}");
}

#[test]
fn the_workflows_to_start_from_sync_what_they_say() {
    for path in [
        "examples/ci/github/publish-and-sync.yml",
        "examples/ci/github/keyless.yml",
    ] {
        assert_eq!(all_succeed(path, &read(path)), 1, "{path}");
    }
}

/// Runs a command with the variables that a shell block sets, as `NAME=value` in front of it or behind `--env`.
fn run_shell(block: &str, standin: &Standin) -> Finished {
    let words = block
        .split_whitespace()
        .filter_map(|word| word.split_once('='));
    let run = words.fold(Run::plain(), |run, (name, value)| {
        run.set(name, value.trim_matches('\''))
    });
    run.set("INPUT_ENDPOINT", &standin.endpoint()).run()
}

#[test]
fn the_commands_of_the_readme_sync_what_they_say() {
    let blocks = blocks(&read("README.md"), "sh");
    let [own] = &blocks
        .iter()
        .filter(|block| block.contains("INPUT_ENDPOINT="))
        .collect::<Vec<_>>()[..]
    else {
        panic!("one block is for trying inputs of one's own");
    };
    let standin = Standin::start(World::demo());
    let [_, given] = &own.split("INPUT_ENDPOINT='").collect::<Vec<_>>()[..] else {
        panic!("it names the imitation once");
    };
    let path = given
        .split('\'')
        .next()
        .and_then(|address| address.strip_prefix("http://127.0.0.1:8080"));
    assert_eq!(path, standin.endpoint().strip_prefix(standin.url()));
    let finished = run_shell(own, &standin);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.sync_requests().len(), 2);
    let mistyped = run_shell(
        &own.replace("team/app:1.0.0", "team/app:1.0.O"),
        &Standin::start(World::demo()),
    );
    assert_eq!(mistyped.code, Some(4), "{}", mistyped.stdout);

    let [container] = &blocks
        .iter()
        .filter(|block| block.starts_with("docker run"))
        .collect::<Vec<_>>()[..]
    else {
        panic!("one block runs the image");
    };
    let keys = format!("HUAWEICLOUD_SDK_AK={DEMO_ACCESS_KEY} HUAWEICLOUD_SDK_SK={DEMO_SECRET_KEY}");
    let without_keys = "--env HUAWEICLOUD_SDK_AK --env HUAWEICLOUD_SDK_SK";
    assert!(container.contains(without_keys), "{container}");
    let standin = Standin::start(world());
    let finished = run_shell(&container.replace(without_keys, &keys), &standin);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.sync_requests().len(), 1);
}

#[test]
fn a_wrong_recipe_is_noticed() {
    let step = serde_json::json!({"with": {"images": format!("{REGISTRY}/my-app:v1.2.3"), "targets": "nowhere-1", "preflight": true,
        "access-key": DEMO_ACCESS_KEY, "secret-key": DEMO_SECRET_KEY}});
    assert_eq!(run(&step, &Standin::start(world())).code, Some(4));
}
