//! SIGINT and SIGTERM: what is known is told in time, and nothing is claimed that nobody knows.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use standin::{Answer, Delivery, Fault, Matcher, Standin, Sync, When, World};

use crate::common::{Finished, Run};

/// From the signal to the end of the process.
const PROMISED: Duration = Duration::from_secs(2);

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("the command mkfifo").success());
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("the process is there");
}

/// So many repositories with one tag, one target.
fn calls(standin: &Standin, calls: usize) -> Run {
    let images: Vec<String> = (0..calls)
        .map(|call| format!("swr.cn-north-4.myhuaweicloud.com/bulk/r{call:04}:t00000"))
        .collect();
    let run = Run::github()
        .against(standin)
        .input("images", &images.join("\n"))
        .input("targets", "cn-east-3");
    let reports = [
        "report-junit",
        "report-json",
        "report-dotenv",
        "report-markdown",
    ];
    reports.into_iter().fold(run, |run, name| {
        let path = run.path(name);
        run.input(name, path.to_str().expect("UTF-8"))
    })
}

/// Starts a run, waits until the stand-in has seen so many sync requests and a moment more, sends a signal, and waits for
/// the end.
fn signalled(run: Run, standin: &Standin, requests: usize, signal: Signal) -> Finished {
    let child = run.start();
    let seen = standin.wait_for(Duration::from_secs(20), |log| {
        let syncs = log
            .iter()
            .filter(|request| request.path.ends_with("/sync_images"));
        syncs.count() >= requests
    });
    assert!(seen, "the requests never came");
    std::thread::sleep(Duration::from_millis(300));
    send(&child, signal);
    let started = Instant::now();
    let finished = run.finish(child);
    let spent = started.elapsed();
    assert!(spent < PROMISED, "{spent:?}\n{}", finished.stdout);
    finished
}

fn everything_is_written(finished: &Finished, code: &str) {
    assert_eq!(finished.output("exit-code"), code);
    let results = finished.json("results");
    let report: Value = serde_json::from_str(&finished.file("report-json")).expect("JSON");
    assert_eq!(report["results"], results);
    assert!(finished.file("report-junit").contains("</testsuites>"));
    assert!(
        finished
            .file("report-dotenv")
            .contains(&format!("SWR_SYNC_EXIT_CODE={code}"))
    );
    for file in ["report-markdown", "summary.md"] {
        assert!(finished.file(file).contains("r0000"), "{file}");
    }
}

#[test]
fn in_the_middle_of_calls_what_is_known_is_written() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let standin = Standin::start(World::sized(8, 1));
        standin.fault(Fault::delay(Duration::from_secs(30)).when(When::After(2)));
        let run = calls(&standin, 8).input("concurrency", "2");
        let finished = signalled(run, &standin, 4, signal);
        assert_eq!(finished.code, Some(code), "{}", finished.stdout);
        let (known, lost, never) = ("accepted", "unknown", "skipped");
        assert_eq!(
            finished.states(),
            [known, known, lost, lost, never, never, never, never]
        );
        assert_eq!(standin.sync_requests().len(), 4);
        assert_eq!(finished.output("status"), "partial");
        assert_eq!(finished.output("failed-count"), "6");
        assert_eq!(finished.output("synced-count"), "2");
        let results = finished.json("results");
        assert_eq!(results[2]["calls"][0]["attempts"], 1);
        assert_eq!(results[4]["calls"], json!([]));
        let name = if code == 130 { "SIGINT" } else { "SIGTERM" };
        for pair in 2..8 {
            let reason = &results[pair]["tags"][0]["reason"];
            let told = reason.as_str().is_some_and(|reason| reason.contains(name));
            assert!(told, "{reason}");
        }
        everything_is_written(&finished, &code.to_string());
    }
}

#[test]
fn before_the_first_answer_nothing_is_claimed() {
    let standin = Standin::start(World::sized(3, 1));
    standin.fault(Fault::delivery(Delivery::Never));
    let finished = signalled(calls(&standin, 3), &standin, 1, Signal::TERM);
    assert_eq!(finished.code, Some(143), "{}", finished.stdout);
    assert_eq!(finished.states(), ["unknown", "skipped", "skipped"]);
    assert_eq!(finished.output("status"), "failure");
    everything_is_written(&finished, "143");
}

#[test]
fn in_the_middle_of_a_slow_answer_the_tags_are_unknown() {
    let standin = Standin::start(World::sized(1, 1));
    standin.fault(Fault::delivery(Delivery::Trickle(Duration::from_secs(5))));
    let finished = signalled(calls(&standin, 1), &standin, 1, Signal::INT);
    assert_eq!(finished.code, Some(130), "{}", finished.stdout);
    assert_eq!(finished.states(), ["unknown"]);
    everything_is_written(&finished, "130");
}

#[test]
fn in_a_pause_before_another_try_the_last_answer_stands() {
    let standin = Standin::start(World::sized(1, 1));
    let busy = Answer::swr(503, "5030000", "Try again").with("Retry-After", "30");
    standin.fault(Fault::answer(busy));
    let finished = signalled(calls(&standin, 1), &standin, 1, Signal::TERM);
    assert_eq!(finished.code, Some(143), "{}", finished.stdout);
    assert_eq!(finished.states(), ["failed"]);
    assert_eq!(standin.sync_requests().len(), 1);
    let reason = finished.json("results")[0]["tags"][0]["reason"].clone();
    assert!(
        reason.as_str().is_some_and(|text| text.contains("503")),
        "{reason}"
    );
    everything_is_written(&finished, "143");
}

