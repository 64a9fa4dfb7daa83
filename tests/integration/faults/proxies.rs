//! Proxies: who goes through them, who does not, and what a refusal of theirs looks like.

use standin::{Certificate, Proxy, Route, Standin};

use super::{against, closed, encrypted, page, run, synced, told};
use crate::secrets;

/// A stand-in that the vendor's own host name leads to, through a proxy.
fn behind_proxy() -> (Standin, Proxy) {
    let standin = encrypted(Certificate::Good);
    let proxy = Proxy::start(Route::To(standin.address()));
    (standin, proxy)
}

#[test]
fn the_proxy_is_used_whatever_the_case_of_its_variable() {
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        let (standin, proxy) = behind_proxy();
        for address in [proxy.url(), proxy.url().replace("http://", "")] {
            let run = run().input("ca-certs", standin.ca_pem());
            synced(&run.set(variable, &address).run());
        }
        let asked = proxy.asked();
        assert_eq!(asked.len(), 2, "{variable}");
        for request in asked {
            assert_eq!(request.method, "CONNECT");
            assert_eq!(request.target, "swr-api.cn-north-4.myhuaweicloud.com:443");
        }
    }
}

#[test]
fn no_proxy_leaves_hosts_out_whatever_the_case_of_its_variable() {
    for variable in ["NO_PROXY", "no_proxy"] {
        for exceptions in ["127.0.0.1", "*", "a.example, 127.0.0.0/8"] {
            let standin = encrypted(Certificate::Good);
            let proxy = Proxy::start(Route::AsAsked);
            let run = || against(&standin).set("HTTPS_PROXY", &proxy.url());
            synced(&run().set(variable, exceptions).run());
            assert_eq!(proxy.asked().len(), 0, "{variable}={exceptions}");
            synced(&run().set(variable, "other.example").run());
            assert_eq!(proxy.asked().len(), 1);
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_told_from_the_service() {
    let host = "swr-api.cn-north-4.myhuaweicloud.com";
    for (status, text) in [
        (407, "the proxy asks for a login"),
        (403, "the proxy does not connect to"),
        (502, "the proxy does not connect to"),
    ] {
        let proxy = Proxy::start(Route::Refuse(page(status, "Refused")));
        let finished = run().set("HTTPS_PROXY", &proxy.url()).run();
        told(&finished, 5, "unknown", &[text, host, "HTTPS_PROXY"]);
    }
    let nobody = format!("http://{}", closed());
    let finished = run().set("HTTPS_PROXY", &nobody).run();
    let texts = ["the proxy does not connect to", host];
    told(&finished, 5, "unknown", &texts);
    assert!(finished.stdout.contains(&nobody), "{}", finished.stdout);
}

#[test]
fn the_login_of_a_proxy_is_sent_to_it_and_shown_nowhere() {
    let password = "pr0xy/P@ssword+of=the~runner";
    let encoded = "pr0xy%2FP%40ssword%2Bof%3Dthe%7Erunner";
    let (standin, proxy) = behind_proxy();
    let url = proxy
        .url()
        .replace("http://", &format!("http://user:{encoded}@"));
    let refusing = Proxy::start(Route::Refuse(page(
        407,
        &format!("Who is user:{password}?"),
    )));
    let refusing_url = url.replace(&proxy.url()[7..], &refusing.url()[7..]);
    let run = || {
        run()
            .input("ca-certs", standin.ca_pem())
            .input("log-level", "debug")
    };
    let good = run().set("HTTPS_PROXY", &url).run();
    synced(&good);
    assert_eq!(
        proxy.asked()[0].header("Proxy-Authorization"),
        Some("Basic dXNlcjpwcjB4eS9QQHNzd29yZCtvZj10aGV+cnVubmVy")
    );
    let refused = run().set("HTTPS_PROXY", &refusing_url).run();
    told(&refused, 5, "unknown", &["the proxy asks for a login"]);
    let login = [password.to_owned(), format!("user:{password}")];
    for finished in [good, refused] {
        let all = format!("{}{:?}", finished.stdout, finished.outputs());
        assert_eq!(secrets::leak(&all, &login), None);
    }
}

#[test]
fn a_proxy_that_is_no_address_is_an_input_problem() {
    for address in ["http://Büro:3128", "http://user:a@proxy%AC:3128"] {
        let finished = run().set("HTTPS_PROXY", address).run();
        assert_eq!(finished.code, Some(2), "{}", finished.stdout);
    }
    let finished = run()
        .set("HTTPS_PROXY", "ftp://user:s3cretpassword@x")
        .run();
    assert_eq!(finished.code, Some(2), "{}", finished.stdout);
    assert!(
        finished.stdout.contains("HTTPS_PROXY"),
        "{}",
        finished.stdout
    );
    assert_eq!(finished.output("status"), "failure");
    let mask = "::add-mask::";
    let shown: String = finished
        .stdout
        .lines()
        .filter(|line| !line.starts_with(mask))
        .collect();
    assert!(!shown.contains("s3cretpassword"), "{shown}");
}
