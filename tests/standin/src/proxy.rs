//! A forward proxy that keeps count of what was asked of it, for `HTTPS_PROXY` and `HTTP_PROXY`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::answer::Answer;
use crate::background::Background;
use crate::http1::{self, send};
use crate::record::Request;

/// A running forward proxy on a free port of 127.0.0.1: `CONNECT` and requests with a whole address. Dropping it stops it.
///
/// It never reaches beyond loopback.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    /// Held for its drop.
    _background: Background,
}

/// What a proxy does with requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Connects to the host asked for, where that is on loopback; else it answers 502.
    AsAsked,
    /// Connects to this address, whatever host was asked for: with it the vendor's own host names lead to a stand-in.
    To(SocketAddr),
    /// Answers this to everything, such as 407, or an error page.
    Refuse(Answer),
}

impl Proxy {
    /// Starts it.
    ///
    /// # Panics
    /// When no socket or thread can be made.
    #[must_use]
    pub fn start(route: Route) -> Self {
        Self::start_fallibly(route).expect("a free loopback port")
    }

    fn start_fallibly(route: Route) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = (Arc::clone(&asked), Arc::new(route));
        let background = Background::start("proxy", move || {
            let listener = TcpListener::from_std(listener).expect("a listener that does not block");
            tokio::spawn(async move {
                loop {
                    // An error here is about one connection that went before it was taken; the next may be well.
                    if let Ok((stream, _)) = listener.accept().await {
                        let (asked, route) = shared.clone();
                        tokio::spawn(async move { connection(stream, &asked, &route).await });
                    }
                }
            });
        })?;
        Ok(Self {
            address,
            asked,
            _background: background,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked of it so far: the `target` of a `CONNECT` is `host:port`, of other methods the whole address. What passes
    /// through a tunnel is not seen.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn connection(mut client: TcpStream, asked: &Mutex<Vec<Request>>, route: &Route) {
    let mut buffer = Vec::new();
    let Some((request, _)) = http1::read_request(&mut client, &mut buffer, 0).await else {
        return;
    };
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    let upstream = match route {
        Route::Refuse(answer) => Err(answer.clone()),
        Route::To(address) => TcpStream::connect(address)
            .await
            .map_err(|error| bad_gateway(&error.to_string())),
        Route::AsAsked => match host(&request.target) {
            Some(address) => TcpStream::connect(address)
                .await
                .map_err(|error| bad_gateway(&error.to_string())),
            None => Err(bad_gateway("only addresses of loopback are reached")),
        },
    };
    // Who goes away in the middle ends the connection: that is all an error of what follows says.
    let _ = match upstream {
        Ok(upstream) if request.method == "CONNECT" => tunnel(client, upstream, &buffer).await,
        Ok(upstream) => pass_on(client, upstream, &request).await,
        Err(answer) => refuse(client, &answer).await,
    };
}

fn bad_gateway(why: &str) -> Answer {
    Answer::text(
        502,
        "text/html",
        format!("<html><body><h1>502 Bad Gateway</h1><p>{why}</p></body></html>\n"),
    )
}

/// The address on loopback behind `host:port` or a whole address.
fn host(target: &str) -> Option<SocketAddr> {
    let after_scheme = target.split_once("://").map_or(target, |(_, rest)| rest);
    let authority = after_scheme
        .split('/')
        .next()?
        .replace("localhost", "127.0.0.1");
    let address: SocketAddr = authority.parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

async fn tunnel(mut client: TcpStream, mut upstream: TcpStream, early: &[u8]) -> io::Result<()> {
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    upstream.write_all(early).await?;
    copy_bidirectional(&mut client, &mut upstream)
        .await
        .map(drop)
}

/// Sends the request on for one answer, after which both connections end.
async fn pass_on(
    mut client: TcpStream,
    mut upstream: TcpStream,
    request: &Request,
) -> io::Result<()> {
    let local = request
        .target
        .split_once("://")
        .map_or(request.target.as_str(), |(_, rest)| {
            &rest[rest.find('/').unwrap_or(rest.len())..]
        });
    let mut head = format!(
        "{} {local} HTTP/1.1\r\nConnection: close\r\n",
        request.method
    );
    for (name, value) in &request.headers {
        let own = [
            "connection",
            "proxy-connection",
            "proxy-authorization",
            "transfer-encoding",
            "content-length",
        ];
        if !own.contains(&name.to_ascii_lowercase().as_str()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    upstream.write_all(head.as_bytes()).await?;
    upstream.write_all(&request.body).await?;
    copy(&mut upstream, &mut client).await?;
    client.shutdown().await
}

async fn refuse(mut client: TcpStream, answer: &Answer) -> io::Result<()> {
    let head = send::head(answer, Some(answer.body.len()));
    client.write_all(head.as_bytes()).await?;
    client.write_all(&answer.body).await?;
    client.shutdown().await
}
