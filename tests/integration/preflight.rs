//! `preflight: true`: what is bound to fail is told before any sync call.

use standin::{
    Answer, DEMO_TOKEN, Fault, Holder, Matcher, Operation, Standin, SyncRegions, Tag, World,
};

use crate::common::{Finished, Run};

fn checked(standin: &Standin) -> Run {
    Run::github()
        .against(standin)
        .input(
            "images",
            "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0, swr.cn-north-4.myhuaweicloud.com/team/app:latest",
        )
        .input("targets", "cn-east-3, ap-southeast-3")
        .input("preflight", "true")
}

/// Runs, and makes sure that a stop came before any sync call and that only reads were made.
fn stopped(standin: &Standin, run: Run, code: i32) -> Finished {
    let finished = run.run();
    assert_eq!(finished.code, Some(code), "{}", finished.stdout);
    assert_eq!(finished.output("status"), "failure");
    assert_eq!(finished.output("synced-count"), "0");
    let requests = standin.requests();
    assert!(requests.iter().all(|request| request.method == "GET"));
    finished
}

fn assert_says(finished: &Finished, text: &str) {
    assert!(
        finished.stdout.contains(text),
        "no {text:?} in\n{}",
        finished.stdout
    );
}

#[test]
fn what_is_in_order_is_synced_after_the_fewest_reads() {
    let standin = Standin::start(World::demo());
    let finished = checked(&standin).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(finished.output("synced-count"), "4");
    // The regions, one organization in each target, one page of tags; then the calls.
    let methods: Vec<_> = standin
        .requests()
        .iter()
        .map(|request| request.method.clone())
        .collect();
    assert_eq!(methods, ["GET", "GET", "GET", "GET", "POST", "POST"]);
    assert_says(&finished, "preflight: all checks passed");
}

#[test]
fn all_misses_are_told_together() {
    let standin = Standin::start(World::demo());
    let run = checked(&standin)
        .input(
            "images",
            "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0, swr.cn-north-4.myhuaweicloud.com/team/app:1.0.1, \
             swr.cn-north-4.myhuaweicloud.com/team/ap:latest, swr.cn-north-4.myhuaweicloud.com/team/backend/api:v3",
        )
        .input("targets", "cn-east-3, cn-esat-3, eu-west-0, ap-southeast-3/nowhere");
    let finished = stopped(&standin, run, 4);
    for text in [
        "SWR does not sync from cn-north-4 to the region `cn-esat-3`",
        "did you mean `cn-east-3`?",
        "SWR does not sync from cn-north-4 to the region `eu-west-0`",
        "it syncs to ap-southeast-3, cn-east-3, cn-north-4",
        "the organization `nowhere` does not exist in ap-southeast-3",
        "team/app in cn-north-4 has no tag 1.0.1",
        "there is no team/ap in cn-north-4: HTTP 404 SVCSTG.SWR.4040010",
        "team/backend/api in cn-north-4 has no tag v3",
    ] {
        assert_says(&finished, text);
    }
    assert_eq!(
        finished.stdout.matches("::error").count(),
        6,
        "{}",
        finished.stdout
    );
    let asked = |region: &str| {
        let start = format!("/swr/{region}/");
        standin
            .requests()
            .iter()
            .any(|r| r.path.starts_with(&start))
    };
    assert!(
        !asked("cn-esat-3") && !asked("eu-west-0"),
        "a region that is not offered is not asked"
    );
    let results = finished.json("results");
    assert_eq!(results[0]["tags"][0]["state"], "skipped");
}

#[test]
fn an_organization_that_may_not_be_written_is_a_miss() {
    for (auth, code) in [(1, 4), (3, 0), (7, 0)] {
        let mut world = World::demo();
        world.organization("cn-east-3", "team").auth = auth;
        let standin = Standin::start(world);
        let finished = checked(&standin).run();
        assert_eq!(finished.code, Some(code), "{auth}\n{}", finished.stdout);
        if code != 0 {
            assert_says(
                &finished,
                "the organization `team` in cn-east-3 may only be read (auth 1)",
            );
            assert!(standin.sync_requests().is_empty());
        }
    }
}

