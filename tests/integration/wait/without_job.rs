//! Tags of which no sync job is listed. The rule needs ten seconds of real time, so all cases run at once.

use std::thread;
use std::time::{Duration, Instant};

use standin::{
    Answer, DEMO_TOKEN, Fault, Holder, Matcher, Operation, Pace, Standin, Sync, SyncRule, World,
};

use super::{earlier, reasons, states, target_reads, waiting, with_existing};
use crate::common::{Finished, Run};

/// What is expected of a run.
struct Expected {
    code: i32,
    state: &'static str,
    /// How its reason begins; empty for none.
    reason: &'static str,
    /// The seconds it takes at least and at most.
    takes: (u64, u64),
}

fn landed(from: u64, to: u64) -> Expected {
    Expected {
        code: 0,
        state: "landed",
        reason: "",
        takes: (from, to),
    }
}

/// Fails as soon as the ten seconds are over.
fn failed(reason: &'static str) -> Expected {
    Expected {
        code: 1,
        state: "failed",
        reason,
        takes: (10, 14),
    }
}

fn standin(world: World, sync: Sync) -> Standin {
    let standin = Standin::start(world);
    standin.rule(SyncRule::all(sync));
    standin
}

fn one(standin: &Standin) -> Run {
    waiting(standin, "1.0.0")
}

fn denied(operation: Operation, region: &str) -> World {
    let mut world = World::demo();
    world.keys[0].holder = Holder::without(operation, region);
    world
}

fn check(name: &str, standin: &Standin, run: Run, expected: &Expected) -> Finished {
    let begun = Instant::now();
    let finished = run.run();
    let took = begun.elapsed();
    let log = &finished.stdout;
    assert_eq!(finished.code, Some(expected.code), "{name}\n{log}");
    assert_eq!(states(&finished), [expected.state], "{name}\n{log}");
    let reason = &reasons(&finished)[0];
    assert!(reason.starts_with(expected.reason), "{name}: {reason}");
    assert_eq!(
        reason.is_empty(),
        expected.reason.is_empty(),
        "{name}: {reason}"
    );
    let (from, to) = expected.takes;
    let allowed = Duration::from_secs(from)..Duration::from_secs(to);
    assert!(allowed.contains(&took), "{name}: {took:?}\n{log}");
    assert_eq!(standin.sync_requests().len(), 1, "{name}");
    finished
}

#[test]
fn a_tag_without_a_job_is_judged_by_its_digest_after_ten_seconds() {
    const NO_JOB: &str = "no sync job of it was listed within 10 s";
    thread::scope(|scope| {
        scope.spawn(|| {
            let standin = standin(World::demo(), Sync::landing_without_row(1));
            check("it lands", &standin, one(&standin), &landed(10, 25));
            assert!(target_reads(&standin) >= 2);
        });
        scope.spawn(|| {
            let standin = standin(with_existing("one"), Sync::silently_lost());
            check("it was there", &standin, one(&standin), &landed(10, 14));
        });
        scope.spawn(|| {
            let standin = standin(with_existing("another"), Sync::silently_lost());
            let expected = failed("not overwritten: a different image has this tag in the target");
            check("another is there", &standin, one(&standin), &expected);
        });
        scope.spawn(|| {
            let late = Sync {
                appears: Pace::Time(Duration::from_secs(11)),
                ..Sync::default()
            };
            let standin = standin(with_existing("another"), late);
            let run = one(&standin).input("override", "true");
            check(
                "it is replaced by a job that is listed late",
                &standin,
                run,
                &landed(11, 30),
            );
        });
        scope.spawn(|| {
            let standin = standin(World::demo(), Sync::silently_lost());
            let run = one(&standin).input("wait-timeout", "13s");
            let expected = Expected {
                code: 7,
                state: "pending",
                reason: "`wait-timeout` (13s) has passed: no sync job of it is listed, and the tag is not in the target",
                takes: (11, 15),
            };
            check("it never lands", &standin, run, &expected);
        });
        scope.spawn(|| {
            let standin = standin(World::demo(), Sync::silently_lost());
            let run = one(&standin)
                .input("targets", "cn-east-3/nowhere")
                .input("wait-timeout", "12s");
            let expected = Expected {
                code: 7,
                state: "pending",
                reason: "`wait-timeout` (12s) has passed: no sync job of it is listed, and the tag is not in the target (last answer: HTTP 404 SVCSTG.SWR.4040058",
                takes: (10, 14),
            };
            check("its organization is not there", &standin, run, &expected);
        });
        scope.spawn(|| {
            let standin = standin(World::demo(), Sync::silently_lost());
            let run = waiting(&standin, "2.0.0");
            let expected = failed(
                "no sync job of it was listed within 10 s, and the tag is not in the source",
            );
            check("it is not in the source", &standin, run, &expected);
        });
        scope.spawn(|| {
            let world = denied(Operation::ShowTag, "cn-east-3");
            let standin = standin(world, Sync::silently_lost());
            let finished = check(
                "its target may not be read",
                &standin,
                one(&standin),
                &failed(NO_JOB),
            );
            assert!(reasons(&finished)[0].contains("and the target cannot be read: HTTP 403"));
        });
        scope.spawn(|| {
            let standin = standin(with_existing("one"), Sync::silently_lost());
            let run = one(&standin)
                .input("access-key", "")
                .input("secret-key", "")
                .input("auth-token", DEMO_TOKEN);
            check(
                "jobs alone decide with a token",
                &standin,
                run,
                &failed(NO_JOB),
            );
            assert_eq!(target_reads(&standin), 0);
        });
        scope.spawn(|| {
            let standin = standin(World::demo(), Sync::silently_lost());
            let run = one(&standin).input("endpoint", &standin.region_endpoint("cn-north-4"));
            check("an endpoint for one region", &standin, run, &failed(NO_JOB));
            assert_eq!(target_reads(&standin), 0);
        });
        scope.spawn(|| {
            let standin = standin(World::demo(), Sync::silently_lost());
            let not_offered = Answer::gateway(404, "0101", "The API does not exist");
            standin.fault(Fault::answer(not_offered).on(Matcher::path("/swr/cn-east-3/*")));
            check(
                "no API in the target",
                &standin,
                one(&standin),
                &failed(NO_JOB),
            );
        });
        scope.spawn(|| {
            let mut world = with_existing("another");
            world.jobs = vec![earlier("success", Duration::ZERO)];
            let standin = standin(world, Sync::silently_lost());
            let expected = failed("not overwritten");
            check(
                "an earlier job does not stand in for its own",
                &standin,
                one(&standin),
                &expected,
            );
        });
    });
}
