//! SWR: syncs, their jobs, and the lists.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standin::{
    EarlierJob, Ending, Holder, JobOrder, Operation, Pace, Stage, Standin, Sync, SyncRegions,
    SyncRule, Tag, World,
};

use crate::client::{Call, Reply, sync};

fn get(standin: &Standin, target: &str) -> Reply {
    Call::get(target).signed(standin).send(standin)
}

fn jobs(standin: &Standin, repository: &str) -> Vec<Value> {
    let filter = "filter=limit%3A%3A100%7Coffset%3A%3A0%7Corder%3A%3Adesc";
    let reply = get(
        standin,
        &format!("/swr/cn-north-4/v2/manage/namespaces/team/repos/{repository}/sync_job?{filter}"),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json().as_array().unwrap().clone()
}

fn statuses(standin: &Standin, polls: usize) -> Vec<String> {
    (0..polls)
        .map(|_| {
            jobs(standin, "app")
                .first()
                .map_or("none", |row| row["status"].as_str().unwrap())
                .to_owned()
        })
        .collect()
}

fn code(reply: &Reply) -> String {
    reply.json()["error_code"].as_str().unwrap().to_owned()
}

#[test]
fn a_sync_is_accepted_then_runs_then_lands() {
    let standin = Standin::start(World::demo());
    let reply = sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    assert_eq!((reply.status, reply.json()), (200, json!([])));
    assert!(reply.header("X-Request-Id").unwrap().len() == 32);
    assert_eq!(
        standin.world().tag("cn-east-3", "team", "app", "1.0.0"),
        None
    );
    assert_eq!(statuses(&standin, 2), ["running", "success"]);
    let world = standin.world();
    let [source, target] = ["cn-north-4", "cn-east-3"]
        .map(|region| world.tag(region, "team", "app", "1.0.0").unwrap());
    assert_eq!(source.digest, target.digest);
    let row = &jobs(&standin, "app")[0];
    for (key, value) in [
        ("repoName", "app"),
        ("remoteRegionId", "cn-east-3"),
        ("remoteNamespace", "team"),
        ("tag", "1.0.0"),
    ] {
        assert_eq!(row[key], value);
    }
    assert!(row["createdAt"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_tag_that_is_there_is_replaced_only_with_override() {
    let mut world = World::demo();
    world.push("cn-east-3", "team", "app", "1.0.0", Tag::manifest("other"));
    let standin = Standin::start(world);
    sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    assert_eq!(statuses(&standin, 2), ["running", "existed"]);
    assert_eq!(
        standin
            .world()
            .tag("cn-east-3", "team", "app", "1.0.0")
            .unwrap()
            .digest,
        Tag::manifest("other").digest
    );
    sync("app", &["1.0.0"], "cn-east-3", true)
        .signed(&standin)
        .send(&standin);
    assert_eq!(statuses(&standin, 2), ["running", "success"]);
    assert_eq!(
        standin
            .world()
            .tag("cn-east-3", "team", "app", "1.0.0")
            .unwrap()
            .digest,
        Tag::manifest("one").digest
    );
}

#[test]
fn a_missing_tag_or_target_organization_is_accepted_and_fails_later() {
    let standin = Standin::start(World::demo());
    assert_eq!(
        sync("app", &["9.9"], "cn-east-3", false)
            .signed(&standin)
            .send(&standin)
            .status,
        200
    );
    assert_eq!(statuses(&standin, 2), ["running", "failed"]);
    standin.change(|world| {
        drop(
            world
                .regions
                .get_mut("cn-east-3")
                .unwrap()
                .organizations
                .remove("team"),
        );
    });
    assert_eq!(
        sync("app", &["1.0.0"], "cn-east-3", false)
            .signed(&standin)
            .send(&standin)
            .status,
        200
    );
    assert_eq!(statuses(&standin, 2), ["running", "failed"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let standin = Standin::start(World::demo());
    let refused = |call: Call| {
        let reply = call.signed(&standin).send(&standin);
        (reply.status, code(&reply))
    };
    let app = "/swr/cn-north-4/v2/manage/namespaces/team/repos/app/sync_images";
    let answer = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(
        refused(sync("backend/api", &["v1"], "cn-east-3", false)),
        answer(404, "APIGW.0101")
    );
    assert_eq!(
        refused(sync("backend%2Fapi", &["v1"], "cn-east-3", false)),
        answer(404, "APIGW.0101")
    );
    assert_eq!(
        refused(sync("nothing", &["v1"], "cn-east-3", false)),
        answer(404, "SVCSTG.SWR.4040010")
    );
    assert_eq!(
        refused(sync("app", &["v1"], "mars-1", false)),
        answer(500, "SVCSTG.SWR.5001101")
    );
    assert_eq!(
        refused(sync("app", &[], "cn-east-3", false)),
        answer(400, "SVCSTG.SWR.4000014")
    );
    assert_eq!(
        refused(sync("app", &["a b"], "cn-east-3", false)),
        answer(400, "SVCSTG.SWR.4009021")
    );
    let body = json!({"imageTag": ["v1"], "remoteNamespace": "team"});
    assert_eq!(
        refused(Call::post(app, &body)),
        answer(400, "SVCSTG.SWR.4001036")
    );
    let body = json!({"imageTag": ["v1"], "override": "true", "remoteNamespace": "team", "remoteRegionId": "cn-east-3"});
    assert_eq!(
        refused(Call::post(app, &body)),
        answer(400, "SVCSTG.SWR.4000014")
    );
    let body =
        json!({"imageTags": ["v1"], "remoteNamespace": "team", "remoteRegionId": "cn-east-3"});
    assert_eq!(
        refused(Call::post(app, &body)),
        answer(400, "SVCSTG.SWR.4000014")
    );
    let elsewhere = "/swr/cn-north-4/v2/manage/namespaces/nobody/repos/app/sync_images";
    assert_eq!(
        refused(Call::post(elsewhere, &body)),
        answer(404, "SVCSTG.SWR.4040058")
    );
    assert_eq!(
        refused(Call {
            headers: Vec::new(),
            ..Call::post(app, &body)
        }),
        answer(400, "SVCSTG.SWR.4001018")
    );
}

#[test]
fn the_array_may_name_tags_and_contradict_the_jobs() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("1.0.0", Sync::named_but_landing()));
    standin.rule(SyncRule {
        times: Some(1),
        ..SyncRule::tag("1.1.0", Sync::named_and_failing())
    });
    let call = sync("app", &["1.0.0", "1.1.0", "latest"], "cn-east-3", false).signed(&standin);
    assert_eq!(call.send(&standin).json(), json!(["1.0.0", "1.1.0"]));
    assert_eq!(call.send(&standin).json(), json!(["1.0.0"]));
    jobs(&standin, "app");
    let rows = jobs(&standin, "app");
    let of = |tag: &str| {
        rows.iter()
            .filter(|row| row["tag"] == tag)
            .map(|row| row["status"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (
            of("1.0.0").contains(&"success"),
            of("1.1.0").contains(&"failed")
        ),
        (true, true)
    );
}

#[test]
fn a_job_may_be_late_slow_strange_or_absent() {
    let stage = |status: &str, polls| Stage {
        status: status.to_owned(),
        lasts: Pace::Polls(polls),
    };
    let standin = Standin::start(World::demo());
    let slow = Sync {
        appears: Pace::Polls(1),
        stages: vec![
            stage("waiting", 1),
            stage("napping", 1),
            stage("running", 2),
        ],
        ending: Ending::Status("timeout".to_owned()),
        ..Sync::default()
    };
    standin.rule(SyncRule::tag("1.0.0", slow));
    sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    assert_eq!(
        statuses(&standin, 7),
        [
            "none", "waiting", "napping", "running", "running", "timeout", "timeout"
        ]
    );

    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("1.0.0", Sync::silently_lost()));
    standin.rule(SyncRule::tag("1.1.0", Sync::landing_without_row(2)));
    sync("app", &["1.0.0", "1.1.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    assert_eq!(statuses(&standin, 3), ["none", "none", "none"]);
    let tag = |tag: &str| {
        get(
            &standin,
            &format!("/swr/cn-east-3/v2/manage/namespaces/team/repos/app/tags/{tag}"),
        )
        .status
    };
    assert_eq!([tag("1.1.0"), tag("1.1.0"), tag("1.1.0")], [404, 404, 200]);
    assert_eq!([tag("1.0.0"), tag("1.0.0"), tag("1.0.0")], [404, 404, 404]);
}

#[test]
fn jobs_that_nobody_can_list_go_on_by_reads_of_the_target() {
    let standin = Standin::start(World::demo());
    sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    let list = || {
        get(
            &standin,
            "/swr/cn-east-3/v2/manage/namespaces/team/repos/app/tags",
        )
        .status
    };
    assert_eq!([list(), list()], [404, 200]);
}

#[test]
fn a_job_may_take_time() {
    let standin = Standin::start(World::demo());
    let time = Duration::from_millis(300);
    standin.rule(SyncRule::all(Sync::taking(time)));
    let start = Instant::now();
    sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "success")
        && start.elapsed() < Duration::from_secs(30)
    {
        seen.extend(statuses(&standin, 1));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(start.elapsed() >= time);
    seen.dedup();
    // A busy machine may miss a stage, but sees none out of turn.
    let mut expected = ["waiting", "running", "success"].iter();
    assert!(
        seen.iter()
            .all(|status| expected.any(|expected| expected == status)),
        "{seen:?}"
    );
}

#[test]
fn job_rows_come_in_pages_and_in_the_order_asked_or_another() {
    let standin = Standin::start(World::demo());
    sync("app", &["1.0.0", "1.1.0", "latest"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    let list = |filter: &str| {
        get(
            &standin,
            &format!(
                "/swr/cn-north-4/v2/manage/namespaces/team/repos/app/sync_job?filter={filter}"
            ),
        )
    };
    let tags = |reply: &Reply| {
        reply
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["tag"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = list("limit::2|offset::0|order::asc");
    assert_eq!(tags(&first), ["1.0.0", "1.1.0"]);
    assert_eq!(first.header("Content-Range"), Some("0-2/3"));
    assert_eq!(tags(&list("limit::2|offset::2|order::asc")), ["latest"]);
    assert_eq!(
        tags(&list("limit::2|offset::4|order::asc")),
        Vec::<String>::new()
    );
    assert_eq!(
        tags(&list("limit::10|offset::0")),
        ["latest", "1.1.0", "1.0.0"]
    );
    standin.change(|world| world.job_order = JobOrder::Reversed);
    assert_eq!(
        tags(&list("limit::10|offset::0")),
        ["1.0.0", "1.1.0", "latest"]
    );
    for refused in [
        "",
        "?filter=limit::10",
        "?filter=limit::10|offset::0|order::up",
    ] {
        assert_eq!(
            get(
                &standin,
                &format!("/swr/cn-north-4/v2/manage/namespaces/team/repos/app/sync_job{refused}")
            )
            .status,
            400
        );
    }
}

#[test]
fn tags_are_listed_in_pages_under_a_capital_t() {
    let standin = Standin::start(World::sized(1, 250));
    let list = |query: &str| {
        get(
            &standin,
            &format!("/swr/cn-north-4/v2/manage/namespaces/bulk/repos/r0000/tags{query}"),
        )
    };
    let first = list("");
    assert_eq!(first.json().as_array().unwrap().len(), 100);
    assert_eq!(first.header("Content-Range"), Some("0-100/250"));
    let last = list("?limit=100&offset=200");
    assert_eq!(last.json().as_array().unwrap().len(), 50);
    assert_eq!(last.json()[0]["Tag"], "t00200");
    assert_eq!(list("?limit=100&offset=300").json(), json!([]));
    assert_eq!(
        list("?limit=100&offset=0&tag=t00007").json()[0]["Tag"],
        "t00007"
    );
    assert_eq!(
        list("?filter=offset::0%7Climit::10%7Ctag::t00007")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(list("?limit=100").status, 400);
    assert_eq!(list("?limit=1001&offset=0").status, 400);
}

#[test]
fn one_tag_is_shown_under_a_small_t() {
    let standin = Standin::start(World::demo());
    let reply = get(
        &standin,
        "/swr/cn-north-4/v2/manage/namespaces/team/repos/backend$api/tags/v2",
    );
    let body = reply.json();
    assert_eq!(
        (body["tag"].as_str(), body["tag_type"].as_u64()),
        (Some("v2"), Some(1))
    );
    assert_eq!(body["digest"], Tag::manifest_list("four").digest);
    assert_eq!(
        code(&get(
            &standin,
            "/swr/cn-north-4/v2/manage/namespaces/team/repos/app/tags/none"
        )),
        "SVCSTG.SWR.4040048"
    );
}

#[test]
fn repositories_and_organizations_are_listed_and_shown() {
    let standin = Standin::start(World::demo());
    let base = "/swr/cn-north-4/v2/manage";
    let repositories = get(
        &standin,
        &format!("{base}/repos?namespace=team&limit=1&offset=1"),
    );
    assert_eq!(repositories.json()[0]["name"], "backend/api");
    assert_eq!(repositories.header("Content-Range"), Some("1-1/2"));
    assert_eq!(
        get(
            &standin,
            &format!("{base}/namespaces/team/repos/backend$api")
        )
        .json()["num_images"],
        2
    );
    assert_eq!(
        get(
            &standin,
            &format!("{base}/namespaces?filter=namespace::team")
        )
        .json()["namespaces"][0]["name"],
        "team"
    );
    assert_eq!(
        get(&standin, &format!("{base}/namespaces/team")).json()["auth"],
        7
    );
    assert_eq!(
        code(&get(&standin, &format!("{base}/namespaces/none"))),
        "SVCSTG.SWR.4040058"
    );
}

#[test]
fn the_regions_to_sync_to_are_listed_in_every_known_way() {
    let standin = Standin::start(World::demo());
    let list = || get(&standin, "/swr/cn-north-4/v2/manage/regions");
    let answer = |regions| {
        standin.change(|world| world.regions.get_mut("cn-north-4").unwrap().sync_regions = regions);
    };
    assert_eq!(list().json().as_array().unwrap().len(), 3);
    answer(SyncRegions::These(vec!["cn-east-3".to_owned()]));
    assert_eq!(list().json()[0]["regionID"], "cn-east-3");
    answer(SyncRegions::Nameless);
    assert!(list().json()[0].get("regionID").is_none());
    answer(SyncRegions::NotOffered);
    assert_eq!(code(&list()), "APIGW.0101");
    answer(SyncRegions::Forbidden);
    assert_eq!(list().status, 403);
}

#[test]
fn what_belongs_to_others_is_neither_copied_nor_overwritten() {
    let mut world = World::demo();
    world.organization("cn-north-4", "theirs").account = "another".to_owned();
    world.organization("cn-east-3", "team").account = "another".to_owned();
    world.organization("ap-southeast-3", "team").auth = 1;
    world.push("cn-north-4", "theirs", "app", "v1", Tag::manifest("x"));
    let standin = Standin::start(world);
    let target = "/swr/cn-north-4/v2/manage/namespaces/theirs/repos/app/sync_images";
    let body =
        json!({"imageTag": ["v1"], "remoteNamespace": "team", "remoteRegionId": "cn-east-3"});
    let refused = Call::post(target, &body).signed(&standin).send(&standin);
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (403, "SVCSTG.SWR.4039001")
    );
    for region in ["cn-east-3", "ap-southeast-3"] {
        assert_eq!(
            sync("app", &["1.0.0"], region, true)
                .signed(&standin)
                .send(&standin)
                .status,
            200
        );
        assert_eq!(statuses(&standin, 2), ["running", "failed"], "{region}");
    }
    standin.change(|world| world.organization("cn-north-4", "team").auth = 3);
    let refused = sync("app", &["1.0.0"], "cn-east-3", true)
        .signed(&standin)
        .send(&standin);
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (403, "SVCSTG.SWR.4037020")
    );
}

#[test]
fn a_caller_without_rights_in_the_target_makes_jobs_that_fail() {
    let mut world = World::demo();
    world.keys[0].holder = Holder::without(Operation::SyncImages, "cn-east-3");
    let standin = Standin::start(world);
    sync("app", &["1.0.0"], "cn-east-3", true)
        .signed(&standin)
        .send(&standin);
    assert_eq!(statuses(&standin, 2), ["running", "failed"]);
}

#[test]
fn rows_of_earlier_days_are_listed_with_their_age() {
    let mut world = World::demo();
    world.jobs.push(EarlierJob {
        region: "cn-north-4".to_owned(),
        namespace: "team".to_owned(),
        repository: "app".to_owned(),
        tag: "1.0.0".to_owned(),
        remote_region: "cn-east-3".to_owned(),
        remote_namespace: "team".to_owned(),
        status: "failed".to_owned(),
        age: Duration::from_secs(24 * 3600),
    });
    let standin = Standin::start(world);
    let earlier = jobs(&standin, "app");
    assert_eq!(
        (earlier.len(), earlier[0]["status"].as_str()),
        (1, Some("failed"))
    );
    sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    let rows = jobs(&standin, "app");
    assert_eq!(
        (rows.len(), rows[0]["status"].as_str()),
        (2, Some("running"))
    );
    assert!(rows[0]["createdAt"].as_str() > rows[1]["createdAt"].as_str());
}
