//! Looks for secrets in everything that a run shows or leaves behind.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use standin::Standin;

/// So many bytes of a secret, or of an encoded form of it, are a leak; a text that was cut may hold no more.
const WINDOW: usize = 16;

/// The commands by which a CI system is told what to mask.
const MASK_COMMANDS: [&str; 2] = ["::add-mask::", "##vso[task.setsecret]"];

/// The variables whose values are secret, by the end of their name in upper case with `_` for `-`.
const SECRET_VARIABLES: [&str; 10] = [
    "ACCESS_KEY",
    "ACCESS_KEY_ID",
    "AUTH_TOKEN",
    "ID_TOKEN",
    "OIDC_TOKEN",
    "REQUEST_TOKEN",
    "SDK_AK",
    "SDK_SK",
    "SECRET_KEY",
    "SECURITY_TOKEN",
];

/// Whether a variable of the environment holds a secret, or an access key, which is not shown as a whole either.
pub(crate) fn is_secret(variable: &str) -> bool {
    let name = variable.to_uppercase().replace('-', "_");
    SECRET_VARIABLES.iter().any(|end| name.ends_with(end))
}

/// Every secret that a stand-in gave out or was sent.
pub(crate) fn known_to(standin: &Standin) -> Vec<String> {
    let world = standin.world();
    let keys = world.keys.iter().flat_map(|key| {
        let given = [key.access.clone(), key.secret.clone()];
        given.into_iter().chain(key.security_token.clone())
    });
    let tokens = world.tokens.iter().map(|token| token.value.clone());
    let mut secrets: Vec<String> = keys.chain(tokens).collect();
    for request in standin.requests() {
        for header in ["X-Security-Token", "X-Auth-Token", "X-Metadata-Token"] {
            secrets.extend(request.header(header).map(str::to_owned));
        }
        let bearer = request.header("Authorization");
        secrets.extend(bearer.and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned())));
        if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&request.body) {
            let id_tokens = ["/id_token", "/auth/id_token/id"];
            secrets.extend(
                id_tokens
                    .iter()
                    .filter_map(|place| Some(body.pointer(place)?.as_str()?.to_owned())),
            );
        }
    }
    secrets.sort();
    secrets.dedup();
    secrets
}

/// The first place in a text, outside of mask commands, where a part of a secret stands in any form.
pub(crate) fn leak(text: &str, secrets: &[String]) -> Option<String> {
    let mut windows: HashMap<Vec<u8>, &str> = HashMap::new();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        for form in forms(secret) {
            let length = form.len().min(WINDOW);
            for window in form.as_bytes().windows(length) {
                windows.insert(window.to_vec(), secret);
            }
        }
    }
    let mut lengths: Vec<usize> = windows.keys().map(Vec::len).collect();
    lengths.sort_unstable();
    lengths.dedup();
    text.lines()
        .filter(|line| {
            !MASK_COMMANDS
                .iter()
                .any(|command| line.starts_with(command))
        })
        .find(|line| {
            lengths.iter().any(|length| {
                let mut places = line.as_bytes().windows(*length);
                places.any(|place| windows.contains_key(place))
            })
        })
        .map(str::to_owned)
}

/// A text with every sign escaped, in upper-case and in lower-case hex.
pub(crate) fn percent_encoded(text: &str) -> [String; 2] {
    let upper = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let lower: Vec<String> = upper
        .split('%')
        .enumerate()
        .map(|(index, part)| match part.split_at_checked(2) {
            Some((hex, rest)) if index > 0 => format!("{}{rest}", hex.to_lowercase()),
            _ => part.to_owned(),
        })
        .collect();
    [upper, lower.join("%")]
}

/// A secret as it is, percent-encoded, and in base64 at each of the three places that it may begin at.
fn forms(secret: &str) -> Vec<String> {
    let [upper, lower] = percent_encoded(secret);
    let mut forms = vec![secret.to_owned(), upper, lower];
    for before in 0..3 {
        let mut bytes = vec![b'.'; before];
        bytes.extend(secret.bytes());
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(&bytes);
            // The characters at both ends also depend on what stands beside the secret.
            let own = text
                .get(4..text.len().saturating_sub(4))
                .unwrap_or_default();
            forms.push(own.to_owned());
        }
    }
    forms.retain(|form| form.len() >= 6);
    forms
}

#[test]
fn a_leak_is_found_in_every_form_but_not_in_a_mask_command() {
    let secret = "hwTestSk/BBBB+CCCC=DDDDEEEE".to_owned();
    let secrets = [secret.clone()];
    let [upper, lower] = percent_encoded(&secret);
    assert_eq!(lower, "hwTestSk%2fBBBB%2bCCCC%3dDDDDEEEE");
    for leaking in [
        secret.clone(),
        secret[5..].to_owned(),
        upper,
        lower,
        STANDARD.encode(&secret),
        STANDARD.encode(format!("u:{secret}")),
        URL_SAFE.encode(format!("us:{secret}!")),
    ] {
        let text = format!("fine\n::error::it was {leaking}\nfine");
        assert!(leak(&text, &secrets).is_some(), "{leaking}");
    }
    assert_eq!(leak(&format!("::add-mask::{secret}\nfine"), &secrets), None);
    assert_eq!(
        leak(&format!("##vso[task.setsecret]{secret}\n***"), &secrets),
        None
    );
}
