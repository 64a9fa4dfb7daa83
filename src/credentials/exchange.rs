//! The unsigned requests that lead to credentials: bounded tries, a cap on what is read, and failures that tell
//! nothing of request or answer but the server's own code and message.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Clock;
use crate::event::Events;
use crate::outcome::{Exit, Failure};
use crate::swr::broken::broken;
use crate::swr::client::ANSWER_LIMIT;
use crate::swr::error::ErrorKind;
use crate::swr::pace::{RETRY_AFTER_LIMIT, backoff, parse_retry_after};

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
#[derive(Debug)]
pub(super) struct Complaint {
    pub code: Option<String>,
    pub message: Option<String>,
    pub request_id: Option<String>,
}

/// A try that led to nothing.
struct Miss {
    failure: Failure,
    /// How long to wait before the next one; none where it would not help.
    pause: Option<Duration>,
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
            let answer = match request(self.http).send().await {
                Ok(response) => read(what, response, tries).await,
                Err(error) => Err(unreachable(what, &error, tries)),
            };
            let miss = match answer {
                Ok(answer) if is_transient(answer.status) && !settled.contains(&answer.status) => {
                    self.unavailable(what, &answer, tries)
                }
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            match miss.pause {
                Some(pause) if tries <= self.retries => tokio::time::sleep(pause).await,
                _ => return Err(after(miss.failure, tries)),
            }
        }
    }

    fn unavailable(&self, what: &str, answer: &Answer, tries: u32) -> Miss {
        let asked = answer
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| parse_retry_after(value.to_str().ok()?, self.clock.now()));
        Miss {
            failure: answer.failure(
                &format!("{what} is not able to answer now"),
                Exit::Refused,
                "try again later, or raise `retries`".to_owned(),
            ),
            pause: match asked {
                Some(asked) => Some(asked).filter(|asked| *asked <= RETRY_AFTER_LIMIT),
                None => Some(backoff(tries)),
            },
        }
    }
}

impl Answer {
    /// What the server says, in any of the shapes of STS, IAM and the gateway before them. Nothing else of an answer
    /// is ever repeated, since it may hold secrets.
    pub(super) fn complaint(&self) -> Complaint {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |pointers: &[&str]| {
            pointers
                .iter()
                .filter_map(|pointer| body.pointer(pointer)?.as_str())
                .find(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let header = self.headers.get("x-request-id");
        let header = header.and_then(|value| value.to_str().ok());
        Complaint {
            code: text(&["/error_code", "/error/error_code", "/error/code", "/code"]),
            message: text(&[
                "/error_msg",
                "/error/error_msg",
                "/error/message",
                "/message",
            ]),
            request_id: header.map(str::to_owned).or_else(|| text(&["/request_id"])),
        }
    }

    /// Whether the server says that it does not know what the request names.
    pub(super) fn is_about_something_unknown(&self) -> bool {
        let said = self.complaint().message.unwrap_or_default().to_lowercase();
        let words = ["not exist", "not found", "could not find", "no such"];
        self.status == 404 || words.iter().any(|words| said.contains(words))
    }

    /// The exit code of a refusal with this status.
    pub(super) fn exit(&self) -> Exit {
        match self.status {
            200..=299 => Exit::Unreadable,
            400..=499 => Exit::NotAllowed,
            _ => Exit::Refused,
        }
    }

    /// A failure with what the server says behind `message`.
    pub(super) fn failure(&self, message: &str, exit: Exit, remedy: String) -> Failure {
        let complaint = self.complaint();
        let message = match complaint.message {
            Some(said) => format!("{message}: {said}"),
            None => message.to_owned(),
        };
        Failure {
            exit,
            http_status: Some(self.status),
            code: complaint.code,
            message,
            request_id: complaint.request_id,
            remedy: Some(remedy),
        }
    }

    /// The body as JSON, or the failure that it is not what it should be.
    pub(super) fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T, Failure> {
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

async fn read(what: &str, mut response: Response, tries: u32) -> Result<Answer, Miss> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(unreachable(what, &error, tries)),
        }
        if body.len() > ANSWER_LIMIT {
            let message = format!("{what} answered with more than 1 MiB, which is not read");
            let failure = Failure {
                http_status: Some(status),
                ..Failure::new(Exit::Unreadable, message, None)
            };
            return Err(Miss {
                failure,
                pause: None,
            });
        }
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn unreachable(what: &str, error: &reqwest::Error, tries: u32) -> Miss {
    let error = broken(error);
    let remedy = match error.kind {
        ErrorKind::Untrusted => "give the root of your proxy or private cloud as `ca-certs`",
        _ => "check that the runner can reach it, directly or through HTTPS_PROXY",
    };
    let message = format!("{what} cannot be reached: {}", error.failure.message);
    Miss {
        failure: Failure::new(Exit::Refused, message, Some(remedy)),
        pause: error.is_retryable().then(|| backoff(tries)),
    }
}

fn after(failure: Failure, tries: u32) -> Failure {
    let message = match tries {
        1 => failure.message,
        _ => format!("{} ({tries} attempts)", failure.message),
    };
    Failure { message, ..failure }
}

fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests;
