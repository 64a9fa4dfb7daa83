//! SDK-HMAC-SHA256, the vendor's request signature, as a pure function of request, keys and time.
//!
//! Canonical forms are views: the signed request is never rebuilt or changed, and the bytes signed are the bytes
//! sent. Every stage is a value, so that a test or a person can compare it.
//!
//! Source: the vendor's signing guide (`devg-apisign`, "signature algorithm") and its SDKs.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// What stays literal in canonical paths and queries: `A-Z a-z 0-9 - _ . ~`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A request as it will be sent.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as on the wire; escapes in it are decoded before it is signed.
    pub path: &'a str,
    /// Query keys and values, decoded.
    pub query: &'a [(&'a str, &'a str)],
    /// The headers to sign, without `X-Sdk-Date`. Names in any case; those with `_` are not signed.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// A signature with the stages it was made in.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The value of `X-Sdk-Date`.
    pub date: String,
    /// The value of `Authorization`.
    pub authorization: String,
    /// The canonical request, for comparing it with the one that a gateway echoes.
    pub canonical_request: String,
    /// The string that was signed.
    pub string_to_sign: String,
}

/// Signs a request at a time.
pub fn sign(request: &Signable<'_>, access_key: &str, secret_key: &str, time: Timestamp) -> Signed {
    let date = time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let headers = canonical_headers(request.headers, &date);
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");

    // CanonicalRequest = Method \n URI \n Query \n Headers \n SignedHeaders \n Hex(SHA256(Body))
    let canonical_request = format!(
        "{method}\n{uri}\n{query}\n{headers}\n{names}\n{hash}",
        method = request.method,
        uri = canonical_uri(request.path),
        query = canonical_query(request.query),
        headers = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect::<String>(),
        hash = hex::encode(Sha256::digest(request.body)),
    );
    // StringToSign = Algorithm \n Date \n Hex(SHA256(CanonicalRequest))
    let string_to_sign = format!(
        "{ALGORITHM}\n{date}\n{}",
        hex::encode(Sha256::digest(&canonical_request))
    );
    // Signature = Hex(HMAC-SHA256(SK, StringToSign)); the key is raw, without prefix or derivation.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_key.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(string_to_sign.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let authorization =
        format!("{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={signature}");
    Signed {
        date,
        authorization,
        canonical_request,
        string_to_sign,
    }
}

/// The decoded path, each segment escaped anew; it always ends in a slash, on the wire it need not.
pub fn canonical_uri(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let segments: Vec<String> = decoded
        .split('/')
        .map(|part| utf8_percent_encode(part, UNRESERVED).to_string())
        .collect();
    let mut uri = segments.join("/");
    if !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

/// `key=value`, sorted by decoded key, then value; an empty value keeps its `=`.
pub fn canonical_query(query: &[(&str, &str)]) -> String {
    let mut pairs = query.to_vec();
    pairs.sort_unstable();
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    pairs.join("&")
}

/// Lower-case names with trimmed values, sorted by name.
fn canonical_headers(headers: &[(&str, &str)], date: &str) -> Vec<(String, String)> {
    let mut canonical: Vec<(String, String)> = headers
        .iter()
        .chain([&("x-sdk-date", date)])
        .filter(|(name, _)| !name.contains('_'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    canonical.sort();
    canonical
}
