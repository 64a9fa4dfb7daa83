//! The HTTP client of a run: its roots, proxies and limits. Nothing is read from the machine behind our back.

use std::path::Path;
use std::time::Duration;

use reqwest::{NoProxy, Proxy, Url};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;

use crate::config::{CallSettings, Connection};
use crate::event::{Event, Events, Level};
use crate::inputs::{Environment, ReadFile};
use crate::outcome::{Exit, Failure};

/// The name that servers and proxies see.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Headers of an answer may have so many bytes. A token of IAM is one, and can have tens of kilobytes; hyper takes 16 over
/// HTTP/2 unless it is told otherwise.
const HEADER_LIMIT: u32 = 256 * 1024;

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
    let roots = roots(connection, environment, read_file, events)?;
    let mut builder = base(calls.timeout, roots).pool_max_idle_per_host(calls.concurrency.get());
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
    build(base(timeout, RootCertStore::empty()))
}

fn base(timeout: Duration, roots: RootCertStore) -> reqwest::ClientBuilder {
    // reqwest would read each root anew in every run; as trust anchors they are read already.
    let mut tls = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http2_max_header_list_size(HEADER_LIMIT)
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

/// The root certificates in a PEM text. Those that cannot be roots are left out, as bundles of systems hold some.
///
/// # Errors
/// That it holds none, or what is wrong with the first where all are.
pub fn certificates(pem: &str) -> Result<Vec<TrustAnchor<'static>>, String> {
    let mut roots = RootCertStore::empty();
    let mut refused = None;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("it is not PEM: {error}"))?;
        if let Err(error) = roots.add(certificate) {
            refused.get_or_insert(error);
        }
    }
    match (roots.is_empty(), refused) {
        (false, _) => Ok(roots.roots),
        (true, Some(error)) => Err(format!("no certificate in it can be a root: {error}")),
        (true, None) => {
            Err("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned())
        }
    }
}

fn roots(
    connection: &Connection,
    environment: &Environment,
    read_file: ReadFile<'_>,
    events: Events<'_>,
) -> Result<RootCertStore, Failure> {
    let built_in = webpki_roots::TLS_SERVER_ROOTS.iter();
    let mut roots: RootCertStore = built_in.chain(&connection.ca_certs).cloned().collect();
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
    // Escapes belong into the login, not into the host.
    let host = full.rsplit('@').next().unwrap_or(&full);
    if !full.is_ascii() || host.contains('%') {
        return Err(unusable("it has characters that no address has".to_owned()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_usable_roots_is_refused_with_the_reason() {
        let refused = |pem: &str| certificates(pem).expect_err("no roots");
        assert!(refused("").contains("holds no certificate"));
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refused(no_certificate).contains("no certificate in it can be a root"));
        assert!(refused(&no_certificate[..40]).contains("it is not PEM"));
    }

    #[test]
    fn what_cannot_be_a_root_does_not_spoil_a_bundle() {
        let standin = standin::Standin::start(standin::World::empty());
        let bundle = format!(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}",
            standin.ca_pem()
        );
        assert_eq!(certificates(&bundle).map(|roots| roots.len()), Ok(1));
    }
}
