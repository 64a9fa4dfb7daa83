//! Answers, and every shape of error that SWR, its gateway and what stands before it are known to send.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An answer: status, headers and body. `Content-Length`, `Date` and `X-Request-Id` are added when it is sent, unless it has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers in the order sent.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body; in JSON worlds and faults a text.
    #[serde(default, with = "text")]
    pub body: Vec<u8>,
}

/// Shapes of error bodies, named as in what is known of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorShape {
    /// SWR today: old and new format in one object, with `encoded_authorization_message`.
    Current,
    /// SWR by its older documentation: an array of `errorCode`, `errorMessage`, `detail`.
    Array,
    /// One object with `errorCode` and `errorMessage`.
    Single,
    /// The API gateway: `error_code`, `error_msg`, `request_id`.
    Gateway,
    /// The generic shape of the documentation: `error_msg`, `error_code`.
    Generic,
    /// `code` and `message`, as STS and IAM have it.
    CodeAndMessage,
    /// A Docker registry: the wrong host was asked.
    Registry,
    /// Not JSON: the page of a proxy.
    Html,
    /// No body at all.
    Empty,
}

impl Answer {
    /// A JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![(
            "Content-Type".to_owned(),
            "application/json;charset=utf-8".to_owned(),
        )];
        Self {
            status,
            headers,
            body: body.to_string().into_bytes(),
        }
    }

    /// Any other body.
    #[must_use]
    pub fn text(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// An error of SWR in its current shape.
    #[must_use]
    pub fn swr(status: u16, serial: &str, message: &str) -> Self {
        Self::error(
            ErrorShape::Current,
            status,
            &format!("SVCSTG.SWR.{serial}"),
            message,
        )
    }

    /// An error of the API gateway.
    #[must_use]
    pub fn gateway(status: u16, serial: &str, message: &str) -> Self {
        Self::error(
            ErrorShape::Gateway,
            status,
            &format!("APIGW.{serial}"),
            message,
        )
        .with("Server", "api-gateway")
    }

    /// An error in the given shape. `{request_id}` in a body becomes the request id when the answer is sent.
    #[must_use]
    pub fn error(shape: ErrorShape, status: u16, code: &str, message: &str) -> Self {
        let body = match shape {
            ErrorShape::Current => current(code, message, ""),
            ErrorShape::Array => {
                json!([{"errorCode": code, "errorMessage": message, "detail": ""}])
            }
            ErrorShape::Single => json!({"errorCode": code, "errorMessage": message}),
            ErrorShape::Gateway => {
                json!({"error_code": code, "error_msg": message, "request_id": "{request_id}"})
            }
            ErrorShape::Generic => json!({"error_msg": message, "error_code": code}),
            ErrorShape::CodeAndMessage => {
                json!({"code": code, "message": message, "request_id": "{request_id}"})
            }
            ErrorShape::Registry => {
                json!({"errors": [{"code": code, "message": message, "detail": null}]})
            }
            ErrorShape::Html => {
                let page = format!(
                    "<html>\r\n<head><title>{status} {message}</title></head>\r\n<body>\r\n<h1>{message}</h1>\r\n</body>\r\n</html>\r\n"
                );
                return Self::text(status, "text/html", page);
            }
            ErrorShape::Empty => {
                return Self {
                    status,
                    headers: Vec::new(),
                    body: Vec::new(),
                };
            }
        };
        Self::json(status, &body)
    }

    /// 403 for a policy that does not allow the action, with the long opaque message that goes with it.
    #[must_use]
    pub fn denied(action: &str) -> Self {
        let message = format!(
            "Insufficient permissions: no identity-based policy allows the {action} action"
        );
        let encoded = "EncodedAuthorizationMessageOfTheStandIn".repeat(30);
        Self::json(403, &current("SVCSTG.SWR.4030170", &message, &encoded))
    }

    /// 429 of the gateway.
    #[must_use]
    pub fn throttled() -> Self {
        Self::gateway(
            429,
            "0308",
            "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:5 minute",
        )
    }

    /// The same with a further header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, with `Content-Encoding: gzip`.
    pub(crate) fn zipped(self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let body = encoder
            .write_all(&self.body)
            .and_then(|()| encoder.finish());
        Self {
            body: body.expect("memory can be written"),
            ..self
        }
        .with("Content-Encoding", "gzip")
    }

    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }

    /// Adds what every answer carries.
    pub(crate) fn complete(&mut self, request_id: &str, date: &str) {
        const PLACE: &[u8] = b"{request_id}";
        if self.body.len() < 16 * 1024
            && let Some(at) = self
                .body
                .windows(PLACE.len())
                .position(|window| window == PLACE)
        {
            self.body.splice(at..at + PLACE.len(), request_id.bytes());
        }
        for (name, value) in [("X-Request-Id", request_id), ("Date", date)] {
            if self.header(name).is_none() {
                self.headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

fn current(code: &str, message: &str, encoded: &str) -> Value {
    json!({
        "errors": [{"errorCode": code, "errorMessage": message, "detail": ""}],
        "error_code": code,
        "error_msg": message,
        "encoded_authorization_message": encoded,
        "details": [{"error_code": code, "error_msg": message}],
    })
}

/// Bodies as text in JSON.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(body))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}