#[test]
fn while_a_failed_call_is_sent_again_its_tags_are_unknown() {
    let standin = Standin::start(World::sized(1, 1));
    let busy = Answer::swr(503, "5030000", "Try again").with("Retry-After", "0");
    standin.fault(Fault::answer(busy).when(When::First(1)));
    standin.fault(Fault::delivery(Delivery::Never));
    let finished = signalled(calls(&standin, 1), &standin, 2, Signal::TERM);
    assert_eq!(finished.states(), ["unknown"], "{}", finished.stdout);
    assert_eq!(finished.json("results")[0]["calls"][0]["attempts"], 2);
}

#[test]
fn while_it_waits_for_tags_to_land_they_are_pending() {
    let mut world = World::sized(2, 1);
    world.sync = Sync::taking(Duration::from_secs(60));
    let standin = Standin::start(world);
    let run = calls(&standin, 2).input("wait", "true");
    let finished = signalled(run, &standin, 2, Signal::TERM);
    assert_eq!(finished.code, Some(143), "{}", finished.stdout);
    assert_eq!(finished.states(), ["pending", "pending"]);
    assert_eq!(finished.output("synced-count"), "0");

    // The second call is still under way, so that nobody waits yet.
    let standin = Standin::start(World::sized(2, 1));
    let second = Fault::delivery(Delivery::Never).on(Matcher::sync());
    standin.fault(second.when(When::After(1)));
    let run = calls(&standin, 2).input("wait", "true");
    let finished = signalled(run, &standin, 2, Signal::TERM);
    assert_eq!(finished.states(), ["pending", "unknown"]);
}

#[test]
fn before_anything_is_planned_the_outputs_are_written_too() {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::delivery(Delivery::Never));
    let run = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:*")
        .input("targets", "cn-east-3");
    let child = run.start();
    assert!(standin.wait_for(Duration::from_secs(20), |log| !log.is_empty()));
    send(&child, Signal::TERM);
    let started = Instant::now();
    let finished = run.finish(child);
    assert!(started.elapsed() < PROMISED);
    assert_eq!(finished.code, Some(143), "{}", finished.stdout);
    assert_eq!(finished.output("status"), "failure");
    assert_eq!(finished.output("results"), "[]");
    assert_eq!(finished.output("exit-code"), "143");
}

/// A run whose outputs go to a FIFO that nobody reads, and are too long for it, when it has come so far.
fn stuck_in_writing() -> (Standin, Run, Child) {
    let standin = Standin::start(World::sized(1, 2000));
    let tags: Vec<String> = (0..2000).map(|tag| format!("t{tag:05}")).collect();
    let run = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/bulk/r0000")
        .input("tags", &tags.join(","))
        .input("targets", "cn-east-3")
        .input("batch-size", "1000");
    let path = run.path("fifo");
    fifo(&path);
    let run = run.set("GITHUB_OUTPUT", path.to_str().expect("UTF-8"));
    let child = run.start();
    assert!(standin.wait_for(Duration::from_secs(20), |log| log.len() == 2));
    std::thread::sleep(Duration::from_secs(1));
    (standin, run, child)
}

#[test]
fn outputs_that_nobody_takes_hold_up_a_signal_for_two_seconds_at_most() {
    let (_standin, run, mut child) = stuck_in_writing();
    assert_eq!(child.try_wait().expect("a state"), None, "it is stuck");
    send(&child, Signal::TERM);
    let started = Instant::now();
    let finished = run.finish(child);
    let spent = started.elapsed();
    assert!(spent < PROMISED, "{spent:?}");
    assert_eq!(finished.code, Some(143));
}

#[test]
fn a_second_signal_ends_it_at_once_even_while_it_writes() {
    for (first, second, code) in [
        (Signal::TERM, Signal::INT, 130),
        (Signal::INT, Signal::TERM, 143),
        (Signal::INT, Signal::INT, 130),
    ] {
        let (_standin, run, mut child) = stuck_in_writing();
        send(&child, first);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(child.try_wait().expect("a state"), None, "it is stuck");
        send(&child, second);
        let started = Instant::now();
        let finished = run.finish(child);
        let spent = started.elapsed();
        assert!(spent < Duration::from_millis(700), "{spent:?}");
        assert_eq!(finished.code, Some(code));
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_a_signal_for_two_seconds_at_most() {
    let standin = Standin::start(World::sized(1, 2000));
    let tags: Vec<String> = (0..2000).map(|tag| format!("t{tag:05}")).collect();
    let run = Run::github()
        .against(&standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/bulk/r0000")
        .input("tags", &tags.join(","))
        .input("targets", "cn-east-3")
        .input("batch-size", "1")
        .input("log-level", "debug");
    // More than a pipe holds is written before the last call, and nobody reads it.
    let mut child = run.start();
    assert!(standin.wait_for(Duration::from_secs(20), |log| log.len() > 200));
    std::thread::sleep(Duration::from_secs(2));
    let sent = standin.sync_requests().len();
    assert!(sent < 2000, "it is stuck");
    send(&child, Signal::TERM);
    let started = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(started.elapsed() < PROMISED);
    assert_eq!(status.code(), Some(143));
    assert_eq!(standin.sync_requests().len(), sent);
}

#[test]
fn a_fifo_at_the_path_of_a_report_is_replaced() {
    let standin = Standin::start(World::sized(1, 1));
    let run = calls(&standin, 1);
    let path = run.path("report-json");
    fifo(&path);
    let finished = run.run();
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(fs::symlink_metadata(&path).is_ok_and(|it| it.is_file()));
    let mut text = String::new();
    let mut file = File::open(path).expect("a file");
    file.read_to_string(&mut text).expect("text");
    assert!(text.contains("\"results\""), "{text}");
}
