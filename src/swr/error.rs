//! What can go wrong with a call, by what happens next, and what a person can do about it. Classified once, here.

use std::time::Duration;

use crate::outcome::{Exit, Failure};
use crate::swr::pace::RETRY_AFTER_LIMIT;
use crate::swr::wire::ErrorBody;

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 401: the run ends; more bad signatures would lock the key.
    Unauthorized,
    /// 403: not allowed.
    Forbidden,
    /// 404, or a code that means it.
    NotFound,
    /// Too many requests: all calls not yet sent are held back.
    Throttled,
    /// The service or a gateway is not able to answer now.
    Unavailable,
    /// Any other status; trying again would change nothing.
    Refused,
    /// No answer came: connect, timeout, a broken connection.
    NoAnswer,
    /// The certificate is not trusted; trying again would change nothing.
    Untrusted,
    /// 200, and the body cannot be understood.
    Unreadable,
    /// Not sent, since the run was ended by an earlier 401.
    NotSent,
}

/// One failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What happens next.
    pub kind: ErrorKind,
    /// What is known about it.
    pub failure: Failure,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::NoAnswer => true,
            ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::Untrusted
            | ErrorKind::Unreadable
            | ErrorKind::NotSent => false,
        }
    }

    /// The wait that the server asks for, where that is longer than this program waits.
    pub fn too_long_a_wait(&self) -> Option<Duration> {
        self.retry_after.filter(|asked| *asked > RETRY_AFTER_LIMIT)
    }

    /// Whether an answer came that says that the request failed; otherwise its fate is unknown.
    pub fn is_answer(&self) -> bool {
        self.failure.http_status.is_some() && self.kind != ErrorKind::Unreadable
    }

    /// Whether nothing more can be sent in this run.
    pub fn is_end(&self) -> bool {
        matches!(self.kind, ErrorKind::Unauthorized | ErrorKind::NotSent)
    }

    /// Whether SWR says that what was asked for is not there. The gateway's 404 says that of the API.
    pub fn is_not_there(&self) -> bool {
        let code = self.failure.code.as_deref().unwrap_or_default();
        self.kind == ErrorKind::NotFound && !code.starts_with("APIG")
    }

    /// Whether SWR says that it is only the tag that is not there, and not its repository or organization. Without a code
    /// it is taken to be the tag.
    pub fn is_tag_not_there(&self) -> bool {
        let serial = self.serial();
        self.kind == ErrorKind::NotFound
            && matches!(
                serial,
                None | Some("4040048" | "4040115" | "4041056" | "4041057" | "4041060")
            )
    }

    /// Whether SWR says that the resource belongs to another account.
    pub fn is_of_another_account(&self) -> bool {
        self.serial() == Some("4039001")
    }

    fn serial(&self) -> Option<&str> {
        serial(self.failure.code.as_deref())
    }

    /// An error that no answer stands behind.
    pub fn without_answer(kind: ErrorKind, message: String, remedy: &str) -> Self {
        Self {
            kind,
            failure: Failure::new(exit(kind), message, Some(remedy)),
            retry_after: None,
        }
    }

    /// Gives a status other than 200 its class.
    pub fn from_status(
        status: u16,
        body: &ErrorBody,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        let kind = classify(status, body.code.as_deref());
        let message = body
            .message
            .clone()
            .unwrap_or_else(|| "the answer has no body".to_owned());
        let request_id = request_id.or_else(|| body.request_id.clone());
        let failure = Failure {
            exit: exit(kind),
            http_status: Some(status),
            code: body.code.clone(),
            message,
            request_id,
            remedy: None,
        };
        Self {
            kind,
            failure,
            retry_after,
        }
    }
}

fn exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::NotSent => Exit::NotAllowed,
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Refused
        | ErrorKind::NoAnswer
        | ErrorKind::Untrusted => Exit::Refused,
        ErrorKind::Unreadable => Exit::Unreadable,
    }
}

/// The digits of a code, which are the same whatever stands before them.
fn serial(code: Option<&str>) -> Option<&str> {
    code?.rsplit('.').next()
}

/// SWR's own codes are looked at where the status alone would mislead: throttling as 403 and 409, "not found" as 400
/// (the vendor's Terraform provider treats the last as 404).
fn classify(status: u16, code: Option<&str>) -> ErrorKind {
    match (status, serial(code)) {
        (401, _) => ErrorKind::Unauthorized,
        (403, Some("4031032" | "4031042")) | (409, Some("4090023")) | (429, _) => {
            ErrorKind::Throttled
        }
        (403, _) => ErrorKind::Forbidden,
        (404, _) | (400, Some("4000306" | "4001090" | "4001158")) => ErrorKind::NotFound,
        (408 | 425 | 500 | 502 | 503 | 504, _) => ErrorKind::Unavailable,
        _ => ErrorKind::Refused,
    }
}
