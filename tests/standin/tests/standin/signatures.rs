//! Signatures and tokens are checked, and refused in the gateway's words.

use jiff::SignedDuration;
use standin::{
    AccessKey, Answer, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, DEMO_TOKEN, Fault, Holder, Operation,
    Standin, Verdict, World,
};

use crate::client::{Call, Reply, now, sync};

const REGIONS: &str = "/swr/cn-north-4/v2/manage/regions";

fn message(reply: &Reply) -> String {
    reply.json()["error_msg"].as_str().unwrap().to_owned()
}

#[test]
fn a_good_signature_is_taken() {
    let standin = Standin::start(World::demo());
    assert_eq!(
        Call::get(REGIONS).signed(&standin).send(&standin).status,
        200
    );
    let requests = standin.requests();
    assert_eq!(requests[0].verdict, Verdict::Signed);
    assert_eq!(requests[0].access_key.as_deref(), Some(DEMO_ACCESS_KEY));
}

#[test]
fn a_dollar_is_signed_encoded_and_sent_raw() {
    let standin = Standin::start(World::demo());
    let reply = sync("backend$api", &["v1"], "cn-east-3", false)
        .signed(&standin)
        .send(&standin);
    assert_eq!((reply.status, reply.json()), (200, serde_json::json!([])));
}

#[test]
fn a_wrong_secret_gets_the_canonical_request_back() {
    let standin = Standin::start(World::demo());
    let reply = Call::get(REGIONS)
        .signed_with(&standin, DEMO_ACCESS_KEY, "wrong", now())
        .send(&standin);
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["error_code"], "APIGW.0301");
    let message = message(&reply);
    let start = "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/swr/cn-north-4/v2/manage/regions/||host:";
    assert!(message.starts_with(start), "{message}");
    assert!(
        message.ends_with(
            "|host;x-sdk-date|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855|"
        ),
        "{message}"
    );
}

#[test]
fn a_changed_body_is_noticed() {
    let standin = Standin::start(World::demo());
    let mut call = sync("app", &["1.0.0"], "cn-east-3", false).signed(&standin);
    call.body = String::from_utf8(call.body)
        .unwrap()
        .replace("1.0.0", "1.1.0")
        .into_bytes();
    assert_eq!(call.send(&standin).status, 401);
}

#[test]
fn an_unknown_key_is_named() {
    let standin = Standin::start(World::demo());
    let reply = Call::get(REGIONS)
        .signed_with(&standin, "NOBODY", "x", now())
        .send(&standin);
    assert_eq!(reply.status, 401);
    assert!(message(&reply).contains("ak NOBODY not exist"));
}

#[test]
fn a_clock_over_fifteen_minutes_off_is_refused_with_both_times() {
    let standin = Standin::start(World::demo());
    standin.set_clock_offset(SignedDuration::from_mins(14));
    assert_eq!(
        Call::get(REGIONS).signed(&standin).send(&standin).status,
        200
    );
    standin.set_clock_offset(SignedDuration::from_mins(-16));
    let reply = Call::get(REGIONS).signed(&standin).send(&standin);
    assert_eq!(reply.status, 401);
    assert!(
        message(&reply).contains("signature expired, signature time:20"),
        "{}",
        message(&reply)
    );
    assert!(
        message(&reply).contains("Z,server time:20"),
        "{}",
        message(&reply)
    );
}

#[test]
fn more_than_five_failures_lock_the_key_for_five_minutes() {
    let standin = Standin::start(World::demo());
    for _ in 0..6 {
        let reply = Call::get(REGIONS)
            .signed_with(&standin, DEMO_ACCESS_KEY, "wrong", now())
            .send(&standin);
        assert!(message(&reply).contains("canonicalRequest"));
    }
    let reply = Call::get(REGIONS).signed(&standin).send(&standin);
    assert_eq!(reply.status, 401);
    assert!(message(&reply).ends_with("AK access failed to reach the limit,forbidden"));
    standin.set_clock_offset(SignedDuration::from_mins(6));
    assert_eq!(
        Call::get(REGIONS).signed(&standin).send(&standin).status,
        200
    );
}

