//! `wait: true`: what the sync jobs and the digests tell, each path of it against the stand-in.

mod without_job;

#[cfg(unix)]
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use standin::{
    Answer, DEMO_TOKEN, Delivery, EarlierJob, Ending, Fault, Holder, JobOrder, Matcher, Operation,
    Pace, Reply, Request, Stage, Standin, Sync, SyncRule, Tag, When, World,
};

use crate::common::{Finished, Run};

const APP: &str = "swr.cn-north-4.myhuaweicloud.com/team/app";

/// A run that waits for tags of `app` in Shanghai.
fn waiting(standin: &Standin, tags: &str) -> Run {
    Run::github()
        .against(standin)
        .input("images", APP)
        .input("tags", tags)
        .input("targets", "cn-east-3")
        .input("wait", "true")
}

/// The state of each tag of each pair, in order.
fn states(finished: &Finished) -> Vec<String> {
    of_tags(finished, "state")
}

/// The reason of each tag of each pair, in order; empty for none.
fn reasons(finished: &Finished) -> Vec<String> {
    of_tags(finished, "reason")
}

fn of_tags(finished: &Finished, key: &str) -> Vec<String> {
    let results = finished.json("results");
    let pairs = results.as_array().expect("an array").iter();
    let tags = pairs.flat_map(|pair| pair["tags"].as_array().expect("tags").clone());
    tags.map(|tag| tag[key].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn requests(standin: &Standin, end: &str) -> Vec<Request> {
    let requests = standin.requests().into_iter();
    requests
        .filter(|request| request.path.ends_with(end))
        .collect()
}

/// Reads of tags in other regions than the source.
fn target_reads(standin: &Standin) -> usize {
    let is_read = |request: &Request| {
        request.path.contains("/tags") && !request.path.starts_with("/swr/cn-north-4/")
    };
    standin.requests().iter().filter(|r| is_read(r)).count()
}

/// The tag is in Shanghai already.
fn with_existing(content: &str) -> World {
    let mut world = World::demo();
    world.push("cn-east-3", "team", "app", "1.0.0", Tag::manifest(content));
    world
}

/// Listed at once, with these statuses for one poll each.
fn showing(statuses: &[&str], ending: Ending) -> Sync {
    let stages = statuses.iter().map(|status| Stage {
        status: (*status).to_owned(),
        lasts: Pace::Polls(1),
    });
    Sync {
        stages: stages.collect(),
        ending,
        ..Sync::default()
    }
}

#[test]
fn tags_land_over_several_polls_whatever_the_order_of_jobs_and_of_one_or_more_platforms() {
    for order in [JobOrder::AsAsked, JobOrder::Reversed, JobOrder::Shuffled] {
        let mut world = World::demo();
        world.job_order = order;
        // More than a page of jobs of earlier days, all failed.
        world.jobs = (0..150)
            .map(|day| earlier("failed", Duration::from_secs(86_400 * (day + 1))))
            .collect();
        world.sync = showing(&["waiting", "running"], Ending::Natural);
        let standin = Standin::start(world);
        let finished = Run::github()
            .against(&standin)
            .input("images", &format!("{APP}:1.0.0, {APP}:latest, swr.cn-north-4.myhuaweicloud.com/team/backend/api:v2"))
            .input("targets", "cn-east-3, ap-southeast-3")
            .input("wait", "true")
            .run();
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert_eq!(states(&finished), ["landed"; 6]);
        assert_eq!(finished.output("status"), "success");
        // Where the service keeps the order, the pages of earlier days are never asked for.
        let pages = requests(&standin, "/sync_job");
        let further = pages
            .iter()
            .filter(|page| {
                !page
                    .query("filter")
                    .expect("a filter")
                    .contains("offset::0|")
            })
            .count();
        match order {
            JobOrder::AsAsked => assert_eq!(further, 0),
            _ => assert!(further > 0),
        }
        assert_eq!(target_reads(&standin), 0, "jobs tell all");
        assert!(finished.stdout.contains("6 landed"), "{}", finished.stdout);
        assert!(!finished.stdout.contains("::error"), "{}", finished.stdout);
    }
}

fn earlier(status: &str, age: Duration) -> EarlierJob {
    EarlierJob {
        region: "cn-north-4".to_owned(),
        namespace: "team".to_owned(),
        repository: "app".to_owned(),
        tag: "1.0.0".to_owned(),
        remote_region: "cn-east-3".to_owned(),
        remote_namespace: "team".to_owned(),
        status: status.to_owned(),
        age,
    }
}

#[test]
fn the_array_of_the_answer_is_a_hint_that_the_jobs_may_contradict() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag("1.0.0", Sync::named_but_landing()));
    standin.rule(SyncRule::tag("latest", Sync::named_and_failing()));
    standin.rule(SyncRule::tag("1.1.0", Sync::ending("failed")));
    let finished = waiting(&standin, "1.0.0,latest,1.1.0").run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed", "failed", "failed"]);
    assert_eq!(standin.sync_requests().len(), 1, "a hint triggers no retry");
    assert_eq!(finished.json("failed-tags"), json!(["latest", "1.1.0"]));
    assert_eq!(finished.json("synced-tags"), json!(["1.0.0"]));
}

