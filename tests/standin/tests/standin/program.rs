//! The program and its control API.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use standin::{
    Answer, ConnectionFault, Delivery, Fault, Matcher, Standin, Sync, SyncRule, When, World,
};

use crate::client::{Call, exchange, sync};

fn control(standin: &Standin, method: &'static str, path: &str, body: &Value) -> Value {
    let reply = Call {
        method,
        ..Call::post(&format!("/_standin/{path}"), body)
    }
    .send(standin);
    assert!(
        matches!(reply.status, 200 | 204),
        "{method} {path}: {reply:?}"
    );
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

#[test]
fn everything_can_be_driven_over_http() {
    let standin = Standin::start(World::demo());
    let call = || sync("app", &["1.0.0"], "cn-east-3", false).signed(&standin);
    let fault = Fault::answer(Answer::throttled())
        .on(Matcher::sync())
        .when(When::First(1));
    control(&standin, "POST", "faults", &json!([fault]));
    control(
        &standin,
        "POST",
        "rules",
        &json!(SyncRule::tag("1.0.0", Sync::named_and_failing())),
    );
    assert_eq!(call().send(&standin).status, 429);
    assert_eq!(call().send(&standin).json(), json!(["1.0.0"]));
    let log = control(&standin, "GET", "requests?path=*/sync_images", &Value::Null);
    assert_eq!(
        (log[0]["status"].clone(), log[1]["status"].clone()),
        (json!(429), json!(200))
    );
    assert_eq!(log[0]["verdict"], "Signed");
    assert_eq!(log[1]["verdict"], "Signed");

    control(&standin, "PUT", "clock-offset", &json!(-1200));
    assert_eq!(call().send(&standin).status, 401);
    control(&standin, "PUT", "clock-offset", &json!(0));
    assert_eq!(
        control(&standin, "GET", "counters", &Value::Null)["requests"],
        3
    );
    control(&standin, "DELETE", "requests", &Value::Null);
    assert!(standin.requests().is_empty());
    assert_eq!(
        control(&standin, "GET", "counters", &Value::Null)["requests"],
        3
    );

    control(&standin, "DELETE", "rules", &Value::Null);
    control(
        &standin,
        "POST",
        "faults",
        &json!(Fault::delivery(Delivery::Close)),
    );
    assert_eq!(exchange(&standin, &call().bytes()).unwrap(), b"");
    control(&standin, "DELETE", "faults", &Value::Null);
    assert_eq!(call().send(&standin).json(), json!([]));
    control(
        &standin,
        "POST",
        "connection-faults",
        &json!([ConnectionFault::Close, When::After(1000)]),
    );
    control(&standin, "DELETE", "connection-faults", &Value::Null);
    control(&standin, "PUT", "latency", &json!("1ms"));
}

#[test]
fn a_world_survives_json() {
    let standin = Standin::start(World::empty());
    let world = World::demo();
    control(&standin, "PUT", "world", &json!(world));
    let back: World =
        serde_json::from_value(control(&standin, "GET", "world", &Value::Null)).unwrap();
    assert_eq!(back, world);
    assert_eq!(standin.world(), world);
    let small = json!({"regions": {"cn-north-4": {"organizations": {"team": {"repositories": {"app": {"tags": {"v1": {"digest": "sha256:1"}}}}}}}}});
    control(&standin, "PUT", "world", &small);
    assert_eq!(
        standin
            .world()
            .tag("cn-north-4", "team", "app", "v1")
            .unwrap()
            .digest,
        "sha256:1"
    );
}

#[test]
fn a_wrong_control_request_says_why() {
    let standin = Standin::start(World::demo());
    let reply = Call::post("/_standin/faults", &json!({"delivery": "Sideways"})).send(&standin);
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].as_str().unwrap().contains("Sideways"));
    assert_eq!(Call::get("/_standin/nothing").send(&standin).status, 404);
}

fn start(arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    (child, output)
}

#[test]
#[cfg(unix)]
fn the_program_prints_its_urls_and_ends_at_sigterm() {
    let folder = std::env::temp_dir().join(format!("standin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca = folder.join("ca.pem");
    let ca = ca.to_str().unwrap();
    let (mut child, mut output) = start(&[
        "--port",
        "0",
        "--listen-tls",
        "127.0.0.1:0",
        "--ca",
        ca,
        "--sync-time",
        "1s",
        "--sized",
        "2,3",
    ]);
    let mut lines = String::new();
    output.read_line(&mut lines).unwrap();
    output.read_line(&mut lines).unwrap();
    let urls: Vec<&str> = lines.lines().collect();
    assert!(
        urls[0].starts_with("http://127.0.0.1:") && urls[1].starts_with("https://127.0.0.1:"),
        "{lines}"
    );
    assert!(
        std::fs::read_to_string(ca)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "0 requests on 0 connections\n");
}

#[test]
fn the_program_refuses_what_it_does_not_know() {
    for (arguments, said) in [
        (
            ["--sideways", ""],
            "standin: --sideways is not known; see --help\n",
        ),
        (
            ["--latency", "soon"],
            "standin: soon: expected number at 0\n",
        ),
        (
            ["--port", "x"],
            "standin: 127.0.0.1:x: invalid socket address syntax\n",
        ),
    ] {
        let (mut child, mut output) = start(&arguments);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        assert_eq!(text, said);
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
}
