//! The older IAM: a token for an id token.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::credential::Token;
use crate::glob;
use crate::id_token;
use crate::record::Request;
use crate::signature::sha256_hex;
use crate::state::State;
use crate::swr::no_such_api;

/// How long tokens are good.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Answers a request to `/iam/{region}/{path}`.
pub(crate) fn answer(state: &mut State, request: &Request, path: &str) -> Answer {
    match (request.method.as_str(), path) {
        ("POST", "v3.0/OS-AUTH/id-token/tokens") => {
            token(state, request).unwrap_or_else(|refused| refused)
        }
        _ => no_such_api(),
    }
}

/// The shape of IAM's errors: one nested object.
fn refusal(status: u16, message: &str) -> Answer {
    let title = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        _ => "Not Found",
    };
    Answer::json(
        status,
        &json!({"error": {"code": status, "message": message, "title": title}}),
    )
}

fn token(state: &mut State, request: &Request) -> Result<Answer, Answer> {
    let id = request
        .header("X-Idp-Id")
        .ok_or_else(|| refusal(400, "X-Idp-Id is missing"))?;
    let body = request.json();
    let token = body["auth"]["id_token"]["id"]
        .as_str()
        .ok_or_else(|| refusal(400, "auth.id_token.id is missing"))?;
    let now = state.now();
    let provider = state
        .world
        .identity_providers
        .iter()
        .find(|provider| provider.id == id);
    let provider =
        provider.ok_or_else(|| refusal(404, &format!("Could not find Identity Provider: {id}")))?;
    let claims = id_token::read(token).filter(|claims| claims.issuer == provider.issuer);
    let claims = claims.ok_or_else(|| refusal(401, "The id token is invalid"))?;
    if claims.expires <= now {
        return Err(refusal(401, "The id token has expired"));
    }
    if claims.audience != provider.audience {
        return Err(refusal(
            401,
            "The audience of the id token is not the client id of the identity provider",
        ));
    }
    if !provider
        .subjects
        .iter()
        .any(|pattern| glob::matches(pattern, &claims.subject))
    {
        return Err(refusal(
            403,
            "No conversion rule of the identity provider matches the id token",
        ));
    }
    let project_id = match &body["auth"]["scope"] {
        Value::Null => None,
        scope => Some(
            project(state, &scope["project"])
                .ok_or_else(|| refusal(401, "The project of the scope was not found"))?,
        ),
    };
    let holder = provider.holder.clone();
    let expires_at = now + LIFETIME;
    let value = format!(
        "MIIStandIn{}+/w==",
        sha256_hex(format!("{token}{project_id:?}").as_bytes()).repeat(20)
    );
    let answer = json!({"token": {
        "expires_at": microseconds(expires_at),
        "issued_at": microseconds(now),
        "methods": ["mapped"],
        "project": project_id.as_ref().map(|id| json!({"id": id})),
        "user": {"id": "standin", "name": "ci-user"},
    }});
    state.world.tokens.push(Token {
        value: value.clone(),
        project_id,
        expires_at: Some(expires_at),
        holder,
    });
    Ok(Answer::json(201, &answer).with("X-Subject-Token", &value))
}

/// The project a scope names by id, or by the name of its region.
fn project(state: &State, scope: &Value) -> Option<String> {
    let by_id = |id: &str| {
        state
            .world
            .regions
            .values()
            .find(|region| region.project_id == id)
    };
    let region = match (scope["id"].as_str(), scope["name"].as_str()) {
        (Some(id), None) => by_id(id),
        (None, Some(name)) => state.world.regions.get(name),
        _ => None,
    };
    region.map(|region| region.project_id.clone())
}

/// UTC, with microseconds.
fn microseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