#[test]
fn failed_timeout_and_cancel_fail_the_tag_and_say_so() {
    let standin = Standin::start(World::demo());
    for (tag, status) in [
        ("1.0.0", "failed"),
        ("1.1.0", "timeout"),
        ("latest", "cancel"),
    ] {
        standin.rule(SyncRule::tag(tag, Sync::ending(status)));
    }
    let finished = waiting(&standin, "1.0.0,1.1.0,latest").run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert_eq!(states(&finished), ["failed"; 3]);
    for (reason, status) in reasons(&finished)
        .iter()
        .zip(["failed", "timeout", "cancel"])
    {
        let expected = format!("its sync job ended as `{status}`; SWR gives no reason");
        assert_eq!(*reason, expected);
    }
    assert_eq!(finished.output("status"), "failure");
}

#[test]
fn a_status_that_nobody_knows_is_waited_for_and_warned_of_once() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::all(showing(
        &["replicating", "replicating", "replicating"],
        Ending::Natural,
    )));
    let finished = waiting(&standin, "1.0.0,latest").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed"; 2]);
    let warnings = finished.stdout.matches("has the status `replicating`");
    assert_eq!(warnings.count(), 1, "{}", finished.stdout);
}

#[test]
fn what_existed_is_compared_with_the_source() {
    let same = "one";
    for (content, overriding, state, code) in [
        (same, "false", "existed", 0),
        ("another", "false", "failed", 1),
        ("another", "true", "landed", 0),
    ] {
        let standin = Standin::start(with_existing(content));
        let finished = waiting(&standin, "1.0.0")
            .input("override", overriding)
            .run();
        assert_eq!(finished.code, Some(code), "{}", finished.stdout);
        assert_eq!(states(&finished), [state], "{content} {overriding}");
        if state == "failed" {
            assert_eq!(
                reasons(&finished),
                ["not overwritten: a different image has this tag in the target"]
            );
            assert!(
                finished
                    .stdout
                    .contains("set `override: true` to replace it"),
                "{}",
                finished.stdout
            );
        }
    }
}

#[test]
fn what_existed_and_cannot_be_read_is_not_verified() {
    let mut world = with_existing("one");
    world.keys[0].holder = Holder::without(Operation::ShowTag, "cn-east-3");
    let standin = Standin::start(world);
    let finished = waiting(&standin, "1.0.0").run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert_eq!(states(&finished), ["failed"]);
    let reason = &reasons(&finished)[0];
    assert!(
        reason.starts_with("already there, not verified: the target cannot be read: HTTP 403"),
        "{reason}"
    );
}

#[test]
fn with_a_token_of_one_project_jobs_alone_decide() {
    let standin = Standin::start(with_existing("one"));
    let finished = waiting(&standin, "1.0.0,latest")
        .input("access-key", "")
        .input("secret-key", "")
        .input("auth-token", DEMO_TOKEN)
        .run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert_eq!(states(&finished), ["failed", "landed"]);
    let reason = &reasons(&finished)[0];
    assert!(
        reason.starts_with("already there, not verified"),
        "{reason}"
    );
    assert_eq!(target_reads(&standin), 0);
}