#[test]
fn a_temporary_key_needs_its_security_token_signed() {
    let mut world = World::demo();
    world.keys.push(AccessKey::temporary(
        "HSTTEMP",
        "secret",
        "the-token",
        now() + SignedDuration::from_hours(1),
    ));
    let standin = Standin::start(world);
    let signed = |call: Call| call.signed_with(&standin, "HSTTEMP", "secret", now());
    assert!(message(&signed(Call::get(REGIONS)).send(&standin)).contains("ak HSTTEMP not exist"));
    let wrong = signed(Call::get(REGIONS).header("X-Security-Token", "another")).send(&standin);
    assert!(message(&wrong).contains("decrypt token fail"));
    let unsigned = signed(Call::get(REGIONS))
        .header("X-Security-Token", "the-token")
        .send(&standin);
    assert!(message(&unsigned).contains("x-security-token is not signed"));
    assert_eq!(
        signed(Call::get(REGIONS).header("X-Security-Token", "the-token"))
            .send(&standin)
            .status,
        200
    );
    standin.set_clock_offset(SignedDuration::from_mins(10));
    standin.change(|world| world.keys[1].expires_at = Some(now()));
    let ended = signed(Call::get(REGIONS).header("X-Security-Token", "the-token")).send(&standin);
    assert!(message(&ended).contains("token expires, expires_at:"));
}

#[test]
fn a_project_id_must_be_signed_and_right() {
    let world = World::demo();
    let project = world.regions["cn-north-4"].project_id.clone();
    let standin = Standin::start(world);
    let reply = Call::get(REGIONS)
        .header("X-Project-Id", &project)
        .signed(&standin)
        .send(&standin);
    assert_eq!(reply.status, 200);
    assert_eq!(
        Call::get(REGIONS)
            .signed(&standin)
            .header("X-Project-Id", &project)
            .send(&standin)
            .status,
        401
    );
    assert_eq!(
        Call::get(REGIONS)
            .header("X-Project-Id", "other")
            .signed(&standin)
            .send(&standin)
            .status,
        403
    );
}

#[test]
fn a_token_is_good_in_its_own_region_alone() {
    let standin = Standin::start(World::demo());
    let here = Call::get(REGIONS)
        .header("X-Auth-Token", DEMO_TOKEN)
        .send(&standin);
    assert_eq!(here.status, 200);
    assert_eq!(standin.requests()[0].verdict, Verdict::Token);
    let there = Call::get("/swr/cn-east-3/v2/manage/regions")
        .header("X-Auth-Token", DEMO_TOKEN)
        .send(&standin);
    assert_eq!(there.status, 401);
    assert!(message(&there).contains("decrypt token fail"));
    assert!(message(&Call::get(REGIONS).send(&standin)).contains("x-auth-token not found"));
}

#[test]
fn a_denied_operation_carries_the_long_opaque_message() {
    let mut world = World::demo();
    world.keys[0].holder = Holder::without(Operation::SyncImages, "cn-north-4");
    let standin = Standin::start(world);
    let reply = sync("app", &["1.0.0"], "cn-east-3", false)
        .signed_with(&standin, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, now())
        .send(&standin);
    assert_eq!(reply.status, 403);
    let body = reply.json();
    assert_eq!(body["error_code"], "SVCSTG.SWR.4030170");
    assert!(
        body["error_msg"]
            .as_str()
            .unwrap()
            .contains("swr:repo:createManualSyncRepoJob")
    );
    assert!(
        body["encoded_authorization_message"]
            .as_str()
            .unwrap()
            .len()
            > 1000
    );
    assert_eq!(
        Call::get(REGIONS).signed(&standin).send(&standin).status,
        200
    );
}

#[test]
fn a_key_may_be_locked_from_the_start() {
    let mut world = World::demo();
    world.keys[0].locked = true;
    let standin = Standin::start(world);
    let reply = Call::get(REGIONS).signed(&standin).send(&standin);
    assert_eq!(reply.status, 401);
    assert!(message(&reply).ends_with("AK access failed to reach the limit,forbidden"));
}

#[test]
fn signatures_are_judged_even_where_a_fault_answers() {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::answer(Answer::throttled()));
    Call::get(REGIONS).signed(&standin).send(&standin);
    Call::get(REGIONS)
        .signed_with(&standin, DEMO_ACCESS_KEY, "wrong", now())
        .send(&standin);
    let verdicts: Vec<bool> = standin
        .requests()
        .iter()
        .map(|request| request.verdict.is_accepted())
        .collect();
    assert_eq!(verdicts, [true, false]);
}
