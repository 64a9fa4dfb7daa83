//! Certificates made at start: a good one, and three that a client must refuse.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the certificate of a listener is worth to a client that trusts [`Standin::ca_pem`](crate::Standin::ca_pem).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Certificate {
    /// Good, for `127.0.0.1`, `::1`, `localhost` and the vendor's host names of all regions of the world.
    Good,
    /// Signed by the trusted root, but for `elsewhere.example` alone.
    WrongHost,
    /// Signed by the trusted root for the right names, but over since 2020.
    Expired,
    /// For the right names, but signed by a root that nobody knows.
    UnknownRoot,
}

/// A root that signs certificates for one stand-in.
#[derive(Debug)]
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    unknown: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, rcgen::Error> {
        let (pem, issuer) = root("Root of the stand-in")?;
        let (_, unknown) = root("Root that nobody knows")?;
        Ok(Self {
            pem,
            issuer,
            unknown,
        })
    }

    /// The trusted root as PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The TLS side of a listener.
    pub(crate) fn server(
        &self,
        certificate: Certificate,
        regions: impl Iterator<Item = String>,
        http2: bool,
    ) -> Result<ServerConfig, rcgen::Error> {
        let mut names: Vec<String> = ["127.0.0.1", "::1", "localhost"].map(str::to_owned).into();
        for region in regions {
            names.extend(
                ["swr-api", "sts", "iam"]
                    .map(|service| format!("{service}.{region}.myhuaweicloud.com")),
            );
        }
        if certificate == Certificate::WrongHost {
            names = vec!["elsewhere.example".to_owned()];
        }
        let mut params = CertificateParams::new(names)?;
        if certificate == Certificate::Expired {
            (params.not_before, params.not_after) =
                (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
        }
        let key = KeyPair::generate()?;
        let issuer = if certificate == Certificate::UnknownRoot {
            &self.unknown
        } else {
            &self.issuer
        };
        let signed = params.signed_by(&key, issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)
            .expect("a key made for its certificate");
        config.alpn_protocols = if http2 {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        } else {
            vec![b"http/1.1".to_vec()]
        };
        Ok(config)
    }
}

fn root(name: &str) -> Result<(String, Issuer<'static, KeyPair>), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((pem, Issuer::new(params, key)))
}
