//! The soak: 20,000 calls against a stand-in that fails one request in five. Afterwards every tag is accounted for exactly
//! once, as the stand-in's own log has it, and the program has not grown.
//!
//! ```sh
//! cargo test --release --test soak -- --ignored --nocapture
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use standin::{
    Answer, Counters, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Delivery, Fault, Request, Standin, Sync,
    When, World,
};

const REPOSITORIES: usize = 1_000;
const TARGETS: usize = 20;
const TAGS: usize = 3;
const CALLS: usize = REPOSITORIES * TARGETS;

/// How much the program may grow from a fifth of the calls to the end of them, in KiB. What it keeps for its report is
/// less.
const GROWTH: u64 = 12 * 1024;

/// Repository, remote region, tag.
type Triple = (String, String, String);

/// What the stand-in knows of the calls of a repository to a target.
#[derive(Default)]
struct Asked<'a> {
    requests: Vec<&'a Request>,
}

#[test]
#[ignore = "takes minutes; see the top of this file"]
fn twenty_thousand_calls_of_which_one_in_five_fails() {
    let standin = Standin::start(world());
    for (index, (fault, probability)) in faults().into_iter().enumerate() {
        let seed = index as u64 + 1;
        standin.fault(fault.when(When::Chance { probability, seed }));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let started = Instant::now();
    let child = start(&standin, folder.path());
    let memory = watch(child, &standin, folder.path());
    let spent = started.elapsed();

    let report = fs::read_to_string(folder.path().join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let log = standin.sync_requests();
    let told = told(&report);
    let known = known(&log);
    assert_eq!(told.len(), CALLS * TAGS, "every tag is told");
    let states = compare(&told, &known);
    assert_landed(&standin.world(), &known);
    assert_eq!(report["exitCode"], 5, "some calls fail four times in a row");

    let faulted = log.iter().filter(|request| request.faulted).count();
    println!(
        "{CALLS} calls of {TAGS} tags, {} requests, {:.1} s",
        log.len(),
        spent.as_secs_f64()
    );
    println!("{faulted} requests failed: {:?}", kinds(&log));
    println!(
        "{} tags, each told once and as the stand-in knows it: {states:?}",
        told.len()
    );
    println!("{memory}");
    memory.assert_flat();
}

fn world() -> World {
    let mut world = World::sized(REPOSITORIES, TAGS);
    world.sync = Sync::at_once();
    for target in 0..TARGETS {
        world.organization(&region(target), "bulk");
    }
    world
}

fn region(target: usize) -> String {
    format!("cn-soak-{target}")
}

/// One request in five, together.
fn faults() -> Vec<(Fault, f64)> {
    let busy = |answer: Answer, wait: &str| Fault::answer(answer.with("Retry-After", wait));
    let unavailable = Answer::swr(503, "SVCSTG.SWR.5030001", "Service unavailable");
    vec![
        (busy(Answer::throttled(), "0"), 0.05),
        (busy(Answer::throttled(), "1"), 0.002),
        (busy(unavailable, "0"), 0.055),
        (Fault::delivery(Delivery::Reset), 0.055),
        (Fault::delivery(Delivery::ResetInBody), 0.03),
        (Fault::delivery(Delivery::CloseInBody), 0.03),
    ]
}

fn start(standin: &Standin, folder: &std::path::Path) -> Child {
    let images: String = (0..REPOSITORIES)
        .flat_map(|repository| (0..TAGS).map(move |tag| (repository, tag)))
        .map(|(repository, tag)| {
            format!("swr.cn-north-4.myhuaweicloud.com/bulk/r{repository:04}:t{tag:05}\n")
        })
        .collect();
    fs::write(folder.join("images"), images).expect("a file");
    let targets: Vec<String> = (0..TARGETS).map(region).collect();
    let log = fs::File::create(folder.join("log")).expect("a file");
    Command::new(env!("CARGO_BIN_EXE_swr-image-sync"))
        .env_clear()
        .envs([
            ("INPUT_ENDPOINT", standin.endpoint().as_str()),
            ("INPUT_ACCESS_KEY", DEMO_ACCESS_KEY),
            ("INPUT_SECRET_KEY", DEMO_SECRET_KEY),
            ("INPUT_IMAGES_FILE", "images"),
            ("INPUT_TARGETS", &targets.join(",")),
            ("INPUT_CONCURRENCY", "32"),
            ("INPUT_REPORT_JSON", "report.json"),
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .spawn()
        .expect("the program starts")
}

/// Memory of the program in KiB, by requests that the stand-in had seen.
struct Memory(Vec<(u64, u64)>);

/// Looks at the program until it ends.
fn watch(mut child: Child, standin: &Standin, folder: &std::path::Path) -> Memory {
    let mut samples = Vec::new();
    loop {
        if let Some(status) = child.try_wait().expect("a state") {
            let log = fs::read_to_string(folder.join("log")).expect("a log");
            let end = log.lines().last().unwrap_or_default();
            assert_eq!(status.code(), Some(5), "{end}");
            return Memory(samples);
        }
        let Counters { requests, .. } = standin.counters();
        samples.extend(resident(child.id()).map(|memory| (requests, memory)));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Resident memory of a process in KiB, as Linux tells it.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

impl Memory {
    /// The most at up to so many requests.
    fn up_to(&self, requests: usize) -> u64 {
        let early = self.0.iter().filter(|(seen, _)| *seen <= requests as u64);
        early.map(|(_, memory)| *memory).max().unwrap_or_default()
    }

    fn assert_flat(&self) {
        let (early, late) = (self.up_to(CALLS / 5), self.up_to(CALLS));
        assert!(early > 0, "memory was not measured");
        assert!(late <= early + GROWTH, "from {early} KiB to {late} KiB");
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let megabytes = |memory: u64| memory as f64 / 1024.0;
        let (early, late) = (self.up_to(CALLS / 5), self.up_to(CALLS));
        let all = self.up_to(usize::MAX);
        write!(
            f,
            "memory: {:.1} MiB after a fifth of the calls, {:.1} MiB after all of them, {:.1} MiB with the report",
            megabytes(early),
            megabytes(late),
            megabytes(all)
        )
    }
}

/// State and attempts of every tag, as the program tells them; fails where one is told twice.
fn told(report: &Value) -> HashMap<Triple, (String, u64)> {
    let mut told = HashMap::new();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    for pair in report["results"].as_array().expect("results") {
        let calls = pair["calls"].as_array().expect("calls");
        assert_eq!(calls.len(), 1);
        let attempts = calls[0]["attempts"].as_u64().expect("a number");
        for tag in pair["tags"].as_array().expect("tags") {
            let triple = (
                text(&pair["repository"]),
                text(&pair["remoteRegionId"]),
                text(&tag["tag"]),
            );
            let earlier = told.insert(triple.clone(), (text(&tag["state"]), attempts));
            assert_eq!(earlier, None, "{triple:?} is told twice");
        }
    }
    told
}

/// The requests for each tag, in order, as the stand-in saw them.
fn known(log: &[Request]) -> HashMap<Triple, Asked<'_>> {
    let mut known: HashMap<Triple, Asked<'_>> = HashMap::new();
    for request in log {
        let body = request.json();
        let repository = request.path.rsplit('/').nth(1).expect("a repository");
        let region = body["remoteRegionId"].as_str().expect("a region");
        for tag in body["imageTag"].as_array().expect("tags") {
            let tag = tag.as_str().expect("a tag");
            let triple = (repository.to_owned(), region.to_owned(), tag.to_owned());
            known.entry(triple).or_default().requests.push(request);
        }
    }
    known
}

/// Fails where the program says of a tag what the stand-in does not know; counts the states.
fn compare(
    told: &HashMap<Triple, (String, u64)>,
    known: &HashMap<Triple, Asked<'_>>,
) -> BTreeMap<String, usize> {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for (triple, (state, attempts)) in told {
        let requests = &known[triple].requests;
        let last = requests.last().expect("a request");
        let expected = match last.status {
            _ if !last.faulted => "accepted",
            Some(429 | 503) => "failed",
            _ => "unknown",
        };
        assert_eq!(state, expected, "{triple:?}");
        assert_eq!(*attempts, requests.len() as u64, "{triple:?}");
        assert!(requests.len() <= 4, "{triple:?}");
        let again = requests[..requests.len() - 1].iter();
        assert!(
            again.clone().all(|request| request.faulted),
            "{triple:?} again"
        );
        *states.entry(state.clone()).or_default() += 1;
    }
    assert_eq!(told.len(), known.len());
    states
}

/// Fails unless the tags in the targets are those of which a request reached the service.
fn assert_landed(world: &World, known: &HashMap<Triple, Asked<'_>>) {
    let reached = |asked: &Asked<'_>| {
        let mut requests = asked.requests.iter();
        requests.any(|request| !matches!(request.status, Some(429 | 503)))
    };
    let expected: HashSet<&Triple> = known
        .iter()
        .filter(|(_, asked)| reached(asked))
        .map(|(triple, _)| triple)
        .collect();
    for triple in known.keys() {
        let (repository, region, tag) = triple;
        let landed = world.tag(region, "bulk", repository, tag).is_some();
        assert_eq!(landed, expected.contains(triple), "{triple:?}");
    }
}

/// How often each fault came.
fn kinds(log: &[Request]) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for request in log.iter().filter(|request| request.faulted) {
        let kind = match request.status {
            Some(429) => "429",
            Some(503) => "503",
            Some(_) => "cut body",
            None => "reset",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}
