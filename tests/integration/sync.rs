//! The main job: what is asked of SWR, in which order, and what comes of it.

use serde_json::json;
use standin::{Answer, Fault, Matcher, Standin, Sync, SyncRule, When, World};

use crate::common::Run;

const IMAGES: &str = "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0\nswr.cn-north-4.myhuaweicloud.com/team/backend/api:v1";

#[test]
fn two_images_reach_two_targets() {
    let standin = Standin::start(World::demo());
    let finished = Run::github()
        .against(&standin)
        .input("images", IMAGES)
        .input("targets", "cn-east-3, ap-southeast-3/team")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(finished.stderr, "");
    let asked: Vec<_> = standin
        .sync_requests()
        .iter()
        .map(|request| (request.path.clone(), request.json()))
        .collect();
    assert_eq!(asked.len(), 4);
    assert!(
        standin
            .sync_requests()
            .iter()
            .all(|request| request.verdict.is_accepted())
    );
    assert_eq!(finished.output("status"), "success");
    assert_eq!(finished.output("failed-tags"), "[]");
    assert_eq!(finished.output("failed-count"), "0");
    assert_eq!(finished.output("failed-images"), "[]");
    assert_eq!(finished.json("synced-tags"), json!(["1.0.0", "v1"]));
    assert_eq!(finished.output("synced-count"), "4");
    assert_eq!(finished.output("exit-code"), "0");
    let results = finished.json("results");
    let order: Vec<_> = results
        .as_array()
        .expect("an array")
        .iter()
        .map(|result| {
            (
                result["repository"].as_str().expect("a name"),
                result["remoteRegionId"].as_str().expect("a name"),
            )
        })
        .collect();
    assert_eq!(
        order,
        [
            ("app", "cn-east-3"),
            ("app", "ap-southeast-3"),
            ("backend/api", "cn-east-3"),
            ("backend/api", "ap-southeast-3")
        ]
    );
    assert!(
        !finished.stdout.contains("::error"),
        "a green run makes no annotation"
    );
}

#[test]
fn a_failing_tag_fails_the_step_and_is_named() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("latest", Sync::named_and_failing()));
    let finished = Run::github()
        .against(&standin)
        .input("namespace", "team")
        .input("repository", "app")
        .input("tags", "1.0.0,latest")
        .input("region", "cn-north-4")
        .input("remote-region-id", "cn-east-3")
        .input("retries", "0")
        .run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert_eq!(finished.output("status"), "partial");
    assert_eq!(finished.json("failed-tags"), json!(["latest"]));
    assert_eq!(
        finished.json("failed-images"),
        json!(["swr.cn-north-4.myhuaweicloud.com/team/app:latest"])
    );
    assert_eq!(finished.json("synced-tags"), json!(["1.0.0"]));
    assert_eq!(finished.output("exit-code"), "1");
    assert_eq!(
        finished.stdout.matches("::error").count(),
        1,
        "{}",
        finished.stdout
    );
}

#[test]
fn failed_images_is_taken_as_images() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule {
        times: Some(1),
        ..SyncRule::tag("latest", Sync::named_and_failing())
    });
    let first = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:latest")
        .input("targets", "cn-east-3")
        .input("retries", "0")
        .run();
    assert_eq!(first.code, Some(1), "{}", first.stdout);
    let second = Run::github()
        .against(&standin)
        .input("images", &first.output("failed-images"))
        .input("targets", "cn-east-3")
        .run();
    assert_eq!(second.code, Some(0), "{}", second.stdout);
}

#[test]
fn failed_tags_are_sent_again_alone_within_the_budget() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule {
        times: Some(1),
        ..SyncRule::tag("latest", Sync::named_and_failing())
    });
    let finished = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app")
        .input("tags", "1.0.0\n1.1.0\nlatest")
        .input("targets", "cn-east-3")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let asked: Vec<_> = standin
        .sync_requests()
        .iter()
        .map(|request| request.json()["imageTag"].clone())
        .collect();
    assert_eq!(
        asked,
        [json!(["1.0.0", "1.1.0", "latest"]), json!(["latest"])]
    );
    assert_eq!(finished.json("results")[0]["calls"][0]["attempts"], 2);
}

