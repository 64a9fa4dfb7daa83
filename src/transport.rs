//! The HTTP client of a run: its roots, proxies and limits. Nothing is read from the machine behind our back.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, NoProxy, Proxy, Url};
use secrecy::SecretString;

use crate::config::{CallSettings, Connection};
use crate::event::{Event, Events, Level};
use crate::inputs::{Environment, ReadFile};
use crate::outcome::{Exit, Failure};

/// The name that servers and proxies see.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Makes the client for the API, STS, IAM and the token issuer.
///
/// Roots are those built in, `ca-certs` and `SSL_CERT_FILE`. Redirects are never followed, since the signature
/// covers host and path; reqwest's own retry is off, since each try is signed anew.
///
/// # Errors
/// A proxy or certificate file that cannot be used.
pub fn client(
    connection: &Connection,
    calls: &CallSettings,
    environment: &Environment,
    read_file: ReadFile<'_>,
    events: Events<'_>,
) -> Result<reqwest::Client, Failure> {
    let mut builder = base(calls.timeout)
        .pool_max_idle_per_host(calls.concurrency.get())
        .tls_certs_only(roots(connection, environment, read_file, events)?);
    if let Some(proxy) = proxy(environment, events)? {
        builder = builder.proxy(proxy);
    }
    build(builder)
}

/// Makes a client that no proxy sees, for addresses of the machine itself.
///
/// # Errors
/// A defect of the TLS library.
pub fn direct(timeout: Duration) -> Result<reqwest::Client, Failure> {
    build(base(timeout).tls_certs_only([]))
}

fn base(timeout: Duration) -> reqwest::ClientBuilder {
    // An error means that a provider is installed already, by an earlier client of this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Failure> {
    builder.build().map_err(|error| {
        let error = anyhow::Error::new(error).context("the HTTP client cannot be made");
        Failure::new(
            Exit::Internal,
            format!("{error:#}"),
            Some("please report this as a defect"),
        )
    })
}

/// The certificates in a PEM text.
///
/// # Errors
/// That it holds none, or what is wrong with one.
pub fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    match Certificate::from_pem_bundle(pem.as_bytes()) {
        Ok(certificates) if certificates.is_empty() => {
            Err("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned())
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("it is not PEM: {:#}", anyhow::Error::new(error))),
    }
}

fn roots(
    connection: &Connection,
    environment: &Environment,
    read_file: ReadFile<'_>,
    events: Events<'_>,
) -> Result<Vec<Certificate>, Failure> {
    let built_in = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| Certificate::from_der(der));
    let mut roots: Vec<Certificate> = built_in.filter_map(Result::ok).collect();
    roots.extend(connection.ca_certs.iter().cloned());
    if let Some(path) = value(environment, &["SSL_CERT_FILE"]) {
        match read_file(Path::new(path)).map(|bytes| certificates(&String::from_utf8_lossy(&bytes)))
        {
            Ok(Ok(more)) => roots.extend(more),
            Ok(Err(message)) => {
                return Err(Failure::new(
                    Exit::BadInputs,
                    format!("SSL_CERT_FILE names `{path}`, which cannot be used: {message}"),
                    Some("name a PEM file, or unset SSL_CERT_FILE"),
                ));
            }
            Err(error) => {
                let message = format!(
                    "SSL_CERT_FILE names `{path}`, which cannot be read ({error}); it is passed over"
                );
                events(Event::Log(Level::Warn, message));
            }
        }
    }
    Ok(roots)
}

/// The proxy for `https` addresses, from `HTTPS_PROXY` and `NO_PROXY` in either case.
fn proxy(environment: &Environment, events: Events<'_>) -> Result<Option<Proxy>, Failure> {
    let Some(address) = value(environment, &["HTTPS_PROXY", "https_proxy"]) else {
        return Ok(None);
    };
    let full = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let unusable = |why: String| {
        Failure::new(
            Exit::BadInputs,
            format!("HTTPS_PROXY is not the address of a proxy: {why}"),
            Some("write it like `http://proxy.example:3128`"),
        )
    };
    let exceptions = value(environment, &["NO_PROXY", "no_proxy"]);
    // The library knows `*` for names, and not for addresses.
    if exceptions.is_some_and(|list| list.split(',').any(|entry| entry.trim() == "*")) {
        return Ok(None);
    }
    let url = Url::parse(&full).map_err(|error| unusable(error.to_string()))?;
    if let Some(password) = url.password() {
        let decoded = |text| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        // The last is what travels as base64.
        let login = format!("{}:{}", decoded(url.username()), decoded(password));
        for secret in [password.to_owned(), decoded(password), login] {
            events(Event::Secret(SecretString::from(secret)));
        }
    }
    // Others it would pass over without a word, and connect directly.
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unusable(format!(
            "`{}` is neither `http` nor `https`",
            url.scheme()
        )));
    }
    let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
    let port = url.port().map(|port| format!(":{port}"));
    let shown = format!("{scheme}://{host}{}", port.unwrap_or_default());
    let message =
        format!("HTTPS_PROXY: requests go through {shown}, but for those that NO_PROXY leaves out");
    events(Event::Log(Level::Info, message));
    let proxy = Proxy::https(url)
        .map_err(|error| unusable(format!("{:#}", anyhow::Error::new(error.without_url()))))?;
    Ok(Some(
        proxy.no_proxy(exceptions.and_then(NoProxy::from_string)),
    ))
}

fn value<'a>(environment: &'a Environment, names: &[&str]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| environment.get(*name))
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
}
