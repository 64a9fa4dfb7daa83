//! The unsigned requests that lead to credentials: bounded tries, a cap on what is read, and failures that tell
//! nothing of request or answer but the server's own code and message.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::clock::Clock;
use crate::event::Events;
use crate::outcome::{Exit, Failure};
use crate::swr::client::{ANSWER_LIMIT, RETRY_AFTER_LIMIT, backoff, parse_retry_after};

/// How requests are made.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    /// The client, which follows no redirects.
    pub http: &'a reqwest::Client,
    /// Further tries of one request.
    pub retries: u32,
    /// The time.
    pub clock: Clock,
    /// Takes the secrets as they become known.
    pub events: Events<'a>,
}

/// An answer that came whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What a server says went wrong.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    pub code: Option<String>,
    pub message: Option<String>,
    pub request_id: Option<String>,
}

impl Exchange<'_> {
    /// Sends a request until it is answered with something worth reading. `what` names the service in messages;
    /// `settled` are statuses that would be tried again elsewhere, but mean something here.
    ///
    /// # Errors
    /// The service could not be reached, was too busy, or answered at too great a length.
    pub(super) async fn send(
        &self,
        what: &str,
        settled: &[u16],
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<Answer, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = request(self.http).send().await;
            let (failure, after) = match answer {
                Err(error) => (unreachable(what, &error), None),
                Ok(response) if is_transient(response.status().as_u16(), settled) => {
                    let after = retry_after(response.headers(), self.clock.now());
                    let answer = read(what, response).await?;
                    let message = format!("{what} is not able to answer now");
                    let remedy = "try again later, or raise `retries`".to_owned();
                    (answer.failure(&message, Exit::Refused, Some(remedy)), after)
                }
                Ok(response) => return read(what, response).await,
            };
            let pause = pause(tries, after);
            match pause {
                Some(pause) if tries <= self.retries => tokio::time::sleep(pause).await,
                _ => return Err(tried(failure, tries)),
            }
        }
    }
}

impl Answer {
    /// What the server says, in any of the shapes of STS, IAM and the gateway before them.
    pub(super) fn complaint(&self) -> Complaint {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |value: &Value| match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let first = |pointers: &[&str]| {
            pointers
                .iter()
                .find_map(|pointer| text(body.pointer(pointer)?))
        };
        let header = self
            .headers
            .get("x-request-id")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Complaint {
            code: first(&["/error_code", "/error/error_code", "/errorCode", "/code"]),
            message: first(&[
                "/error_msg",
                "/error/error_msg",
                "/error/message",
                "/errorMsg",
                "/message",
            ]),
            request_id: first(&["/request_id"]).or(header),
        }
    }

    /// The exit code that the status leads to where the server refuses.
    pub(super) fn exit(&self) -> Exit {
        match self.status {
            400..=499 => Exit::NotAllowed,
            200..=299 => Exit::Unreadable,
            _ => Exit::Refused,
        }
    }

    /// A failure with what the server says behind `message`.
    pub(super) fn failure(&self, message: &str, exit: Exit, remedy: Option<String>) -> Failure {
        let Complaint {
            code,
            message: said,
            request_id,
        } = self.complaint();
        let message = match said {
            Some(said) => format!("{message}: {said}"),
            None => message.to_owned(),
        };
        Failure {
            exit,
            http_status: Some(self.status),
            code,
            message,
            request_id,
            remedy,
        }
    }

    /// The body as JSON, or the failure that it is none.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|_| self.unreadable(what))
    }

    /// That the answer is not what the service documents. The answer itself may hold secrets and is not repeated.
    pub(super) fn unreadable(&self, what: &str) -> Failure {
        Failure {
            exit: Exit::Unreadable,
            http_status: Some(self.status),
            code: None,
            message: format!("{what} gave an answer that cannot be understood"),
            request_id: self.complaint().request_id,
            remedy: Some(
                "is there a proxy between, or is the address that of another service?".to_owned(),
            ),
        }
    }
}

async fn read(what: &str, mut response: Response) -> Result<Answer, Failure> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(unreachable(what, &error)),
        }
        if body.len() > ANSWER_LIMIT {
            let message = format!("{what} answered with more than 1 MiB, which is not read");
            return Err(Failure {
                http_status: Some(status),
                ..Failure::new(Exit::Unreadable, message, None)
            });
        }
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// The causes without the address, which may carry secrets.
fn unreachable(what: &str, error: &reqwest::Error) -> Failure {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let kind = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let message = match causes.last() {
        Some(last) => format!("{what} cannot be reached: {kind} ({last})"),
        None => format!("{what} cannot be reached: {kind}"),
    };
    Failure::new(
        Exit::Refused,
        message,
        Some("check that the runner may reach it, directly or by HTTPS_PROXY"),
    )
}

fn tried(failure: Failure, tries: u32) -> Failure {
    let message = match tries {
        1 => failure.message,
        _ => format!("{} ({tries} attempts)", failure.message),
    };
    Failure { message, ..failure }
}

fn is_transient(status: u16, settled: &[u16]) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504) && !settled.contains(&status)
}

/// How long to wait before the next try; none where the server asks for too long.
fn pause(tries: u32, after: Option<Duration>) -> Option<Duration> {
    match after {
        Some(after) => (after <= RETRY_AFTER_LIMIT).then_some(after),
        None => Some(backoff(tries)),
    }
}

/// `Retry-After`, in either form.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(text, now)
}
