//! Id tokens: made by the issuer, read by STS and IAM. Three parts as everywhere; signed with a secret of the stand-in, in place
//! of a key pair.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

/// What an id token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audience: String,
    /// Until when it is good.
    pub(crate) expires: Timestamp,
}

fn signature(signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"the issuer of the stand-in")
        .expect("HMAC takes a key of any size");
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A signed token.
pub(crate) fn issue(claims: &Claims, now: Timestamp) -> String {
    let head = json!({"alg": "HS256", "typ": "JWT", "kid": "standin"});
    let body = json!({
        "iss": claims.issuer,
        "sub": claims.subject,
        "aud": claims.audience,
        "exp": claims.expires.as_second(),
        "nbf": now.as_second(),
        "iat": now.as_second(),
        "jti": format!("{}-{}", claims.subject, now.as_nanosecond()),
    });
    let [head, body] = [head, body].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{head}.{body}");
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature(&signed));
    format!("{signed}.{signature}")
}

/// Reads a token; `None` when it has another form or was not signed here.
pub(crate) fn read(token: &str) -> Option<Claims> {
    let (signed, sent) = token.rsplit_once('.')?;
    let (_, body) = signed.split_once('.')?;
    if BASE64_URL_SAFE_NO_PAD.decode(sent).ok()? != signature(signed) {
        return None;
    }
    let body: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    Some(Claims {
        issuer: text("iss")?,
        subject: text("sub")?,
        audience: text("aud")?,
        expires: Timestamp::from_second(body["exp"].as_i64()?).ok()?,
    })
}
