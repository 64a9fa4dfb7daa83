//! Who is calling: signatures and tokens, checked as the API gateway does, with its words for every refusal.
//!
//! Stricter than the service in two points, so that a client's slips show: `X-Security-Token` and `X-Project-Id` must be signed
//! when they are sent (the service accepts them unsigned), and `X-Project-Id` must name the project of the region.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::answer::Answer;
use crate::credential::{AccessKey, Holder};
use crate::record::{Request, Verdict};
use crate::signature::{Authorization, canonical_request, signature, string_to_sign};
use crate::state::State;

/// How far `X-Sdk-Date` may be from the service's clock.
const SKEW: Duration = Duration::from_secs(15 * 60);
/// How long a key stays locked.
const LOCK: Duration = Duration::from_secs(5 * 60);
/// Bad signatures in a row that a key survives.
const FAILURES: u32 = 5;

/// Bad signatures in a row, by access key, and until when a key is locked.
pub(crate) type Lockouts = HashMap<String, (u32, Option<Timestamp>)>;

/// The caller, or the answer that refuses the request. The verdict is written into the request.
pub(crate) fn authenticate(
    state: &mut State,
    request: &mut Request,
    region: &str,
) -> Result<Holder, Answer> {
    let checked = match (
        request.header("Authorization"),
        request.header("X-Auth-Token"),
    ) {
        (Some(header), _) => {
            let header = header.to_owned();
            signed(state, request, &header)
        }
        (None, Some(token)) => token_holder(state, token, region),
        (None, None) => {
            request.verdict = Verdict::Missing;
            return Err(unauthorized("x-auth-token not found"));
        }
    };
    let project = &state.world.regions[region].project_id;
    let checked = checked.and_then(|caller| match request.header("X-Project-Id") {
        Some(sent) if sent != project => Err(Refusal::Forbidden(format!(
            "The project {sent} is unavailable"
        ))),
        _ => Ok(caller),
    });
    match checked {
        Ok((verdict, holder)) => {
            request.verdict = verdict;
            Ok(holder)
        }
        Err(refusal) => {
            let (why, answer) = match refusal {
                Refusal::Unauthorized(why) => (why.clone(), unauthorized(&why)),
                Refusal::Forbidden(why) => (why.clone(), Answer::gateway(403, "0310", &why)),
            };
            request.verdict = Verdict::Refused(why);
            Err(answer)
        }
    }
}

enum Refusal {
    Unauthorized(String),
    Forbidden(String),
}

fn unauthorized(why: &str) -> Answer {
    Answer::gateway(
        401,
        "0301",
        &format!("Incorrect IAM authentication information: {why}"),
    )
}

fn token_holder(state: &State, value: &str, region: &str) -> Result<(Verdict, Holder), Refusal> {
    let refused = |why: &str| Err(Refusal::Unauthorized(why.to_owned()));
    let Some(token) = state.world.tokens.iter().find(|token| token.value == value) else {
        return refused("decrypt token fail");
    };
    if let Some(end) = token.expires_at
        && end <= state.now()
    {
        return refused(&format!("token expires, expires_at:{end}"));
    }
    match &token.project_id {
        None => Err(Refusal::Forbidden(
            "The token is not scoped to a project".to_owned(),
        )),
        Some(project) if *project != state.world.regions[region].project_id => {
            refused("decrypt token fail")
        }
        Some(_) => Ok((Verdict::Token, token.holder.clone())),
    }
}

fn signed(
    state: &mut State,
    request: &mut Request,
    header: &str,
) -> Result<(Verdict, Holder), Refusal> {
    let refused = |why: String| Err(Refusal::Unauthorized(why));
    let Some(authorization) = Authorization::parse(header) else {
        return refused(
            "verify aksk signature fail, the Authorization header has another form".to_owned(),
        );
    };
    let access = authorization.access.clone();
    request.access_key = Some(access.clone());
    let now = state.now();
    let Some(key) = state
        .world
        .keys
        .iter()
        .find(|key| key.access == access)
        .cloned()
    else {
        return refused(format!("verify aksk signature fail, ak {access} not exist"));
    };
    let locked_until = state.lockouts.get(&access).and_then(|(_, until)| *until);
    if key.locked || locked_until.is_some_and(|until| now < until) {
        return refused("AK access failed to reach the limit,forbidden".to_owned());
    }
    match verify(&key, request, &authorization, now) {
        Ok(()) => {
            state.lockouts.remove(&access);
            Ok((Verdict::Signed, key.holder))
        }
        Err(why) => {
            let (failures, until) = state.lockouts.entry(access).or_default();
            *failures += 1;
            if *failures > FAILURES {
                *until = Some(now + LOCK);
                *failures = 0;
            }
            refused(why)
        }
    }
}

fn verify(
    key: &AccessKey,
    request: &Request,
    authorization: &Authorization,
    now: Timestamp,
) -> Result<(), String> {
    let is_signed = |name: &str| {
        authorization
            .signed_headers
            .iter()
            .any(|signed| signed == name)
    };
    let date = request.header("X-Sdk-Date").unwrap_or_default();
    let time = read_date(date).ok_or("verify aksk signature fail, x-sdk-date has another form")?;
    if !is_signed("x-sdk-date") {
        return Err("verify aksk signature fail, x-sdk-date is not signed".to_owned());
    }
    if now.duration_since(time).unsigned_abs() > SKEW {
        let server = now.strftime("%Y%m%dT%H%M%SZ");
        return Err(format!(
            "calc aksk signature fail:signature expired, signature time:{date},server time:{server}"
        ));
    }
    match (&key.security_token, request.header("X-Security-Token")) {
        (None, None) => {}
        (Some(_), None) => {
            return Err(format!(
                "verify aksk signature fail, ak {} not exist",
                key.access
            ));
        }
        (expected, Some(sent)) if expected.as_deref() != Some(sent) => {
            return Err("decrypt token fail".to_owned());
        }
        (_, Some(_)) => {}
    }
    if let Some(end) = key.expires_at
        && end <= now
    {
        return Err(format!("token expires, expires_at:{end}"));
    }
    for name in ["x-security-token", "x-project-id"] {
        if request.header(name).is_some() && !is_signed(name) {
            return Err(format!("verify aksk signature fail, {name} is not signed"));
        }
    }
    let canonical = canonical_request(
        &request.method,
        &request.target,
        &request.headers,
        &authorization.signed_headers,
        &request.body,
    );
    if signature(&key.secret, &string_to_sign(date, &canonical)) != authorization.signature {
        return Err(format!(
            "verify aksk signature fail, canonicalRequest:{}|",
            canonical.replace('\n', "|")
        ));
    }
    Ok(())
}

/// Reads `YYYYMMDDTHHMMSSZ`.
fn read_date(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Offset::UTC.to_timestamp(time).ok()
}