#[test]
fn an_endpoint_for_one_region_is_never_taken_for_the_target() {
    // The source has the tag, of course; that it is found there proves nothing.
    let standin = Standin::start(with_existing("another"));
    let finished = waiting(&standin, "1.0.0,latest")
        .input("endpoint", &standin.region_endpoint("cn-north-4"))
        .run();
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert_eq!(states(&finished), ["failed", "landed"]);
    let reason = &reasons(&finished)[0];
    assert!(
        reason.starts_with("already there, not verified"),
        "{reason}"
    );
    assert!(requests(&standin, "/tags").is_empty() && requests(&standin, "/1.0.0").is_empty());
}

#[test]
fn jobs_that_were_there_before_the_call_never_count_whatever_the_servers_clock_shows() {
    for (offset, age) in [(0, 0), (0, 30), (10, 0), (-10, 0), (10, 30)] {
        let mut world = World::demo();
        // Of a run a moment ago, for an image that has been pushed anew since.
        world.jobs = vec![earlier("success", Duration::from_secs(age))];
        world.sync = showing(&["waiting", "running"], Ending::Status("failed".to_owned()));
        let standin = Standin::start(world);
        standin.set_clock_offset(SignedDuration::from_mins(offset));
        let finished = waiting(&standin, "1.0.0").run();
        assert_eq!(
            finished.code,
            Some(1),
            "{offset} {age}\n{}",
            finished.stdout
        );
        assert_eq!(states(&finished), ["failed"], "{offset} {age}");
    }
}

#[test]
fn the_next_run_does_not_take_the_job_of_the_last_one_for_its_own() {
    let standin = Standin::start(World::demo());
    let first = waiting(&standin, "1.0.0").run();
    assert_eq!(states(&first), ["landed"]);
    standin.change(|world| {
        world.push("cn-north-4", "team", "app", "1.0.0", Tag::manifest("new"));
        world.sync = Sync::ending("failed");
    });
    let second = waiting(&standin, "1.0.0").input("override", "true").run();
    assert_eq!(second.code, Some(1), "{}", second.stdout);
    assert_eq!(states(&second), ["failed"]);
}

#[test]
fn a_job_that_never_ends_is_pending_when_the_time_is_up() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag(
        "latest",
        showing(&["running"], Ending::Never),
    ));
    let begun = Instant::now();
    let finished = waiting(&standin, "1.0.0,latest")
        .input("wait-timeout", "3s")
        .run();
    assert_eq!(finished.code, Some(7), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed", "pending"]);
    assert_eq!(
        reasons(&finished)[1],
        "`wait-timeout` (3s) has passed: its sync job is still `running`"
    );
    assert_eq!(finished.output("status"), "partial");
    assert_eq!(finished.output("exit-code"), "7");
    assert_eq!(finished.json("failed-tags"), json!(["latest"]));
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[test]
fn a_poll_that_hangs_does_not_hold_the_run_beyond_its_time() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::delivery(Delivery::Never)
            .on(Matcher::path("*/sync_job"))
            .when(When::After(1)),
    );
    let begun = Instant::now();
    let finished = waiting(&standin, "1.0.0").input("wait-timeout", "2s").run();
    assert_eq!(finished.code, Some(7), "{}", finished.stdout);
    assert_eq!(states(&finished), ["pending"]);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_401_in_the_middle_ends_the_run_at_once() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag(
        "latest",
        showing(&["running"], Ending::Never),
    ));
    standin.fault(
        Fault::answer(Answer::gateway(
            401,
            "0301",
            "Incorrect IAM authentication information",
        ))
        .on(Matcher::path("*/sync_job"))
        .when(When::After(3)),
    );
    let finished = waiting(&standin, "1.0.0,latest").run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed", "unknown"]);
    let refused = standin
        .requests()
        .iter()
        .filter(|r| r.status == Some(401))
        .count();
    assert_eq!(refused, 1, "nothing signed is sent any more");
    assert_eq!(
        standin.requests().last().expect("requests").status,
        Some(401)
    );
    let reason = &reasons(&finished)[1];
    assert!(
        reason.contains("SWR accepted the sync, but what became of it could not be read"),
        "{reason}"
    );
}

#[test]
fn throttled_polls_hold_back_the_next_and_fail_nothing() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(Answer::throttled().with("Retry-After", "1"))
            .on(Matcher::path("*/sync_job"))
            .when(When::Calls(vec![2, 3])),
    );
    let finished = waiting(&standin, "1.0.0").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed"]);
    let polls = requests(&standin, "/sync_job");
    for throttled in [1, 2] {
        let pause = polls[throttled + 1].arrived - polls[throttled].arrived;
        assert!(pause >= Duration::from_secs(1), "{pause:?}");
    }
}

