//! Sizes at and past every limit: nothing is lost, nothing takes for ever, nothing ends in a panic.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use standin::{Answer, Fault, Standin, Tag, World};

use crate::common::{Finished, Run};

/// What a test of a debug build on a busy machine may take, which no quadratic step keeps to.
const PATIENCE: Duration = Duration::from_secs(60);

const HOST: &str = "swr.cn-north-4.myhuaweicloud.com";

fn timed(run: Run) -> Finished {
    let started = Instant::now();
    let finished = run.run();
    let spent = started.elapsed();
    assert!(spent < PATIENCE, "{spent:?}");
    finished
}

/// The same with inputs from files, which alone may be longer than a variable.
fn with_files(run: Run, inputs: &[(&str, &str)]) -> Run {
    inputs.iter().fold(run, |run, (name, text)| {
        let path = run.path(name);
        fs::write(&path, text).expect("a file");
        run.input(&format!("{name}_file"), path.to_str().expect("UTF-8"))
    })
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|index| line(index) + "\n").collect()
}

/// Only shows what would be sent.
fn dry(inputs: &[(&str, &str)]) -> Finished {
    timed(with_files(Run::github().input("dry-run", "true"), inputs))
}

fn report(finished: &Finished) -> Value {
    serde_json::from_str(&finished.file("report.json")).expect("JSON")
}

