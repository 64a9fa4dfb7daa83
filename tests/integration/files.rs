//! Outputs, reports and a log that cannot be written: everything else is, and the code says so.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use standin::{Answer, Fault, Standin, World};

use crate::common::{Finished, Run};

fn run(standin: &Standin) -> Run {
    Run::github()
        .against(standin)
        .input("images", "swr.cn-north-4.myhuaweicloud.com/team/app:1.0.0")
        .input("targets", "cn-east-3")
        .input("report-json", "report.json")
}

fn report(finished: &Finished) -> Value {
    serde_json::from_str(&finished.file("report.json")).expect("JSON")
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_the_outputs_is_told_and_fails_the_step() {
    let standin = Standin::start(World::demo());
    let finished = run(&standin).set("GITHUB_OUTPUT", "/dev/full").run();
    assert_eq!(finished.code, Some(8), "{}", finished.stdout);
    let told = "cannot write /dev/full: No space left on device";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
    assert_eq!(report(&finished)["exitCode"], 8);
    assert_eq!(report(&finished)["status"], "success");
    assert!(finished.file("summary.md").contains("exit code 8"));
}

#[test]
fn a_report_whose_folder_cannot_be_made_is_told_and_fails_the_step() {
    let standin = Standin::start(World::demo());
    let run = run(&standin).input("report-junit", "file/junit.xml");
    fs::write(run.path("file"), "no folder").expect("a file");
    let finished = run.run();
    assert_eq!(finished.code, Some(8), "{}", finished.stdout);
    let told = "cannot write file/junit.xml";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
    assert_eq!(finished.output("exit-code"), "8");
    assert_eq!(report(&finished)["exitCode"], 8);
}

#[test]
fn a_failed_step_stays_as_failed_as_it_was() {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::answer(Answer::swr(
        404,
        "4040058",
        "No such namespace",
    )));
    // A folder is no file.
    let finished = run(&standin).set("GITHUB_OUTPUT", ".").run();
    assert_eq!(finished.code, Some(4), "{}", finished.stdout);
    assert!(finished.stdout.contains("cannot write .:"));
    assert_eq!(report(&finished)["exitCode"], 4);
}

#[test]
fn a_log_that_nobody_takes_fails_the_step_also_in_the_outputs() {
    let standin = Standin::start(World::demo());
    standin.set_latency(Duration::from_millis(500));
    let run = run(&standin);
    let mut child = run.start();
    drop(child.stdout.take());
    let finished = run.finish(child);
    assert_eq!(finished.code, Some(8), "{}", finished.stderr);
    assert_eq!(finished.output("exit-code"), "8");
    assert_eq!(report(&finished)["exitCode"], 8);
    let told = finished.stderr.contains("1 tag accepted by SWR, 0 failed");
    assert!(told, "{}", finished.stderr);
}