#[test]
fn an_organization_of_another_account_is_a_miss() {
    let mut world = World::demo();
    world.organization("cn-east-3", "team").account = "another".to_owned();
    let standin = Standin::start(world);
    let finished = stopped(&standin, checked(&standin), 4);
    assert_says(
        &finished,
        "the organization `team` in cn-east-3 belongs to another account",
    );
}

#[test]
fn a_check_that_is_not_offered_or_not_permitted_or_names_nothing_is_left_out() {
    for regions in [
        SyncRegions::NotOffered,
        SyncRegions::Forbidden,
        SyncRegions::Nameless,
    ] {
        let mut world = World::demo();
        let mut holder = Holder::without(Operation::ShowNamespace, "*");
        holder
            .denied
            .extend(Holder::without(Operation::ListTags, "*").denied);
        world.keys[0].holder = holder;
        if let Some(region) = world.regions.get_mut("cn-north-4") {
            region.sync_regions = regions;
        }
        let standin = Standin::start(world);
        let finished = checked(&standin).run();
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        for what in [
            "preflight: remote regions not checked: ",
            "preflight: the organization cn-east-3/team not checked: HTTP 403",
            "preflight: the organization ap-southeast-3/team not checked: HTTP 403",
            "preflight: the tags of team/app not checked: HTTP 403",
        ] {
            assert_says(&finished, what);
        }
        assert!(!finished.stdout.contains("::error"), "{}", finished.stdout);
    }
}

#[test]
fn an_endpoint_or_a_token_for_one_region_leaves_the_targets_unchecked() {
    let standin = Standin::start(World::demo());
    let endpoint = checked(&standin).input("endpoint", &standin.region_endpoint("cn-north-4"));
    let token = checked(&standin)
        .input("access-key", "")
        .input("secret-key", "")
        .input("auth-token", DEMO_TOKEN);
    for run in [endpoint, token] {
        let finished = run.run();
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert_says(
            &finished,
            "preflight: organizations in the targets not checked: ",
        );
    }
    let of_source = |path: &str| path.starts_with("/swr/cn-north-4/");
    assert!(
        standin
            .requests()
            .iter()
            .all(|request| of_source(&request.path))
    );
}

#[test]
fn a_401_ends_the_run_after_one_request() {
    let standin = Standin::start(World::demo());
    let run = checked(&standin).input("secret-key", "wrong");
    stopped(&standin, run, 3);
    assert_eq!(standin.requests().len(), 1);
}

#[test]
fn an_outage_of_a_target_leaves_its_check_out_after_retries() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(Answer::gateway(503, "0613", "unavailable"))
            .on(Matcher::path("/swr/cn-east-3/*")),
    );
    let finished = checked(&standin).input("retries", "1").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_says(
        &finished,
        "preflight: the organization cn-east-3/team not checked: HTTP 503",
    );
}

#[test]
fn a_dry_run_checks_too_and_says_that_it_needs_credentials_for_it() {
    let standin = Standin::start(World::demo());
    let finished = checked(&standin).input("dry-run", "true").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(finished.output("status"), "dry-run");
    assert_eq!(standin.requests().len(), 4);
    assert!(standin.sync_requests().is_empty());

    let without = checked(&standin)
        .input("dry-run", "true")
        .input("access-key", "")
        .input("secret-key", "");
    let finished = without.run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_says(
        &finished,
        "this dry run needs them, since patterns and `preflight` read what exists",
    );
}

#[test]
fn tags_of_a_large_repository_are_found_in_few_reads() {
    let mut world = World::demo();
    for number in 0..1000 {
        let tag = Tag {
            updated: Some("2026-01-01T00:00:00Z".parse().expect("a time")),
            ..Tag::manifest(&number.to_string())
        };
        world.push("cn-north-4", "team", "app", &format!("old{number}"), tag);
    }
    let standin = Standin::start(world);
    // One of them was pushed last, the others are far behind the first page: 1 page, 2 tags by name.
    let finished = checked(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app")
        .input("tags", "1.0.0, old7, old501")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let reads = standin.requests();
    let reads = reads
        .iter()
        .filter(|request| request.path.contains("/tags"));
    let reads: Vec<_> = reads.map(|request| request.target.clone()).collect();
    assert_eq!(reads.len(), 3, "{reads:?}");
}
