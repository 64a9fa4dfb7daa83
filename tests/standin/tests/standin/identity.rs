//! The ways without keys: issuer and STS, issuer and IAM, the ECS host.

use jiff::SignedDuration;
use serde_json::{Value, json};
use standin::{
    AccessKey, Agency, Handshake, Holder, IdentityProvider, Operation, Provider, Standin, World,
};

use crate::client::{Call, Reply, now};

const BEARER: &str = "Bearer demo-request-token-of-the-runner";
const SUBJECT: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";
const REGIONS: &str = "/swr/cn-north-4/v2/manage/regions";

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn assume(standin: &Standin, changes: &[(&str, Value)]) -> Reply {
    let mut body = json!({
        "provider_urn": Provider::demo().urn,
        "agency_urn": Agency::demo().urn,
        "agency_session_name": "octo-org-octo-repo-42",
        "id_token": standin.id_token(SUBJECT, "sts.huaweicloud.com"),
        "duration_seconds": 3600,
    });
    for (key, value) in changes {
        body[*key] = value.clone();
    }
    Call::post("/sts/cn-north-4/v5/agencies/assume-with-oidc", &body).send(standin)
}

#[test]
fn the_issuer_gives_a_token_of_three_parts_for_the_bearer_alone() {
    let standin = Standin::start(World::demo());
    let target = standin.issuer_url().replace(standin.url(), "") + "&audience=sts.huaweicloud.com";
    let reply = Call::get(&target)
        .header("Authorization", BEARER)
        .send(&standin);
    let body = reply.json();
    assert_eq!(text(&body["value"]).split('.').count(), 3);
    assert_eq!(
        assume(&standin, &[("id_token", body["value"].clone())]).status,
        200
    );
    assert_eq!(
        Call::get(&target)
            .header("Authorization", "Bearer x")
            .send(&standin)
            .status,
        401
    );
    assert_eq!(Call::get(&target).send(&standin).status, 401);
}

#[test]
fn keys_from_sts_sign_until_they_end() {
    let standin = Standin::start(World::demo());
    let reply = assume(&standin, &[]);
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert!(
        text(&body["assumed_agency"]["urn"])
            .ends_with(":assumed-agency:swr-sync/octo-org-octo-repo-42")
    );
    let keys = &body["credentials"];
    assert!(text(&keys["access_key_id"]).starts_with("HST"));
    assert!(text(&keys["expiration"]).ends_with('Z'));
    let call = || {
        let call = Call::get(REGIONS).header("X-Security-Token", text(&keys["security_token"]));
        call.signed_with(
            &standin,
            text(&keys["access_key_id"]),
            text(&keys["secret_access_key"]),
            now(),
        )
    };
    assert_eq!(call().send(&standin).status, 200);
    standin.change(|world| world.keys.last_mut().unwrap().expires_at = Some(now()));
    assert_eq!(call().send(&standin).status, 401);
}

#[test]
fn sts_refuses_what_it_must() {
    let standin = Standin::start(World::demo());
    let refused = |changes: &[(&str, Value)]| {
        let reply = assume(&standin, changes);
        (reply.status, text(&reply.json()["error_code"]).to_owned())
    };
    let token = |subject: &str, audience: &str| json!(standin.id_token(subject, audience));
    let answer = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(
        refused(&[("id_token", token(SUBJECT, "other"))]),
        answer(400, "STS5.2001")
    );
    let elsewhere = token("repo:evil/repo:ref:refs/heads/main", "sts.huaweicloud.com");
    assert_eq!(
        refused(&[("id_token", elsewhere)]),
        answer(403, "STS5.1001")
    );
    assert_eq!(
        refused(&[("provider_urn", json!("iam::x:oidcProvider:y"))]),
        answer(404, "STS5.2002")
    );
    assert_eq!(
        refused(&[("agency_urn", json!("iam::x:agency:y"))]),
        answer(404, "STS5.1002")
    );
    assert_eq!(
        refused(&[("id_token", json!("a.b.c"))]),
        answer(400, "STS5.2003")
    );
    for (key, value) in [
        ("agency_session_name", json!("with blank")),
        ("agency_session_name", json!("x")),
        ("agency_session_name", json!("x".repeat(129))),
        ("duration_seconds", json!(899)),
        ("duration_seconds", json!("3600")),
        ("id_token", json!("abc")),
        ("token", json!("unknown key")),
    ] {
        assert_eq!(
            refused(&[(key, value.clone())]),
            answer(400, "STS5.1000"),
            "{key} {value}"
        );
    }
    let old = token(SUBJECT, "sts.huaweicloud.com");
    standin.set_clock_offset(SignedDuration::from_mins(6));
    assert_eq!(refused(&[("id_token", old)]), answer(400, "STS5.2004"));
}

