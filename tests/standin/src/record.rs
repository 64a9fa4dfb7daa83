//! The log: every request as it arrived, and what was thought of it.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::signature::{decode, query_pairs};

/// A request that arrived whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// Counted from 1, in the order in which they had arrived whole.
    pub number: u64,
    /// The connection it came on, counted from 1.
    pub connection: u64,
    /// When it had arrived, since the start of the stand-in.
    #[serde(serialize_with = "as_seconds")]
    pub arrived: Duration,
    /// When the last byte of the answer had been sent, or the fault was over, since the start; none: it still goes on.
    #[serde(serialize_with = "as_seconds_or_none")]
    pub answered: Option<Duration>,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// The method.
    pub method: String,
    /// The target as on the request line: path and query, encoded.
    pub target: String,
    /// The decoded path.
    pub path: String,
    /// Decoded pairs of the query, in the order sent.
    pub query: Vec<(String, String)>,
    /// Headers in the order sent; over HTTP/2 `:authority` is given as `host`.
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(serialize_with = "as_text")]
    pub body: Vec<u8>,
    /// The access key it was signed with, if it was signed.
    pub access_key: Option<String>,
    /// What was thought of its credentials.
    pub verdict: Verdict,
    /// The status that was answered, or that would have been had the answer travelled; none where a fault answered nothing at all.
    pub status: Option<u16>,
    /// Whether a fault had a hand in it.
    pub faulted: bool,
}

/// What was thought of the credentials of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Nobody asked: the service needs none, or the path does not exist.
    NotAsked,
    /// Neither a signature nor a token.
    Missing,
    /// The signature matches.
    Signed,
    /// The token is known.
    Token,
    /// Refused, with the reason.
    Refused(String),
}

impl Verdict {
    /// Whether the credentials were accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Signed | Self::Token)
    }
}

impl Request {
    /// A request whose headers and body are still to come.
    pub(crate) fn new(version: &'static str, method: &str, target: &str, connection: u64) -> Self {
        // A proxy is asked with the whole address; the path begins behind the host.
        let local = target.split_once("://").map_or(target, |(_, rest)| {
            &rest[rest.find('/').unwrap_or(rest.len())..]
        });
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        Self {
            number: 0,
            connection,
            arrived: Duration::ZERO,
            answered: None,
            version,
            method: method.to_owned(),
            target: target.to_owned(),
            path: decode(path),
            query: query_pairs(query),
            headers: Vec::new(),
            body: Vec::new(),
            access_key: None,
            verdict: Verdict::NotAsked,
            status: None,
            faulted: false,
        }
    }

    /// A header's value, by any case of its name.
    #[must_use]
    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a query key.
    #[must_use]
    pub fn query(&self, wanted: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == wanted)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Counts over the life of a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counters {
    /// Connections accepted, those of the control API included.
    pub connections: u64,
    /// Requests that arrived whole.
    pub requests: u64,
    /// Requests that have arrived and are not yet answered.
    pub in_flight: u64,
    /// The highest value of `in_flight` so far.
    pub most_in_flight: u64,
}

impl Counters {
    pub(crate) fn arrived(&mut self) {
        self.requests += 1;
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
    }
}

fn as_seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn as_seconds_or_none<S: serde::Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

fn as_text<S: serde::Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}
