//! STS: keys for an id token, by a provider and an agency with a trust policy.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, ErrorShape};
use crate::glob;
use crate::id_token::{self, Claims};
use crate::record::Request;
use crate::state::State;
use crate::swr::no_such_api;

/// Keys of the body that are known.
const KEYS: [&str; 7] = [
    "provider_urn",
    "agency_urn",
    "agency_session_name",
    "id_token",
    "duration_seconds",
    "policy",
    "policy_ids",
];

/// Answers a request to `/sts/{region}/{path}`.
pub(crate) fn answer(state: &mut State, request: &Request, path: &str) -> Answer {
    match (request.method.as_str(), path) {
        ("POST", "v5/agencies/assume-with-oidc") => {
            assume(state, request).unwrap_or_else(|refused| refused)
        }
        _ => no_such_api(),
    }
}

/// Codes `1001` and `2001` are the vendor's, with these meanings; the other codes, and the status of `2001`, are made up.
fn refusal(status: u16, serial: &str, message: &str) -> Answer {
    Answer::error(
        ErrorShape::Gateway,
        status,
        &format!("STS5.{serial}"),
        message,
    )
}

fn untrusted() -> Answer {
    refusal(
        403,
        "1001",
        "no identity-based policy allows sts:agencies:assumeWithOIDC",
    )
}

fn assume(state: &mut State, request: &Request) -> Result<Answer, Answer> {
    let invalid = |what: &str| refusal(400, "1000", &format!("Invalid parameter: {what}"));
    if request.header("Authorization").is_some() || request.header("X-Auth-Token").is_some() {
        return Err(invalid("this call is made without credentials"));
    }
    let body = request.json();
    let keys = body
        .as_object()
        .ok_or_else(|| invalid("the body is no JSON object"))?;
    if let Some(unknown) = keys.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(invalid(unknown));
    }
    let text = |key: &str| body[key].as_str().ok_or_else(|| invalid(key));
    let session = text("agency_session_name")?;
    let is_session_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(2..=128).contains(&session.len()) || !session.bytes().all(is_session_byte) {
        return Err(invalid("agency_session_name"));
    }
    let duration = match &body["duration_seconds"] {
        Value::Null => 3600,
        given => given
            .as_u64()
            .filter(|seconds| (900..=43_200).contains(seconds))
            .ok_or_else(|| invalid("duration_seconds"))?,
    };
    let token = text("id_token")?;
    if !(4..=20_000).contains(&token.len()) {
        return Err(invalid("id_token"));
    }
    let now = state.now();
    let (provider_urn, agency_urn) = (text("provider_urn")?, text("agency_urn")?);
    let provider = state
        .world
        .providers
        .iter()
        .find(|provider| provider.urn == provider_urn);
    let provider = provider.ok_or_else(|| {
        refusal(
            404,
            "2002",
            &format!("The OIDC provider {provider_urn} does not exist"),
        )
    })?;
    let Claims {
        issuer,
        subject,
        audience,
        expires,
    } = id_token::read(token).ok_or_else(|| refusal(400, "2003", "The id token is invalid"))?;
    if expires <= now {
        return Err(refusal(400, "2004", "The id token has expired"));
    }
    if issuer != provider.issuer {
        return Err(refusal(
            400,
            "2003",
            "The issuer of the id token is not that of the provider",
        ));
    }
    if !provider.audiences.contains(&audience) {
        return Err(refusal(
            400,
            "2001",
            "The audience of the id token is not a registered client id",
        ));
    }
    let agency = state
        .world
        .agencies
        .iter()
        .find(|agency| agency.urn == agency_urn);
    let agency = agency.ok_or_else(|| {
        refusal(
            404,
            "1002",
            &format!("The agency {agency_urn} does not exist"),
        )
    })?;
    if agency.provider != provider_urn
        || !agency
            .subjects
            .iter()
            .any(|pattern| glob::matches(pattern, &subject))
    {
        return Err(untrusted());
    }
    let lifetime = agency.lifetime.unwrap_or(Duration::from_secs(duration));
    let assumed =
        agency_urn
            .replacen("iam::", "sts::", 1)
            .replacen(":agency:", "::assumed-agency:", 1);
    let key = state.new_temporary_key(agency.holder.clone(), now + lifetime);
    Ok(Answer::json(
        200,
        &json!({
            "source_identity": null,
            "assumed_agency": {"urn": format!("{assumed}/{session}"), "id": format!("{}:{session}", key.access)},
            "credentials": {
                "access_key_id": key.access,
                "secret_access_key": key.secret,
                "security_token": key.security_token,
                "expiration": milliseconds(now + lifetime),
            },
            "audience": audience,
            "provider": provider_urn,
            "subject_from_id_token": subject,
        }),
    ))
}

/// UTC, with milliseconds.
fn milliseconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
