//! TLS with good and bad certificates, HTTP/2 and its faults.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::SendRequest;
use standin::{Answer, Certificate, Delivery, Fault, Standin, World};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(10), future)
            .await
            .unwrap()
    })
}

/// Connects as a client that trusts the stand-in's root and offers HTTP/2.
async fn connect(standin: &Standin) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(standin.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(standin.address()).await?;
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("127.0.0.1").unwrap(), stream)
        .await
}

#[test]
fn only_a_good_certificate_is_taken() {
    for (certificate, expected) in [
        (Certificate::Good, None),
        (Certificate::WrongHost, Some("NotValidForName")),
        (Certificate::Expired, Some("Expired")),
        (Certificate::UnknownRoot, Some("UnknownIssuer")),
    ] {
        let standin = Standin::start_tls(World::demo(), certificate);
        assert!(standin.url().starts_with("https://127.0.0.1:"));
        let found = block_on(connect(&standin))
            .err()
            .map(|error| format!("{error:?}"));
        match expected {
            None => assert_eq!(found, None),
            Some(expected) => assert!(
                found.as_ref().is_some_and(|found| found.contains(expected)),
                "{found:?}"
            ),
        }
    }
}

/// Sends one request over HTTP/2 and reads the whole answer.
async fn ask(mut client: SendRequest<Bytes>, path: &str) -> Result<(u16, Vec<u8>), h2::Error> {
    let request = http::Request::get(format!("http://standin{path}"))
        .body(())
        .unwrap();
    client = client.ready().await?;
    let (response, _) = client.send_request(request, true)?;
    let response = response.await?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        bytes.extend_from_slice(&piece);
        if bytes.len() > 1 << 20 {
            break;
        }
    }
    Ok((status, bytes))
}

async fn ask_once(standin: &Standin) -> Result<(u16, Vec<u8>), h2::Error> {
    let stream = TcpStream::connect(standin.address()).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await?;
    tokio::spawn(connection);
    ask(client, "/swr/cn-north-4/v2/manage/regions").await
}

#[test]
fn http2_is_spoken_by_alpn_and_to_clients_that_know() {
    let standin = Standin::start_tls(World::demo(), Certificate::Good);
    let answer = block_on(async {
        let stream = connect(&standin).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        ask(client, "/swr/cn-north-4/v2/manage/regions")
            .await
            .unwrap()
    });
    assert_eq!(answer.0, 401);
    assert_eq!(standin.requests()[0].version, "HTTP/2");
    assert_eq!(standin.requests()[0].header("host"), Some("standin"));

    let plain = Standin::start(World::demo());
    assert_eq!(block_on(ask_once(&plain)).unwrap().0, 401);
    assert_eq!(plain.requests()[0].version, "HTTP/2");
}

#[test]
fn http2_has_faults_of_its_own() {
    let answer = |delivery| {
        let standin = Standin::start(World::demo());
        standin.fault(Fault {
            delivery,
            ..Fault::answer(Answer::text(200, "text/plain", "body"))
        });
        block_on(ask_once(&standin))
    };
    let reason = |delivery| answer(delivery).unwrap_err().reason();
    assert_eq!(reason(Delivery::Reset), Some(Reason::INTERNAL_ERROR));
    assert_eq!(reason(Delivery::Refuse), Some(Reason::REFUSED_STREAM));
    assert_eq!(reason(Delivery::ResetInBody), Some(Reason::INTERNAL_ERROR));
    for whole in [
        Delivery::Whole,
        Delivery::LastOfConnection,
        Delivery::Informational,
        Delivery::Trickle(Duration::from_millis(5)),
    ] {
        assert_eq!(answer(whole).unwrap(), (200, b"body".to_vec()), "{whole:?}");
    }
    assert!(answer(Delivery::Endless).unwrap().1.len() > 1 << 20);
}

#[test]
fn goaway_comes_while_a_stream_is_open() {
    let standin = Standin::start(World::demo());
    standin.fault(Fault::delivery(Delivery::GoAway));
    block_on(async {
        let stream = TcpStream::connect(standin.address()).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        assert!(
            ask(client, "/swr/cn-north-4/v2/manage/regions")
                .await
                .is_err()
        );
        let end = connection.await.unwrap().unwrap_err();
        assert_eq!(end.reason(), Some(Reason::ENHANCE_YOUR_CALM));
        assert!(end.is_go_away() && end.is_remote(), "{end:?}");
    });
}