#[test]
fn polls_that_fail_for_a_while_fail_nothing() {
    let standin = Standin::start(World::demo());
    for (call, delivery) in [(2, Delivery::Reset), (3, Delivery::Garbage)] {
        standin.fault(
            Fault::delivery(delivery)
                .on(Matcher::path("*/sync_job"))
                .when(When::Calls(vec![call])),
        );
    }
    standin.fault(
        Fault::answer(Answer::gateway(502, "0201", "Backend unavailable"))
            .on(Matcher::path("*/sync_job"))
            .when(When::Calls(vec![4])),
    );
    let finished = waiting(&standin, "1.0.0").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed"]);
}

#[cfg(unix)]
#[test]
fn a_signal_while_waiting_leaves_what_is_known() {
    let standin = Standin::start(World::demo());
    standin.rule(SyncRule::tag(
        "latest",
        showing(&["running"], Ending::Never),
    ));
    let run = waiting(&standin, "1.0.0,latest");
    let child = run.start();
    // The first poll finds both running, the second finds the first one landed.
    while requests(&standin, "/sync_job").len() < 4 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = Instant::now();
    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.expect("kill runs").success());
    let finished = run.finish(child);
    assert!(told.elapsed() < Duration::from_secs(2));
    assert_eq!(finished.code, Some(143), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed", "pending"]);
    assert_eq!(finished.json("synced-tags"), json!(["1.0.0"]));
    assert_eq!(finished.json("failed-tags"), json!(["latest"]));
}

#[test]
fn calls_that_were_refused_are_not_waited_for() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(Answer::swr(400, "4000014", "Invalid parameter")).on(Matcher {
            body: Some("cn-east-3".to_owned()),
            ..Matcher::sync()
        }),
    );
    let begun = Instant::now();
    let finished = waiting(&standin, "1.0.0")
        .input("targets", "cn-east-3,ap-southeast-3")
        .run();
    assert_eq!(finished.code, Some(5), "{}", finished.stdout);
    assert_eq!(states(&finished), ["failed", "landed"]);
    assert!(begun.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_call_whose_answer_was_lost_is_sent_again_and_its_jobs_are_told_apart_from_none() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault {
            reply: Reply::AfterService(Answer::gateway(504, "0201", "Backend timeout")),
            ..Fault::delivery(Delivery::Whole)
        }
        .on(Matcher::sync())
        .when(When::First(1)),
    );
    let finished = waiting(&standin, "1.0.0").run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.sync_requests().len(), 2);
    // The first job made the copy, the second found it there.
    assert_eq!(states(&finished), ["landed"]);
}

#[test]
fn where_jobs_cannot_be_read_the_digest_in_the_target_decides() {
    for (answer, asked) in [
        (Answer::swr(403, "4030170", "Insufficient permissions"), 1),
        (Answer::gateway(404, "0101", "The API does not exist"), 2),
        (Answer::text(200, "text/html", "<html>"), 1),
    ] {
        let mut world = World::demo();
        world.sync = Sync::taking(Duration::from_millis(800));
        let standin = Standin::start(world);
        standin.fault(Fault::answer(answer).on(Matcher::path("*/sync_job")));
        let finished = waiting(&standin, "1.0.0,latest").run();
        assert_eq!(finished.code, Some(0), "{}", finished.stdout);
        assert_eq!(states(&finished), ["landed"; 2]);
        // A 404 before the call may be about a repository that is not there.
        assert_eq!(requests(&standin, "/sync_job").len(), asked);
        let told = finished
            .stdout
            .matches("the sync jobs of team/app cannot be read");
        assert_eq!(told.count(), 1, "{}", finished.stdout);
    }
}

#[test]
fn jobs_that_could_not_be_read_to_the_end_leave_the_tag_pending_with_the_last_answer() {
    let standin = Standin::start(World::demo());
    let unavailable = Answer::gateway(503, "0613", "IAM unavailable");
    let fault = Fault::answer(unavailable).on(Matcher::path("*/sync_job"));
    standin.fault(fault.when(When::After(1)));
    let finished = waiting(&standin, "1.0.0").input("wait-timeout", "2s").run();
    assert_eq!(finished.code, Some(7), "{}", finished.stdout);
    assert_eq!(states(&finished), ["pending"]);
    let reason = &reasons(&finished)[0];
    assert!(
        reason.contains("its sync job could not be read (last answer: HTTP 503 APIGW.0613"),
        "{reason}"
    );
}

