//! Exchanges that ended without an answer: what broke, in words, and what a person can do about it.

use std::error::Error;
use std::io;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use crate::swr::error::{ApiError, ErrorKind};

/// Explains an exchange that ended without an answer.
pub fn broken(error: &reqwest::Error) -> ApiError {
    let host = error.url().map_or("the service", |url| url.authority());
    if let Some(certificate) = causes(error).find_map(refused_certificate) {
        let (why, remedy) = explain(certificate);
        let message = format!("the certificate of {host} is not trusted: {why}");
        return ApiError::without_answer(ErrorKind::Untrusted, message, remedy);
    }
    let says = |text: &str| causes(error).any(|cause| cause.to_string().starts_with(text));
    let deepest = causes(error).last().map(ToString::to_string);
    let deepest = deepest.unwrap_or_default();
    // Words of hyper's, which has no types for these; the tests of faults hold them.
    let (message, remedy) = if says("tunnel error: proxy authorization required") {
        (
            format!("the proxy asks for a login before it connects to {host}"),
            "check user and password in HTTPS_PROXY, as in `http://user:password@proxy.example:3128`",
        )
    } else if says("tunnel error") {
        let why = match deepest.as_str() {
            "tunnel error: unsuccessful" => "it answers with an error",
            other => other,
        };
        (
            format!("the proxy does not connect to {host}: {why}"),
            "check HTTPS_PROXY and what the proxy allows, or put the host into NO_PROXY",
        )
    } else if says("dns error") {
        (
            format!("the name {host} cannot be looked up: {deepest}"),
            "check `region` and `endpoint` for a slip, and that the runner can look up names",
        )
    } else if error.is_timeout() {
        (
            format!("no answer from {host} in time"),
            "check the network from the runner to the service, or raise `timeout`; the sync may have been accepted",
        )
    } else if error.is_connect() {
        (
            format!("cannot connect to {host}: {deepest}"),
            "check `region`, `endpoint`, HTTPS_PROXY and the runner's network",
        )
    } else {
        (
            format!("the connection to {host} broke before the answer was complete: {deepest}"),
            "check the network and the proxies from the runner to the service; the sync may have been accepted",
        )
    };
    ApiError::without_answer(ErrorKind::NoAnswer, message, remedy)
}

/// An error and what is behind it. An I/O error keeps what it wraps from [`Error::source`].
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| behind(*error))
}

fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn refused_certificate<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// Why a certificate is refused, and what to do about it.
fn explain(error: &CertificateError) -> (String, &'static str) {
    match error {
        CertificateError::UnknownIssuer => (
            "nobody known here has signed it".to_owned(),
            "give the root certificate of your proxy or private cloud as `ca-certs`, and check `endpoint`",
        ),
        CertificateError::ExpiredContext { not_after, .. } => (
            format!("it expired at {}", time(*not_after)),
            "whoever runs the server has to renew it; check the runner's clock too",
        ),
        CertificateError::NotValidYetContext { not_before, .. } => (
            format!("it is valid from {} on", time(*not_before)),
            "check the runner's clock",
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            (
                format!("it is for {}", names.join(", ")),
                "check `endpoint`, and whether a proxy or a login page stands between",
            )
        }
        other => (
            other.to_string(),
            "check `endpoint`, and whether a proxy stands between",
        ),
    }
}

fn time(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| "a time out of reach".to_owned(), |time| time.to_string())
}

/// The name in `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest);
    inner.trim_end_matches(')').trim_matches('"')
}