#[test]
fn the_older_iam_gives_a_token_for_the_project_asked_for() {
    let world = World::demo();
    let project = world.regions["cn-north-4"].project_id.clone();
    let standin = Standin::start(world);
    let ask = |id: &str, token: &str, scope: Value| {
        let body = json!({"auth": {"id_token": {"id": token}, "scope": scope}});
        Call::post("/iam/cn-north-4/v3.0/OS-AUTH/id-token/tokens", &body)
            .header("X-Idp-Id", id)
            .send(&standin)
    };
    let token = standin.id_token(SUBJECT, "sts.huaweicloud.com");
    let provider = IdentityProvider::demo().id;
    let reply = ask(&provider, &token, json!({"project": {"id": project}}));
    assert_eq!(reply.status, 201);
    let subject_token = reply.header("X-Subject-Token").unwrap();
    assert_eq!(
        Call::get(REGIONS)
            .header("X-Auth-Token", subject_token)
            .send(&standin)
            .status,
        200
    );
    let unscoped = ask(&provider, &token, Value::Null);
    let subject_token = unscoped.header("X-Subject-Token").unwrap();
    assert_eq!(
        Call::get(REGIONS)
            .header("X-Auth-Token", subject_token)
            .send(&standin)
            .status,
        403
    );
    assert_eq!(ask("nobody", &token, Value::Null).status, 404);
    assert_eq!(ask(&provider, "a.b.c", Value::Null).status, 401);
    assert_eq!(
        ask(&provider, &standin.id_token(SUBJECT, "other"), Value::Null).status,
        401
    );
    assert_eq!(
        ask(
            &provider,
            &standin.id_token("repo:evil/x:y", "sts.huaweicloud.com"),
            Value::Null
        )
        .status,
        403
    );
    assert_eq!(
        ask(&provider, &token, json!({"project": {"id": "nothing"}})).status,
        401
    );
}

#[test]
fn an_ecs_host_gives_keys_after_its_handshake() {
    let standin = Standin::start(World::demo());
    let keys = "/openstack/latest/securitykey";
    let hand = || Call {
        method: "PUT",
        ..Call::get("/meta-data/latest/api/token")
    };
    assert_eq!(hand().send(&standin).status, 400);
    let token = hand()
        .header("X-Metadata-Token-Ttl-Seconds", "21600")
        .send(&standin);
    let token = String::from_utf8(token.body).unwrap();
    assert_eq!(Call::get(keys).send(&standin).status, 401);
    assert_eq!(
        Call::get(keys)
            .header("X-Metadata-Token", "wrong")
            .send(&standin)
            .status,
        401
    );
    let body = Call::get(keys)
        .header("X-Metadata-Token", &token)
        .send(&standin)
        .json();
    let key = &body["credential"];
    let call = Call::get(REGIONS).header("X-Security-Token", text(&key["securitytoken"]));
    let call = call.signed_with(&standin, text(&key["access"]), text(&key["secret"]), now());
    assert_eq!(call.send(&standin).status, 200);

    standin.change(|world| world.metadata.handshake = Handshake::Answered(404));
    assert_eq!(
        hand()
            .header("X-Metadata-Token-Ttl-Seconds", "21600")
            .send(&standin)
            .status,
        404
    );
    assert_eq!(Call::get(keys).send(&standin).status, 200);
    standin.change(|world| world.metadata.agency = None);
    let refused = Call::get(keys).send(&standin);
    assert_eq!(
        (refused.status, refused.body.as_slice()),
        (
            401,
            b"Please configure Cloud Service Agency first".as_slice()
        )
    );
}

#[test]
fn keys_have_the_rights_of_whoever_gave_them() {
    let mut world = World::demo();
    world.agencies[0].holder = Holder::without(Operation::ListSyncRegions, "*");
    let standin = Standin::start(world);
    assert_eq!(assume(&standin, &[]).status, 200);
    let key: AccessKey = standin.world().keys.last().unwrap().clone();
    let call = Call::get(REGIONS).header("X-Security-Token", &key.security_token.unwrap());
    assert_eq!(
        call.signed_with(&standin, &key.access, &key.secret, now())
            .send(&standin)
            .status,
        403
    );
}

#[test]
fn services_are_also_found_by_the_vendors_host_names() {
    let standin = Standin::start(World::demo());
    let ask = |host: &str, path: &str| {
        Call::get(path).header("Host", host).send(&standin).json()["error_code"].clone()
    };
    assert_eq!(
        ask("swr-api.cn-north-4.myhuaweicloud.com", "/v2/manage/regions"),
        "APIGW.0301"
    );
    assert_eq!(
        ask("swr-api.mars-1.myhuaweicloud.com", "/v2/manage/regions"),
        "APIGW.0101"
    );
    let post = Call::post("/v5/agencies/assume-with-oidc", &json!({}))
        .header("Host", "sts.cn-north-4.myhuaweicloud.com");
    assert_eq!(post.send(&standin).json()["error_code"], "STS5.1000");
}
