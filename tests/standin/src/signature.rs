//! SDK-HMAC-SHA256 as a gateway computes it: from the request that arrived.
//!
//! ```text
//! CanonicalRequest = METHOD "\n" CanonicalURI "\n" CanonicalQuery "\n" CanonicalHeaders "\n" SignedHeaders "\n" hex(sha256(body))
//! StringToSign     = "SDK-HMAC-SHA256" "\n" X-Sdk-Date "\n" hex(sha256(CanonicalRequest))
//! Signature        = hex(hmac_sha256(secret key, StringToSign))
//! ```
//!
//! Written from the vendor's signing guide and checked against vectors made with the vendor's Python SDK; it shares no code with
//! the client under test.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// Name of the algorithm, first word of the `Authorization` header and first line of the string to sign.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// Everything but letters, digits and `-_.~` is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Percent-encodes every byte that is not an unreserved character.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Decodes `%XX`; bytes that are no UTF-8 become the replacement character.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Lower-case hex of the SHA-256 of some bytes.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The decoded path, each segment encoded, always with a slash at its end.
#[must_use]
pub fn canonical_uri(path: &str) -> String {
    let mut uri = decode(path)
        .split('/')
        .map(encode)
        .collect::<Vec<_>>()
        .join("/");
    if !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

/// Splits a raw query string into decoded pairs, in the order given.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// The pairs sorted by decoded key and value, encoded, joined by `&`; an empty value keeps its `=`.
#[must_use]
pub fn canonical_query(query: &str) -> String {
    let mut pairs = query_pairs(query);
    pairs.sort();
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    encoded.join("&")
}

/// The canonical request of what arrived, for the header names (lower case) that were signed.
///
/// `target` is the request line's target: path and query. A signed header that did not arrive counts as empty.
#[must_use]
pub fn canonical_request(
    method: &str,
    target: &str,
    headers: &[(String, String)],
    signed: &[String],
    body: &[u8],
) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let value_of = |wanted: &str| {
        let found = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map_or("", |(_, value)| value.trim())
    };
    let mut names = signed.to_vec();
    names.sort();
    let lines: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", value_of(name)))
        .collect();
    let payload = match value_of("x-sdk-content-sha256") {
        "" => sha256_hex(body),
        given => given.to_owned(),
    };
    format!(
        "{}\n{}\n{}\n{lines}\n{}\n{payload}",
        method.to_ascii_uppercase(),
        canonical_uri(path),
        canonical_query(query),
        names.join(";"),
    )
}

/// The text that is signed: algorithm, time and hash of the canonical request.
#[must_use]
pub fn string_to_sign(date: &str, canonical_request: &str) -> String {
    format!(
        "{ALGORITHM}\n{date}\n{}",
        sha256_hex(canonical_request.as_bytes())
    )
}

/// The signature as lower-case hex; the secret key is used raw.
#[must_use]
pub fn signature(secret_key: &str, string_to_sign: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_key.as_bytes())
        .expect("HMAC takes a key of any size");
    mac.update(string_to_sign.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// The parts of `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The access key.
    pub access: String,
    /// Signed header names, lower case, in the order sent.
    pub signed_headers: Vec<String>,
    /// The signature, as sent.
    pub signature: String,
}

impl Authorization {
    /// Reads an `Authorization` header; `None` when it has another form.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let mut parts = rest.split(", ");
        let access = parts.next()?.strip_prefix("Access=")?.to_owned();
        let signed_headers = parts
            .next()?
            .strip_prefix("SignedHeaders=")?
            .split(';')
            .map(str::to_owned)
            .collect();
        let signature = parts.next()?.strip_prefix("Signature=")?.to_owned();
        parts.next().is_none().then_some(Self {
            access,
            signed_headers,
            signature,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::Value;

    /// An octet-stream without a body: the Python SDK sends UNSIGNED-PAYLOAD but signs the hash of nothing, other SDKs do not.
    const LEFT_OUT: &str = "body-009";

    #[test]
    fn every_vector_verifies_stage_by_stage() {
        let file: Value =
            serde_json::from_str(include_str!("../../vectors/sdk-hmac-sha256.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        let mut checked = 0;
        let mut wrong = Vec::new();
        for vector in vectors.iter().filter(|vector| vector["id"] != LEFT_OUT) {
            let expected = &vector["expected"];
            let request = &vector["request"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let authorization =
                Authorization::parse(expected["authorization"].as_str().unwrap()).unwrap();
            let mut headers: Vec<(String, String)> = expected["canonical_headers"]
                .as_str()
                .unwrap()
                .lines()
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.to_owned(), format!(" {value} ")))
                .collect();
            headers.reverse();
            let url = text(&request["url"]);
            let after_host = url.split_once("://").unwrap().1;
            let target = &after_host[after_host.find(['/', '?']).unwrap_or(after_host.len())..];
            let target = if target.starts_with('/') {
                target.to_owned()
            } else {
                format!("/{target}")
            };
            let body = BASE64_STANDARD
                .decode(text(&request["body_base64"]))
                .unwrap();
            let canonical = canonical_request(
                request["method"].as_str().unwrap(),
                &target,
                &headers,
                &authorization.signed_headers,
                &body,
            );
            let to_sign = string_to_sign(vector["x_sdk_date"].as_str().unwrap(), &canonical);
            let signed = signature(vector["credentials"]["sk"].as_str().unwrap(), &to_sign);
            checked += 1;
            for (stage, ours, theirs) in [
                (
                    "canonical request",
                    &canonical,
                    text(&expected["canonical_request"]),
                ),
                (
                    "string to sign",
                    &to_sign,
                    text(&expected["string_to_sign"]),
                ),
                ("signature", &signed, text(&expected["signature"])),
            ] {
                if *ours != theirs {
                    wrong.push(format!(
                        "{} at {stage}:\n{ours}\n--- expected\n{theirs}",
                        vector["id"]
                    ));
                    break;
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {checked} differ:\n{}",
            wrong.len(),
            wrong.join("\n\n")
        );
        assert_eq!(checked, 85, "86 vectors, of which one is left out");
    }
}
