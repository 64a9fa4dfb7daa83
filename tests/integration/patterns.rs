//! Tags and repositories by pattern, over what exists.

use serde_json::json;
use standin::{Answer, Fault, Holder, Matcher, Operation, Standin, Tag, When, World};

use crate::common::{Finished, Run};

const TEAM: &str = "swr.cn-north-4.myhuaweicloud.com/team";

fn of(standin: &Standin, images: &str) -> Run {
    Run::github()
        .against(standin)
        .input("images", images)
        .input("targets", "cn-east-3")
}

/// What was asked for: the repository and its tags, in order.
fn asked(standin: &Standin) -> Vec<(String, serde_json::Value)> {
    let requests = standin.sync_requests();
    let repository = |path: &str| path.split('/').nth(8).expect("a repository").to_owned();
    requests
        .iter()
        .map(|request| {
            (
                repository(&request.path),
                request.json()["imageTag"].clone(),
            )
        })
        .collect()
}

fn assert_says(finished: &Finished, text: &str) {
    assert!(
        finished.stdout.contains(text),
        "no {text:?} in\n{}",
        finished.stdout
    );
}

#[test]
fn tags_that_fit_are_synced_in_the_order_of_the_service_without_those_left_out() {
    let standin = Standin::start(World::demo());
    let finished = of(&standin, &format!("{TEAM}/app"))
        .input("tags", "latest, 1.*, [a-k]*")
        .input("exclude-tags", "*.1.*")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(
        asked(&standin),
        [("app".to_owned(), json!(["latest", "1.0.0"]))]
    );
    assert_says(&finished, "no tag fits `[a-k]*`");
    assert_eq!(finished.json("synced-tags"), json!(["latest", "1.0.0"]));
}

#[test]
fn patterns_work_by_parts_and_in_references() {
    for run in [
        Run::github()
            .input("region", "cn-north-4")
            .input("namespace", "team")
            .input("repository", "backend/api")
            .input("tags", "v?"),
        Run::github().input("images", &format!("{TEAM}/backend/api:v?")),
    ] {
        let standin = Standin::start(World::demo());
        let finished = run.against(&standin).input("targets", "cn-east-3").run();
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert_eq!(
            asked(&standin),
            [("backend$api".to_owned(), json!(["v1", "v2"]))]
        );
    }
}

#[test]
fn a_whole_organization_is_synced_nested_repositories_included() {
    let standin = Standin::start(World::demo());
    let finished = of(&standin, &format!("{TEAM}/*:*"))
        .input("concurrency", "1")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(
        asked(&standin),
        [
            ("app".to_owned(), json!(["1.0.0", "1.1.0", "latest"])),
            ("backend$api".to_owned(), json!(["v1", "v2"]))
        ]
    );
}

#[test]
fn a_dry_run_of_a_whole_organization_lists_it_and_needs_credentials() {
    let standin = Standin::start(World::demo());
    let run = || of(&standin, &format!("{TEAM}/*:*")).input("dry-run", "true");
    let finished = run().run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(standin.sync_requests().is_empty());
    assert_says(&finished, "/repos/backend$api/sync_images");
    assert_says(&finished, r#"{"imageTag":["1.0.0","1.1.0","latest"]"#);

    let finished = run().input("access-key", "").input("secret-key", "").run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_says(
        &finished,
        "this dry run needs them, since patterns and `preflight` read what exists",
    );
}

#[test]
fn all_pages_are_read_with_or_without_a_content_range() {
    for content_range in [true, false] {
        let standin = Standin::start(World::sized(230, 1));
        if !content_range {
            // The second page as a service gives it that names no total.
            let row = |number: usize| json!({"namespace": "bulk", "name": format!("r{number:04}")});
            let pages = [0..100, 100..200, 200..230, 230..230];
            for (call, rows) in (1..).zip(pages) {
                let page: Vec<_> = rows.map(row).collect();
                let answer = Answer::json(200, &json!(page));
                let on = Matcher::path("*/v2/manage/repos");
                standin.fault(Fault::answer(answer).on(on).when(When::Calls(vec![call])));
            }
        }
        let finished = of(&standin, "swr.cn-north-4.myhuaweicloud.com/bulk/r*:t*")
            .input("dry-run", "true")
            .run();
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert_eq!(finished.stdout.matches("POST ").count(), 230);
        let pages: Vec<_> = standin
            .requests()
            .iter()
            .filter(|request| request.path.ends_with("/v2/manage/repos"))
            .map(|request| request.query("offset").expect("an offset").to_owned())
            .collect();
        let expected: &[&str] = if content_range {
            &["0", "100", "200"]
        } else {
            &["0", "100", "200", "300"]
        };
        assert_eq!(pages, expected);
    }
    let standin = Standin::start(World::sized(1, 1001));
    let finished = of(&standin, "swr.cn-north-4.myhuaweicloud.com/bulk/r0000:t*")
        .input("dry-run", "true")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.requests().len(), 11);
    assert!(finished.stdout.contains("t01000"), "{}", finished.stdout);
}

#[test]
fn a_service_that_does_not_know_offset_does_not_keep_the_run_for_ever() {
    let standin = Standin::start(World::demo());
    let rows: Vec<_> = (0..100)
        .map(|number| json!({"Tag": format!("t{number}")}))
        .collect();
    standin.fault(Fault::answer(Answer::json(200, &json!(rows))).on(Matcher::path("*/tags")));
    let finished = of(&standin, &format!("{TEAM}/app:t*"))
        .input("dry-run", "true")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.requests().len(), 2);
}

