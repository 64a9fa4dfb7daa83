//! The forward proxy.

use std::io::{Read, Write};
use std::net::TcpStream;

use standin::{Answer, ErrorShape, Proxy, Route, Standin, World};

use crate::client::{Reply, read, sync};

/// Sends a head to the proxy, then, where the tunnel stands, more.
fn through(proxy: &Proxy, head: &[u8], then: Option<&[u8]>) -> Reply {
    let address = proxy.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(head).unwrap();
    if let Some(then) = then {
        let mut established = [0; 39];
        stream.read_exact(&mut established).unwrap();
        assert_eq!(
            established.as_slice(),
            b"HTTP/1.1 200 Connection established\r\n\r\n".as_slice()
        );
        stream.write_all(then).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    read(&answer)
}

#[test]
fn a_tunnel_leads_where_the_route_says() {
    let standin = Standin::start(World::demo());
    let call = sync("app", &["1.0.0"], "cn-east-3", false)
        .signed(&standin)
        .bytes();
    let connect = |host: &str| {
        format!(
            "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        )
    };

    let asked = Proxy::start(Route::AsAsked);
    assert_eq!(
        through(
            &asked,
            connect(&standin.address().to_string()).as_bytes(),
            Some(&call)
        )
        .status,
        200
    );
    assert_eq!(asked.asked()[0].target, standin.address().to_string());
    assert_eq!(
        asked.asked()[0].header("Proxy-Authorization"),
        Some("Basic dTpw")
    );
    assert_eq!(
        through(&asked, connect("192.0.2.1:443").as_bytes(), None).status,
        502
    );

    let to = Proxy::start(Route::To(standin.address()));
    let host = "swr-api.cn-north-4.myhuaweicloud.com:443";
    assert_eq!(
        through(&to, connect(host).as_bytes(), Some(&call)).status,
        200
    );
    assert_eq!(to.asked()[0].target, host);
    assert_eq!(standin.sync_requests().len(), 2);
}

#[test]
fn a_whole_address_is_passed_on_with_its_signature_intact() {
    let standin = Standin::start(World::demo());
    let proxy = Proxy::start(Route::AsAsked);
    let call = sync("app", &["1.0.0"], "cn-east-3", false).signed(&standin);
    let bytes = String::from_utf8(call.bytes()).unwrap().replacen(
        "POST /",
        &format!("POST {}/", standin.url()),
        1,
    );
    assert_eq!(through(&proxy, bytes.as_bytes(), None).status, 200);
    assert!(proxy.asked()[0].target.starts_with("http://127.0.0.1:"));
    assert!(proxy.asked()[0].path.ends_with("/sync_images"));
}

#[test]
fn a_proxy_may_refuse_with_a_page_of_its_own() {
    let proxy = Proxy::start(Route::Refuse(Answer::error(
        ErrorShape::Html,
        407,
        "",
        "Proxy Authentication Required",
    )));
    let reply = through(&proxy, b"CONNECT a:443 HTTP/1.1\r\n\r\n", None);
    assert_eq!(reply.status, 407);
    assert!(reply.body.starts_with(b"<html>"));
}
