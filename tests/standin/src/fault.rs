//! What goes wrong on request: which requests, how often, what is answered, and how the bytes travel.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::glob;
use crate::record::Request;

/// One thing that goes wrong. The first fault that matches a request and whose turn it is decides; the others see the request too
/// when they count.
///
/// ```
/// use standin::{Answer, Fault, Matcher, When};
/// // The first two sync calls are throttled, and say for how long.
/// let fault = Fault::answer(Answer::throttled().with("Retry-After", "1")).on(Matcher::sync()).when(When::First(2));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests.
    #[serde(default)]
    pub on: Matcher,
    /// Which of those.
    #[serde(default)]
    pub when: When,
    /// What is answered.
    #[serde(default)]
    pub reply: Reply,
    /// How the bytes of the answer travel.
    #[serde(default)]
    pub delivery: Delivery,
    /// Waiting time before the first byte of the answer.
    #[serde(default, with = "crate::duration")]
    pub delay: Duration,
}

/// Which requests a fault is about. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// The method.
    pub method: Option<String>,
    /// The decoded path with its base, a glob with `*`: `/swr/cn-north-4/*/sync_images`.
    pub path: Option<String>,
    /// A text in the body, such as `"v1"`.
    pub body: Option<String>,
}

/// Which of the requests that match.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum When {
    /// All of them.
    #[default]
    Always,
    /// The first so many.
    First(u64),
    /// These, counted from 1.
    Calls(Vec<u64>),
    /// All after the first so many.
    After(u64),
    /// Each with this probability, drawn from the seed; the same seed gives the same draws in the same order of requests.
    Chance {
        /// From 0 to 1.
        probability: f64,
        /// Where the draws start.
        seed: u64,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Reply {
    /// What the service says.
    #[default]
    Service,
    /// This; the service never sees the request.
    Instead(Answer),
    /// This, after the service did what was asked.
    AfterService(Answer),
}

/// How the bytes of an answer travel. What needs HTTP/1.1 says so; over HTTP/2 it becomes a reset of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Delivery {
    /// As they should.
    #[default]
    Whole,
    /// The connection is reset instead of an answer.
    Reset,
    /// The connection is closed in order, without an answer.
    Close,
    /// HTTP/2: the stream is refused with REFUSED_STREAM, as one that was never looked at. HTTP/1.1: like `Reset`.
    Refuse,
    /// Nothing is ever sent, and the connection stays.
    Never,
    /// Head and half of the body, then a reset.
    ResetInBody,
    /// Head and half of the body, then an orderly close.
    CloseInBody,
    /// One byte of the body after the other, with this time between them.
    Trickle(#[serde(with = "crate::duration")] Duration),
    /// The body, then blanks without end, chunked.
    Endless,
    /// `Content-Length` one too small (HTTP/1.1).
    LengthTooShort,
    /// `Content-Length` ten too large, then a close (HTTP/1.1).
    LengthTooLong,
    /// Chunked, three bytes a chunk.
    Chunked,
    /// With `Content-Encoding: gzip`.
    Gzip,
    /// `100 Continue` and `103 Early Hints` come first.
    Informational,
    /// Something that is no HTTP (HTTP/1.1).
    Garbage,
    /// HTTP/2: GOAWAY with ENHANCE_YOUR_CALM while the stream is open, and the end of the connection. HTTP/1.1: like `Reset`.
    GoAway,
    /// HTTP/2: the stream is served, GOAWAY follows. HTTP/1.1: `Connection: close`.
    LastOfConnection,
}

impl Delivery {
    /// Whether a status gets to the client.
    pub(crate) fn has_status(self) -> bool {
        !matches!(
            self,
            Self::Reset | Self::Close | Self::Never | Self::Refuse | Self::GoAway | Self::Garbage
        )
    }
}

/// What goes wrong with a whole connection, before a byte of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionFault {
    /// Reset at once.
    Reset,
    /// Closed at once.
    Close,
    /// Accepted and never read.
    Silent,
}

impl Fault {
    /// This answer instead of the service's, for every request; narrow it with [`Fault::on`] and [`Fault::when`].
    #[must_use]
    pub fn answer(answer: Answer) -> Self {
        Self {
            reply: Reply::Instead(answer),
            ..Self::delivery(Delivery::Whole)
        }
    }

    /// The service's answer, delivered like this, for every request.
    #[must_use]
    pub fn delivery(delivery: Delivery) -> Self {
        Self {
            on: Matcher::default(),
            when: When::Always,
            reply: Reply::Service,
            delivery,
            delay: Duration::ZERO,
        }
    }

    /// The service's answer, this much later, for every request.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::delivery(Delivery::Whole)
        }
    }

    /// The same for these requests.
    #[must_use]
    pub fn on(self, on: Matcher) -> Self {
        Self { on, ..self }
    }

    /// The same, at these turns.
    #[must_use]
    pub fn when(self, when: When) -> Self {
        Self { when, ..self }
    }
}

impl Matcher {
    /// Requests to this path, a glob with `*`.
    #[must_use]
    pub fn path(path: &str) -> Self {
        Self {
            path: Some(path.to_owned()),
            ..Self::default()
        }
    }

    /// Sync calls.
    #[must_use]
    pub fn sync() -> Self {
        Self::path("*/sync_images")
    }

    pub(crate) fn matches(&self, request: &Request) -> bool {
        let Self { method, path, body } = self;
        method
            .as_ref()
            .is_none_or(|method| request.method.eq_ignore_ascii_case(method))
            && path
                .as_ref()
                .is_none_or(|path| glob::matches(path, &request.path))
            && body
                .as_ref()
                .is_none_or(|body| String::from_utf8_lossy(&request.body).contains(body))
    }
}

impl When {
    /// Whether it is the turn of the call with this number, counted from 1 among those that match.
    pub(crate) fn is_turn(&self, call: u64) -> bool {
        match self {
            Self::Always => true,
            Self::First(calls) => call <= *calls,
            Self::Calls(calls) => calls.contains(&call),
            Self::After(calls) => call > *calls,
            Self::Chance { probability, seed } => draw(*seed, call) < *probability,
        }
    }
}

/// A number in [0, 1) from a seed and a counter: the finaliser of SplitMix64.
fn draw(seed: u64, call: u64) -> f64 {
    let mut z = seed.wrapping_add(call.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_counted_from_one() {
        let turns = |when: &When| {
            (1..=5)
                .filter(|call| when.is_turn(*call))
                .collect::<Vec<_>>()
        };
        assert_eq!(turns(&When::Always), [1, 2, 3, 4, 5]);
        assert_eq!(turns(&When::First(2)), [1, 2]);
        assert_eq!(turns(&When::Calls(vec![2, 5])), [2, 5]);
        assert_eq!(turns(&When::After(3)), [4, 5]);
    }

    #[test]
    fn chance_follows_its_probability_and_its_seed() {
        let hits = |seed| {
            (1..=10_000)
                .filter(|call| {
                    When::Chance {
                        probability: 0.2,
                        seed,
                    }
                    .is_turn(*call)
                })
                .collect::<Vec<u64>>()
        };
        assert!((1_800..2_200).contains(&hits(1).len()));
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
    }
}