#[test]
fn in_a_repository_found_by_a_pattern_a_tag_is_taken_only_where_it_exists() {
    let standin = Standin::start(World::demo());
    let finished = of(&standin, &format!("{TEAM}/*:latest\n{TEAM}/*:v1")).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let mut asked = asked(&standin);
    asked.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        asked,
        [
            ("app".to_owned(), json!(["latest"])),
            ("backend$api".to_owned(), json!(["v1"]))
        ]
    );
}

#[test]
fn a_repository_that_is_selected_twice_is_synced_once() {
    let standin = Standin::start(World::demo());
    let finished = of(&standin, &format!("{TEAM}/app:latest, {TEAM}/a*:*")).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(
        asked(&standin),
        [("app".to_owned(), json!(["latest", "1.0.0", "1.1.0"]))]
    );
}

#[test]
fn nothing_that_fits_is_refused_with_some_of_what_exists() {
    for (images, exclude, message) in [
        (
            format!("{TEAM}/app:v9*"),
            "",
            "nothing is left to sync: no tag fits `v9*`; team/app has 1.0.0, 1.1.0, latest",
        ),
        (
            format!("{TEAM}/x*:*"),
            "",
            "nothing is left to sync: no repository fits `x*`; the organization team has app, backend/api",
        ),
        (
            format!("{TEAM}/app:1.*"),
            "1.?.0",
            "nothing is left to sync: `exclude-tags` leaves out every tag that fits; team/app has 1.0.0, 1.1.0, latest",
        ),
        (
            format!("{TEAM}/*:v9"),
            "",
            "nothing is left to sync: no tag fits `v9`; team/app has 1.0.0, 1.1.0, latest; team/backend/api has v1, v2",
        ),
    ] {
        let standin = Standin::start(World::demo());
        let finished = of(&standin, &images).input("exclude-tags", exclude).run();
        assert_eq!(finished.code, Some(2), "{}", finished.stdout);
        assert_says(&finished, message);
        assert_says(&finished, "input `images` (from INPUT_IMAGES)");
        assert!(standin.sync_requests().is_empty());
        assert_eq!(finished.output("status"), "failure");
        assert_eq!(finished.output("failed-tags"), "[]");
    }
}

#[test]
fn an_empty_organization_is_said_to_be_empty() {
    let mut world = World::demo();
    world.organization("cn-north-4", "empty");
    let standin = Standin::start(world);
    let finished = of(&standin, "swr.cn-north-4.myhuaweicloud.com/empty/*:*").run();
    assert_eq!(finished.code, Some(2), "{}", finished.stdout);
    assert_says(
        &finished,
        "no repository fits `*`; the organization empty has nothing",
    );
}

#[test]
fn a_list_that_cannot_be_read_stops_the_run() {
    let mut world = World::demo();
    world.keys[0].holder = Holder::without(Operation::ListTags, "*");
    let standin = Standin::start(world);
    let finished = of(&standin, &format!("{TEAM}/app:*")).run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_says(&finished, "swr:repo:listRepoTags");
    assert!(standin.sync_requests().is_empty());

    let standin = Standin::start(World::demo());
    let finished = of(&standin, &format!("{TEAM}/nothing:*")).run();
    assert_eq!(finished.code, Some(4), "{}", finished.stdout);

    standin
        .fault(Fault::answer(Answer::text(200, "text/html", "<html>")).on(Matcher::path("*/tags")));
    let finished = of(&standin, &format!("{TEAM}/app:*")).run();
    assert_eq!(finished.code, Some(6), "{}", finished.stdout);
    assert_says(&finished, "the body is not a list of tags");
}

#[test]
fn a_repository_that_is_deleted_meanwhile_is_passed_over() {
    let standin = Standin::start(World::demo());
    let gone = Answer::swr(404, "4040010", "Image does not exist");
    standin.fault(Fault::answer(gone).on(Matcher::path("*/backend$api/tags")));
    let finished = of(&standin, &format!("{TEAM}/*:*")).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(asked(&standin).len(), 1);
}

#[test]
fn a_name_that_cannot_be_asked_for_is_left_out_with_a_warning() {
    let mut world = World::demo();
    world.push("cn-north-4", "team", "app", "1.0 beta", Tag::manifest("x"));
    let standin = Standin::start(world);
    let finished = of(&standin, &format!("{TEAM}/app:1*")).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(
        asked(&standin),
        [("app".to_owned(), json!(["1.0.0", "1.1.0"]))]
    );
    assert_says(
        &finished,
        "left out, since it cannot be asked for: the tag `1.0 beta`",
    );
}

#[test]
fn preflight_does_not_list_again_what_the_patterns_have_listed() {
    let standin = Standin::start(World::demo());
    let finished = of(&standin, &format!("{TEAM}/app:1.*\n{TEAM}/app:2.0.0"))
        .input("preflight", "true")
        .run();
    assert_eq!(finished.code, Some(4), "{}", finished.stdout);
    assert_says(&finished, "team/app in cn-north-4 has no tag 2.0.0");
    let lists = standin.requests();
    let lists = lists
        .iter()
        .filter(|request| request.path.contains("/tags"));
    assert_eq!(lists.count(), 1);
}
