//! Whose certificate is trusted, and how HTTP/2 connections end.

use standin::{Certificate, Delivery, Fault, Standin, When, World};

use super::{against, encrypted, synced, told, under_http2};

#[test]
fn a_certificate_that_is_not_trusted_is_told_and_never_tried_again() {
    for (certificate, texts) in [
        (
            Certificate::WrongHost,
            ["it is for elsewhere.example", "`endpoint`"],
        ),
        (
            Certificate::Expired,
            ["it expired at 2020-01-01T00:00:00Z", "clock"],
        ),
        (
            Certificate::UnknownRoot,
            ["nobody known here has signed it", "`ca-certs`"],
        ),
    ] {
        let standin = encrypted(certificate);
        let finished = against(&standin).input("retries", "3").run();
        let whose = format!("the certificate of {} is not trusted", standin.address());
        told(&finished, 5, "unknown", &[&whose, texts[0], texts[1]]);
        assert_eq!(standin.counters().connections, 1, "{certificate:?}");
        assert_eq!(standin.requests().len(), 0, "{certificate:?}");
    }
    // Good, but nobody said that its root is to be trusted.
    let standin = encrypted(Certificate::Good);
    let finished = against(&standin).input("ca-certs", "").run();
    told(
        &finished,
        5,
        "unknown",
        &["nobody known here has signed it"],
    );
}

#[test]
fn a_root_is_taken_from_ca_certs_and_from_ssl_cert_file() {
    let standin = encrypted(Certificate::Good);
    synced(&against(&standin).run());

    let with_file = |file: &str| {
        let run = against(&standin).input("ca-certs", "");
        std::fs::write(run.path("roots.pem"), standin.ca_pem()).expect("a file");
        let path = run.path(file);
        run.set("SSL_CERT_FILE", path.to_str().expect("UTF-8"))
    };
    synced(&with_file("roots.pem").run());

    let garbage = with_file("garbage.pem");
    std::fs::write(garbage.path("garbage.pem"), "no certificate").expect("a file");
    let finished = garbage.run();
    told(
        &finished,
        2,
        "skipped",
        &["SSL_CERT_FILE names", "unset SSL_CERT_FILE"],
    );

    let finished = with_file("not-there.pem").run();
    told(
        &finished,
        5,
        "unknown",
        &["nobody known here has signed it"],
    );
    assert!(
        finished.stdout.contains("SSL_CERT_FILE names"),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_stream_that_http2_ends_is_tried_again() {
    for delivery in [
        Delivery::GoAway,
        Delivery::Refuse,
        Delivery::Reset,
        Delivery::ResetInBody,
    ] {
        let finished = under_http2(Fault::delivery(delivery));
        told(&finished, 5, "unknown", &["broke before the answer"]);

        let standin = encrypted(Certificate::Good);
        standin.fault(Fault::delivery(delivery).when(When::First(1)));
        synced(&against(&standin).input("retries", "1").run());
        assert_eq!(standin.sync_requests().len(), 2, "{delivery:?}");
    }
}

#[test]
fn a_connection_that_is_going_away_is_left_for_another() {
    let standin = Standin::start_tls(World::sized(6, 1), Certificate::Good);
    standin.fault(Fault::delivery(Delivery::LastOfConnection));
    let images: Vec<String> = (0..6)
        .map(|index| format!("swr.cn-north-4.myhuaweicloud.com/bulk/r{index:04}:t00000"))
        .collect();
    let finished = against(&standin)
        .input("images", &images.join(","))
        .input("concurrency", "1")
        .run();
    synced(&finished);
    assert_eq!(standin.sync_requests().len(), 6);
    assert!(standin.counters().connections > 1);
}