#[test]
fn ten_thousand_tags_are_all_asked_for_and_told() {
    let standin = Standin::start(World::sized(1, 10_000));
    let tags = lines(10_000, |tag| format!("t{tag:05}"));
    let run = Run::github()
        .against(&standin)
        .input("images", &format!("{HOST}/bulk/r0000"))
        .input("targets", "cn-east-3,ap-southeast-3")
        .input("report-json", "report.json");
    let finished = timed(with_files(run, &[("tags", &tags)]));
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(finished.output("synced-count"), "20000");
    assert_eq!(standin.sync_requests().len(), 200);
    let asked: usize = standin
        .sync_requests()
        .iter()
        .map(|request| request.json()["imageTag"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(asked, 20_000);
    let results = report(&finished)["results"].clone();
    assert_eq!(results[1]["tags"].as_array().map(Vec::len), Some(10_000));
    assert_eq!(results[1]["tags"][9_999]["tag"], "t09999");
}

#[test]
fn ten_thousand_failing_tags_are_all_told() {
    let standin = Standin::start(World::sized(1, 10_000));
    standin.fault(Fault::answer(Answer::swr(400, "4000016", "Invalid tag")));
    let tags = lines(10_000, |tag| format!("t{tag:05}"));
    let run = Run::github()
        .against(&standin)
        .input("images", &format!("{HOST}/bulk/r0000"))
        .input("targets", "cn-east-3")
        .input("report-json", "report.json")
        .input("report-junit", "report.xml");
    let finished = timed(with_files(run, &[("tags", &tags)]));
    assert_eq!(finished.code, Some(5), "{}", finished.stdout);
    assert_eq!(finished.output("failed-count"), "10000");
    let results = report(&finished)["results"].clone();
    assert_eq!(results[0]["failedCount"], 10_000);
    assert_eq!(results[0]["calls"].as_array().map(Vec::len), Some(100));
}

#[test]
fn two_hundred_repositories_reach_twenty_targets() {
    let mut world = World::sized(200, 1);
    for target in 0..20 {
        world.organization(&format!("cn-test-{target}"), "bulk");
    }
    let standin = Standin::start(world);
    let images = lines(200, |index| format!("{HOST}/bulk/r{index:04}:t00000"));
    let targets = lines(20, |target| format!("cn-test-{target}"));
    let run = Run::github()
        .against(&standin)
        .input("concurrency", "16")
        .input("report-json", "report.json");
    let finished = timed(with_files(
        run,
        &[("images", &images), ("targets", &targets)],
    ));
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.sync_requests().len(), 4_000);
    assert_eq!(finished.output("synced-count"), "4000");
    let results = report(&finished)["results"].clone();
    assert_eq!(results.as_array().map(Vec::len), Some(4_000));
    assert_eq!(results[3_999]["repository"], "r0199");
    assert_eq!(results[3_999]["remoteRegionId"], "cn-test-19");
}

#[test]
fn a_megabyte_of_references_is_planned_in_order() {
    let targets = ("targets", "cn-east-3");
    let images = [
        lines(24_000, |index| format!("{HOST}/team/r{index:05}:v{index}")),
        lines(24_000, |index| format!("{HOST}/team{index:05}/app:v1")),
    ];
    for images in &images {
        assert!(images.len() > 1_000_000);
        let finished = dry(&[("images", images), targets]);
        assert_eq!(finished.code, Some(0));
        assert!(finished.stdout.contains("dry run: 24000 sync requests"));
    }
    let tags = lines(20_000, |index| format!("{HOST}/team/app:v{index:05}"));
    let bake: Vec<String> = (0..14_000)
        .map(|index| format!(r#""t{index}":{{"image.name":"{HOST}/team/app:v{index:05}"}}"#))
        .collect();
    let list = serde_json::to_string(&tags.lines().collect::<Vec<_>>()).expect("JSON");
    for (images, calls) in [
        (tags, 200),
        (list, 200),
        (format!("{{{}}}", bake.join(",")), 140),
    ] {
        let finished = dry(&[("images", &images), targets]);
        assert_eq!(finished.code, Some(0));
        let counted = format!("dry run: {calls} sync requests");
        assert!(finished.stdout.contains(&counted));
    }
}

#[test]
fn a_megabyte_of_anything_else_is_taken_or_refused_in_time() {
    let images = format!("{HOST}/team/app:v1");
    let many = lines(60_000, |index| format!("cn-east-{index:06}"));
    let finished = dry(&[("images", &images), ("targets", &many)]);
    assert_eq!(finished.code, Some(0));
    assert!(finished.stdout.contains("dry run: 60000 sync requests"));

    let tags = lines(20_000, |index| format!("{HOST}/team/app:v{index:05}"));
    let excluded = lines(100_000, |index| format!("v{:06}", index + 10));
    let targets = ("targets", "cn-east-3");
    let finished = dry(&[("images", &tags), ("exclude-tags", &excluded), targets]);
    assert_eq!(finished.code, Some(0));

    let regions = lines(20_000, |index| {
        format!("swr.region-{index:05}.myhuaweicloud.com/team/app:v1")
    });
    let registries = lines(20_000, |index| {
        format!("registry-{index:05}.example.com/team/app:v1")
    });
    let bad = lines(20_000, |index| {
        format!("{HOST}/team/app:v {index:05} and more of it")
    });
    let globs = lines(100_000, |index| format!("v{index:06}*"));
    let long = "a".repeat(1_000_000);
    let reference = format!("{HOST}/team/{long}:v1");
    let host = format!("{long}.example.com/team/app:v1");
    let (lists, objects) = ("[".repeat(1_000_000), r#"{"a":"#.repeat(200_000));
    let refused: [(&[(&str, &str)], &str); 12] = [
        (&[("images", &regions), targets], "and 19995 more"),
        (
            &[("images", &registries), targets],
            "nothing is left to sync",
        ),
        (&[("images", &bad), targets], "19991 more errors"),
        (&[("images", &reference), targets], "at most"),
        (&[("images", &host), targets], "nothing is left to sync"),
        (&[("images", &lists), targets], "input images"),
        (&[("images", &objects), targets], "begins like JSON"),
        (&[("images", &images), ("targets", &long)], "at most"),
        (
            &[("images", &images), targets, ("timeout", &long)],
            "not a duration",
        ),
        (
            &[("images", &images), targets, ("retries", &long)],
            "not a whole number",
        ),
        (
            &[("images", &tags), targets, ("exclude-tags", &globs)],
            "at most 1000",
        ),
        (
            &[("images", &tags), targets, ("endpoint", &long)],
            "input endpoint",
        ),
    ];
    for (inputs, told) in refused {
        let finished = dry(inputs);
        let log = &finished.stdout[..finished.stdout.len().min(3_000)];
        assert_eq!(finished.code, Some(2), "{told}: {log}");
        assert!(finished.stdout.contains(told), "{told}: {log}");
        let errors = finished
            .stdout
            .lines()
            .filter(|line| line.starts_with("::error"));
        assert!((1..=10).contains(&errors.count()), "{told}");
        assert!(
            finished.stdout.lines().all(|line| line.len() < 20_000),
            "{told}"
        );
        assert_eq!(finished.output("status"), "failure");
    }
}

#[test]
fn more_pairs_than_memory_holds_are_refused() {
    let images = lines(20_000, |index| format!("{HOST}/team/r{index:05}:v1"));
    let targets = lines(60_000, |index| format!("cn-east-{index:06}"));
    let finished = dry(&[("images", &images), ("targets", &targets)]);
    assert_eq!(finished.code, Some(2));
    let told = "20000 repositories × 60000 targets are more than 1000000 pairs";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
}

#[test]
fn names_are_taken_up_to_their_limit_and_refused_past_it() {
    let (region, namespace) = ("cn-north-4", "n".repeat(64));
    let (repository, tag) = ("r".repeat(128), "t".repeat(128));
    let mut world = World::demo();
    world.push(
        region,
        &namespace,
        &repository,
        &tag,
        Tag::manifest("content"),
    );
    world.organization("cn-east-3", &namespace);
    let standin = Standin::start(world);
    let longest = [&namespace, &repository, &tag];
    let run = |names: [&String; 3]| {
        let [namespace, repository, tag] = names;
        Run::github()
            .against(&standin)
            .input("images", &format!("{HOST}/{namespace}/{repository}:{tag}"))
            .input("targets", "cn-east-3")
            .run()
    };
    let finished = run(longest);
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_eq!(standin.sync_requests().len(), 1);
    for longer in 0..longest.len() {
        let name = format!("{}x", longest[longer]);
        let mut names = longest;
        names[longer] = &name;
        let finished = run(names);
        assert_eq!(finished.code, Some(2), "{}", finished.stdout);
        let told = format!("at most {} are allowed", longest[longer].len());
        assert!(finished.stdout.contains(&told), "{}", finished.stdout);
    }
    assert_eq!(standin.sync_requests().len(), 1);
}