#[test]
fn a_401_ends_the_run_with_one_request() {
    let standin = Standin::start(World::demo());
    let finished = Run::github()
        .against(&standin)
        .input("secret-key", "wrongwrongwrongwrongwrongwrongwrongwrong")
        .input("images", IMAGES)
        .input("targets", "cn-east-3, ap-southeast-3")
        .run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_eq!(standin.requests().len(), 1);
    assert_eq!(finished.output("failed-count"), "4");
    let states: Vec<_> = finished
        .json("results")
        .as_array()
        .expect("an array")
        .iter()
        .map(|result| result["tags"][0]["state"].clone())
        .collect();
    assert_eq!(states, ["failed", "skipped", "skipped", "skipped"]);
}

#[test]
fn fail_fast_starts_nothing_new() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(Answer::swr(400, "4000014", "Invalid parameter"))
            .on(Matcher::sync())
            .when(When::First(1)),
    );
    let finished = Run::github()
        .against(&standin)
        .input("images", IMAGES)
        .input("targets", "cn-east-3, ap-southeast-3")
        .input("fail-fast", "true")
        .input("concurrency", "1")
        .run();
    assert_eq!(finished.code, Some(5), "{}", finished.stdout);
    assert_eq!(standin.sync_requests().len(), 1);
}

#[test]
fn several_different_failures_are_decided_by_plan_order_and_not_allowed_before_all() {
    for (status, code, exit) in [(404, "4040058", 4), (403, "4030170", 3)] {
        let standin = Standin::start(World::demo());
        standin.fault(
            Fault::answer(Answer::swr(400, "4000014", "Invalid parameter"))
                .on(Matcher::sync())
                .when(When::Calls(vec![2])),
        );
        standin.fault(
            Fault::answer(Answer::swr(status, code, "no"))
                .on(Matcher::sync())
                .when(When::Calls(vec![3])),
        );
        standin.fault(
            Fault::answer(Answer::swr(404, "4040058", "no"))
                .on(Matcher::sync())
                .when(When::Calls(vec![1])),
        );
        let finished = Run::github()
            .against(&standin)
            .input("images", IMAGES)
            .input("targets", "cn-east-3, ap-southeast-3")
            .input("concurrency", "1")
            .run();
        assert_eq!(finished.code, Some(exit), "{}", finished.stdout);
    }
}

#[test]
fn a_dry_run_needs_no_credentials_and_sends_nothing() {
    let standin = Standin::start(World::demo());
    let finished = Run::github()
        .input("endpoint", &standin.endpoint())
        .input("images", IMAGES)
        .input("targets", "cn-east-3")
        .input("dry-run", "true")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.requests().len(), 0);
    assert_eq!(finished.output("status"), "dry-run");
    assert!(
        finished.stdout.contains("/repos/backend$api/sync_images"),
        "{}",
        finished.stdout
    );
}

#[test]
fn no_credentials_is_said_with_exit_code_3() {
    let finished = Run::github()
        .input("images", IMAGES)
        .input("targets", "cn-east-3")
        .run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_eq!(finished.output("status"), "failure");
    assert_eq!(finished.output("failed-count"), "2");
}

#[test]
fn every_problem_of_the_inputs_is_told_at_once_and_nothing_is_sent() {
    let standin = Standin::start(World::demo());
    let finished = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:v 1")
        .input("targets", "CN-EAST-3")
        .input("override", "yes")
        .input("retries", "11")
        .input("timeout", "30")
        .run();
    assert_eq!(finished.code, Some(2), "{}", finished.stdout);
    assert_eq!(standin.requests().len(), 0);
    for name in ["images", "targets", "override", "retries", "timeout"] {
        assert!(
            finished
                .stdout
                .contains(&format!("INPUT_{}", name.to_uppercase())),
            "{name}\n{}",
            finished.stdout
        );
    }
    assert_eq!(
        finished.stdout.matches("::error").count(),
        5,
        "{}",
        finished.stdout
    );
    assert_eq!(
        (
            finished.output("status").as_str(),
            finished.output("exit-code").as_str()
        ),
        ("failure", "2")
    );
    assert_eq!(finished.output("failed-tags"), "[]");
}
