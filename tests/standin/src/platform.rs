//! What the platform gives that a job runs on: id tokens of a CI, and keys of an ECS host.

use serde_json::json;

use crate::answer::Answer;
use crate::identity::Handshake;
use crate::record::Request;
use crate::state::State;

/// Answers `GET /oidc/token?…&audience=…` as GitHub's issuer does.
pub(crate) fn id_token(state: &State, request: &Request) -> Answer {
    let issuer = &state.world.issuer;
    if request.method != "GET" {
        return Answer::json(405, &json!({"message": "Method Not Allowed"}));
    }
    if request.header("Authorization") != Some(&format!("Bearer {}", issuer.request_token)) {
        return Answer::json(
            401,
            &json!({"message": "The request token is missing or wrong"}),
        );
    }
    let owner = issuer.subject.split([':', '/']).nth(1).unwrap_or_default();
    let audience = request
        .query("audience")
        .map_or_else(|| format!("https://github.com/{owner}"), str::to_owned);
    let token = state.id_token(&issuer.subject, &audience);
    Answer::json(200, &json!({"count": token.len(), "value": token}))
}

/// Answers `PUT /meta-data/latest/api/token`, the handshake of the metadata service.
pub(crate) fn metadata_token(state: &mut State, request: &Request) -> Answer {
    if let Handshake::Answered(status) = state.world.metadata.handshake {
        return Answer::text(status, "text/plain", "");
    }
    if request.method != "PUT" {
        return Answer::text(405, "text/plain", "");
    }
    let seconds = request
        .header("X-Metadata-Token-Ttl-Seconds")
        .and_then(|seconds| seconds.parse::<u32>().ok());
    if !seconds.is_some_and(|seconds| (1..=21_600).contains(&seconds)) {
        return Answer::text(
            400,
            "text/plain",
            "X-Metadata-Token-Ttl-Seconds is missing or out of range",
        );
    }
    let token = format!("metadata-token-{}", state.metadata_tokens.len() + 1);
    state.metadata_tokens.push(token.clone());
    Answer::text(200, "text/plain", token)
}

/// Answers `GET /openstack/latest/securitykey`.
pub(crate) fn metadata_key(state: &mut State, request: &Request) -> Answer {
    let known = |token: &str| state.metadata_tokens.iter().any(|known| known == token);
    let allowed = match (
        state.world.metadata.handshake,
        request.header("X-Metadata-Token"),
    ) {
        (Handshake::Answered(_), _) | (Handshake::Optional, None) => true,
        (Handshake::Required, None) => false,
        (_, Some(token)) => known(token),
    };
    if !allowed {
        return Answer::text(401, "text/plain", "The metadata token is missing or wrong");
    }
    let Some(holder) = state.world.metadata.agency.clone() else {
        return Answer::text(
            401,
            "text/plain",
            "Please configure Cloud Service Agency first",
        );
    };
    let expires_at = state.now() + state.world.metadata.lifetime;
    let key = state.new_temporary_key(holder, expires_at);
    Answer::json(
        200,
        &json!({"credential": {
            "access": key.access,
            "secret": key.secret,
            "securitytoken": key.security_token,
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        }}),
    )
}
