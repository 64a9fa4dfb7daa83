//! The smallest HTTP/1.1 client, with a signer made of the stand-in's own parts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use standin::signature::{ALGORITHM, canonical_request, signature, string_to_sign};
use standin::{DEMO_ACCESS_KEY, DEMO_SECRET_KEY, Standin};

/// The time by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "a client has a clock of its own")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// An answer, read to the end of the connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    }
}

/// A request under construction.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn get(target: &str) -> Self {
        Self {
            method: "GET",
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn post(target: &str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self {
            method: "POST",
            body,
            ..Self::get(target)
        }
        .header("Content-Type", "application/json")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signed now with the demo key, every header included.
    pub(crate) fn signed(self, standin: &Standin) -> Self {
        self.signed_with(standin, DEMO_ACCESS_KEY, DEMO_SECRET_KEY, now())
    }

    pub(crate) fn signed_with(
        self,
        standin: &Standin,
        access: &str,
        secret: &str,
        time: jiff::Timestamp,
    ) -> Self {
        let date = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let call = self
            .header("Host", &standin.address().to_string())
            .header("X-Sdk-Date", &date);
        let mut names: Vec<String> = call
            .headers
            .iter()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        names.sort();
        let canonical =
            canonical_request(call.method, &call.target, &call.headers, &names, &call.body);
        let signature = signature(secret, &string_to_sign(&date, &canonical));
        let value = format!(
            "{ALGORITHM} Access={access}, SignedHeaders={}, Signature={signature}",
            names.join(";")
        );
        call.header("Authorization", &value)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.method,
            self.target,
            self.body.len()
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) fn send(&self, standin: &Standin) -> Reply {
        let bytes = exchange(standin, &self.bytes()).expect("an answer");
        read(&bytes)
    }
}

/// Sends these bytes on a connection of their own and reads to its end.
pub(crate) fn exchange(standin: &Standin, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(standin.address())?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Splits an answer into its parts.
pub(crate) fn read(bytes: &[u8]) -> Reply {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
    }
}

/// A sync call in `cn-north-4`.
pub(crate) fn sync(repository: &str, tags: &[&str], remote_region: &str, overriding: bool) -> Call {
    let target =
        format!("/swr/cn-north-4/v2/manage/namespaces/team/repos/{repository}/sync_images");
    let body = serde_json::json!({
        "imageTag": tags,
        "override": overriding,
        "remoteNamespace": "team",
        "remoteRegionId": remote_region,
    });
    Call::post(&target, &body)
}
