//! One attempt of a call: sign, send, read, classify. Retry lies around it, so that each try is signed anew.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::config::Endpoint;
use crate::credentials::{Credentials, Provider};
use crate::event::{Event, Events, Level};
use crate::names::Region;
use crate::outcome::{Exit, Failure};
use crate::swr::broken::broken;
use crate::swr::error::{ApiError, ErrorKind};
use crate::swr::gate::Gate;
use crate::swr::operations::Request;
use crate::swr::pace::{backoff, parse_date, parse_retry_after};
use crate::swr::remedy::{self, Context};
use crate::swr::sign::{Signable, Signed, sign};
use crate::swr::wire;

/// At most this much of a sync or error answer is read.
pub const ANSWER_LIMIT: usize = 1024 * 1024;

/// At most this much of one page of a list is read.
pub const LIST_LIMIT: usize = 16 * 1024 * 1024;

const SDK_DATE: HeaderName = HeaderName::from_static("x-sdk-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-security-token");
const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const PROJECT_ID: HeaderName = HeaderName::from_static("x-project-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CONTENT_RANGE: HeaderName = HeaderName::from_static("content-range");

/// A 200 answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// The request id.
    pub request_id: Option<String>,
    /// `offset-count/total` of a paged list.
    pub content_range: Option<String>,
    /// The server's clock when it answered, cut to the second.
    pub server_time: Option<Timestamp>,
}

/// The API in all regions, for one run.
#[derive(Debug)]
pub struct Client {
    /// The connection pool.
    pub http: reqwest::Client,
    /// Where the API is.
    pub endpoint: Endpoint,
    /// The region that `project_id` belongs to.
    pub source: Region,
    /// Sent to the source region only.
    pub project_id: Option<String>,
    /// Who asks.
    pub credentials: Provider,
    /// For signatures.
    pub clock: Clock,
    /// Further tries of a call.
    pub retries: u32,
    /// When a request may be sent.
    pub gate: Gate,
}