#[test]
fn where_neither_jobs_nor_the_target_may_be_read_the_tag_fails_at_once() {
    let mut world = World::demo();
    let mut holder = Holder::without(Operation::ListSyncJobs, "*");
    let tags = Holder::without(Operation::ShowTag, "cn-east-3");
    holder.denied.extend(tags.denied);
    world.keys[0].holder = holder;
    let standin = Standin::start(world);
    let begun = Instant::now();
    let finished = waiting(&standin, "1.0.0").run();
    assert_eq!(finished.code, Some(3), "{}", finished.stdout);
    assert_eq!(states(&finished), ["failed"]);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn five_hundred_tags_in_four_targets_cost_one_list_call_a_page_and_round() {
    let standin = Standin::start(World::sized(1, 500));
    let finished = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/bulk/r0000")
        .input(
            "tags",
            &(0..500)
                .map(|tag| format!("t{tag:05}\n"))
                .collect::<String>(),
        )
        .input(
            "targets",
            "cn-east-3, ap-southeast-3, cn-east-3/team, ap-southeast-3/team",
        )
        .input("wait", "true")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(finished.output("synced-count"), "2000");
    let polls = requests(&standin, "/sync_job");
    let offsets = polls.iter().map(|poll| {
        let filter = poll.query("filter").expect("a filter");
        let offset = filter
            .split('|')
            .find_map(|part| part.strip_prefix("offset::"));
        offset
            .expect("an offset")
            .parse::<usize>()
            .expect("a number")
    });
    let offsets: Vec<usize> = offsets.collect();
    // The list from before the calls, then rounds that each read 20 pages from the first on.
    assert_eq!(offsets[0], 0);
    for round in offsets[1..].chunk_by(|last, next| last < next) {
        let expected: Vec<usize> = (0..round.len()).map(|page| page * 100).collect();
        assert_eq!(round, expected, "each page once");
        assert!(round.len() <= 20, "{round:?}");
    }
    assert_eq!(
        polls.len() + standin.sync_requests().len(),
        standin.requests().len()
    );
}

#[test]
fn five_hundred_tags_that_existed_are_compared_page_by_page() {
    let mut world = World::sized(1, 500);
    let tags = world.regions["cn-north-4"].organizations["bulk"].clone();
    for region in ["cn-east-3", "ap-southeast-3"] {
        let organization = world.organization(region, "bulk");
        organization.repositories = tags.repositories.clone();
    }
    let standin = Standin::start(world);
    let finished = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/bulk/r0000")
        .input(
            "tags",
            &(0..500)
                .map(|tag| format!("t{tag:05}\n"))
                .collect::<String>(),
        )
        .input("targets", "cn-east-3, ap-southeast-3")
        .input("wait", "true")
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    let all_existed = |value: &Value| value["state"] == "existed";
    let results = finished.json("results");
    for pair in results.as_array().expect("an array") {
        let tags = pair["tags"].as_array().expect("tags");
        assert!(tags.len() == 500 && tags.iter().all(all_existed));
    }
    // Five pages in the source and in each target.
    assert_eq!(requests(&standin, "/tags").len(), 15);
    assert_eq!(target_reads(&standin), 10);
}

#[test]
fn with_fail_fast_what_was_accepted_is_still_followed() {
    let standin = Standin::start(World::demo());
    standin.fault(
        Fault::answer(Answer::swr(400, "4000014", "Invalid parameter"))
            .on(Matcher::sync())
            .when(When::Calls(vec![2])),
    );
    let finished = waiting(&standin, "1.0.0")
        .input("targets", "cn-east-3, ap-southeast-3, cn-east-3/other")
        .input("fail-fast", "true")
        .input("concurrency", "1")
        .run();
    assert_eq!(finished.code, Some(5), "{}", finished.stdout);
    assert_eq!(states(&finished), ["landed", "failed", "skipped"]);
    assert_eq!(standin.sync_requests().len(), 2);
}