impl Client {
    /// Sends a request to a region, once, and takes a 200 answer of at most `limit` bytes. `sending` is told when the
    /// request goes out, which may be long after this is called.
    ///
    /// # Errors
    /// Anything but that, classified, with a remedy.
    pub async fn attempt(
        &self,
        region: &Region,
        request: &Request,
        limit: usize,
        sending: &dyn Fn(),
        events: Events<'_>,
    ) -> Result<Answer, ApiError> {
        // Credentials are fetched before the gate, so that a slow exchange does not hold a place.
        let credentials = self.credentials.current(events).await.map_err(not_sent)?;
        let pass = self.gate.enter().await.map_err(not_sent)?;
        sending();
        let started = tokio::time::Instant::now();
        let result = self.exchange(region, request, limit, &credentials).await;
        match &result {
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                self.gate.close(error.failure.clone());
            }
            _ => {}
        }
        pass.ended();
        let spent = started.elapsed().as_millis();
        let fate = match &result {
            Ok(answer) => format!(
                "200 (request id {})",
                answer.request_id.as_deref().unwrap_or("none")
            ),
            Err(error) => error.failure.to_string(),
        };
        let line = format!(
            "{} {} in {region}: {fate} after {spent} ms",
            request.method,
            request.path()
        );
        events(Event::Log(Level::Debug, line));
        result
    }

    /// How long to wait before try number `tries` + 1, or none where there is no point. A throttled answer holds back all
    /// calls not yet sent.
    pub fn delay(&self, error: &ApiError, tries: u32) -> Option<Duration> {
        if !error.is_retryable() {
            return None;
        }
        let is_hopeless = error.too_long_a_wait().is_some();
        let asked = error.retry_after.filter(|_| !is_hopeless);
        let delay = asked.unwrap_or_else(|| backoff(tries));
        if error.kind == ErrorKind::Throttled {
            self.gate.hold_for(delay);
        }
        (tries <= self.retries && !is_hopeless).then_some(delay)
    }

    /// Sends a request that reads, with retries.
    ///
    /// # Errors
    /// The last try's.
    pub async fn read(
        &self,
        region: &Region,
        request: &Request,
        limit: usize,
        events: Events<'_>,
    ) -> Result<Answer, ApiError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt(region, request, limit, &|| {}, events).await {
                Ok(answer) => return Ok(answer),
                Err(error) => match self.delay(&error, tries) {
                    Some(delay) => self.gate.pause(delay).await,
                    None => return Err(error),
                },
            }
        }
    }

    async fn exchange(
        &self,
        region: &Region,
        request: &Request,
        limit: usize,
        credentials: &Credentials,
    ) -> Result<Answer, ApiError> {
        let url = self.url(region, request)?;
        let time = self.clock.now();
        let (headers, signed) = self.authenticate(region, request, &url, credentials, time);
        let method =
            Method::from_bytes(request.method.as_bytes()).expect("a method of this program");
        let sent = self
            .http
            .request(method, url.clone())
            .headers(headers)
            .body(request.body.clone())
            .send()
            .await;
        let response = sent.map_err(|error| broken(&error))?;
        let status = response.status().as_u16();
        let request_id = header(&response, &REQUEST_ID);
        let content_range = header(&response, &CONTENT_RANGE);
        let server_time = header(&response, &DATE).and_then(|text| parse_date(&text));
        // A date means the server's clock, and the runner's may be minutes off.
        let now = server_time.unwrap_or(time);
        let retry_after =
            header(&response, &RETRY_AFTER).and_then(|text| parse_retry_after(&text, now));
        if status == 200 {
            let (body, is_whole) = read_body(response, limit)
                .await
                .map_err(|error| broken(&error.with_url(url)))?;
            if !is_whole {
                let message = format!("the body is longer than {} MiB", limit / 1024 / 1024);
                return Err(unreadable(message, request_id));
            }
            return Ok(Answer {
                body,
                request_id,
                content_range,
                server_time,
            });
        }
        // An error whose body breaks off is still that error.
        let body = read_body(response, ANSWER_LIMIT)
            .await
            .map_or_else(|_| Vec::new(), |(body, _)| body);
        let body = wire::error_body(&body);
        let context = Context {
            region,
            path: request.path(),
            action: request.action,
            canonical_request: signed
                .as_ref()
                .map(|signed| signed.canonical_request.as_str()),
            signed_at: time,
            server_time,
        };
        let mut error = ApiError::from_status(status, &body, request_id, retry_after);
        remedy::explain(&mut error, &body, &context);
        Err(error)
    }

    fn url(&self, region: &Region, request: &Request) -> Result<Url, ApiError> {
        let address = format!("{}{}", self.endpoint.address(region), request.path());
        let mut url = Url::parse(&address).map_err(|error| {
            let failure = Failure::new(
                Exit::BadInputs,
                format!("`{address}` is not an address: {error}"),
                Some("check `endpoint`"),
            );
            ApiError {
                kind: ErrorKind::Refused,
                failure,
                retry_after: None,
            }
        })?;
        if !request.query.is_empty() {
            let pairs: Vec<(&str, &str)> = request
                .query
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            url.set_query(Some(&super::sign::canonical_query(&pairs)));
        }
        Ok(url)
    }

    /// The headers that authenticate a request, all of them signed.
    fn authenticate(
        &self,
        region: &Region,
        request: &Request,
        url: &Url,
        credentials: &Credentials,
        time: Timestamp,
    ) -> (HeaderMap, Option<Signed>) {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: &str, secret: bool| {
            // A value that no header can hold was refused where it entered.
            if let Ok(mut value) = HeaderValue::from_str(value) {
                value.set_sensitive(secret);
                headers.insert(name, value);
            }
        };
        if !request.body.is_empty() {
            add(CONTENT_TYPE, "application/json", false);
        }
        if let Some(project_id) = self
            .project_id
            .as_deref()
            .filter(|_| *region == self.source)
        {
            add(PROJECT_ID, project_id, false);
        }
        let keys = match credentials {
            Credentials::Token(token) => {
                add(AUTH_TOKEN, token.expose_secret(), true);
                return (headers, None);
            }
            Credentials::Keys(keys) => keys,
        };
        if let Some(token) = &keys.security_token {
            add(SECURITY_TOKEN, token.expose_secret(), true);
        }
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let signable: Vec<(&str, &str)> = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .chain([("host", authority.as_str())])
            .collect();
        let query: Vec<(&str, &str)> = request
            .query
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let signable = Signable {
            method: request.method,
            path: url.path(),
            query: &query,
            headers: &signable,
            body: &request.body,
        };
        let signed = sign(
            &signable,
            &keys.access_key,
            keys.secret_key.expose_secret(),
            time,
        );
        let mut add = |name: HeaderName, value: &str| {
            if let Ok(mut value) = HeaderValue::from_str(value) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        };
        add(SDK_DATE, &signed.date);
        add(reqwest::header::AUTHORIZATION, &signed.authorization);
        (headers, Some(signed))
    }
}

fn not_sent(failure: Failure) -> ApiError {
    ApiError {
        kind: ErrorKind::NotSent,
        failure,
        retry_after: None,
    }
}

/// A 200 answer that cannot be understood.
pub fn unreadable(message: String, request_id: Option<String>) -> ApiError {
    let remedy = "check `endpoint`, and whether a proxy or a login page answers in its place; the sync may have been accepted, which `wait: true` would find out";
    let mut error = ApiError::without_answer(ErrorKind::Unreadable, message, remedy);
    error.failure.http_status = Some(200);
    error.failure.request_id = request_id;
    error
}

fn header(response: &Response, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        .filter(|value| !value.trim().is_empty())
}

/// Reads a body up to a limit; false where there was more.
async fn read_body(mut response: Response, limit: usize) -> reqwest::Result<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}
