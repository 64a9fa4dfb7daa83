//! HTTP/1.1, read and written byte by byte, so that an answer can be broken in every way.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::link::Link;
use crate::record::Request;
use crate::server::Shared;

pub(crate) mod send;

/// Longest head and longest body that are read, in bytes.
const LONGEST_HEAD: usize = 256 * 1024;
const LONGEST_BODY: usize = 64 * 1024 * 1024;

/// Serves requests until the client goes or an answer ends the connection.
pub(crate) async fn serve(mut link: impl Link, connection: u64, shared: &Arc<Shared>) {
    let mut buffer = Vec::new();
    while let Some((request, asks_to_close)) =
        read_request(&mut link, &mut buffer, connection).await
    {
        let without_body = request.method == "HEAD";
        let delivered = shared.serve(request);
        let number = delivered.number;
        let after = send::deliver(&mut link, delivered, without_body).await;
        shared.answered(number);
        match after {
            send::After::Open if !asks_to_close => {}
            send::After::Open | send::After::Over => break,
            // Where it cannot be set, the client sees a close: no worse a fault.
            send::After::Reset => return drop(link.reset_when_dropped()),
        }
    }
    // A client that has gone needs no orderly end.
    let _ = link.shutdown().await;
}

/// Reads one request; `None` when the client has gone or speaks no HTTP. What follows it stays in the buffer.
pub(crate) async fn read_request(
    link: &mut impl Link,
    buffer: &mut Vec<u8>,
    connection: u64,
) -> Option<(Request, bool)> {
    let (mut request, head_length) = loop {
        if let Some(parsed) = parse_head(buffer, connection)? {
            break parsed;
        }
        if buffer.len() > LONGEST_HEAD || link.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    buffer.drain(..head_length);
    if request
        .header("Expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        link.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .ok()?;
        link.flush().await.ok()?;
    }
    let encoding = request.header("Transfer-Encoding").unwrap_or_default();
    request.body = if encoding.eq_ignore_ascii_case("chunked") {
        read_chunks(link, buffer).await?
    } else {
        let length = request
            .header("Content-Length")
            .unwrap_or("0")
            .parse()
            .ok()?;
        take(link, buffer, length).await?
    };
    let asks_to_close = request
        .header("Connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some((request, asks_to_close))
}

/// The head at the start of the buffer and its length: `None` when it is no HTTP, `Some(None)` when it is not yet whole.
fn parse_head(buffer: &[u8], connection: u64) -> Option<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(buffer).ok()? else {
        return Some(None);
    };
    let mut request = Request::new("HTTP/1.1", head.method?, head.path?, connection);
    let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
    request.headers = head
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), text(header.value)))
        .collect();
    Some(Some((request, length)))
}

/// Takes so many bytes from the buffer, reading until they are there.
async fn take(link: &mut impl Link, buffer: &mut Vec<u8>, length: usize) -> Option<Vec<u8>> {
    if length > LONGEST_BODY {
        return None;
    }
    while buffer.len() < length {
        if link.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(length);
    Some(std::mem::replace(buffer, rest))
}

async fn read_chunks(link: &mut impl Link, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (start, size) = loop {
            match httparse::parse_chunk_size(buffer).ok()? {
                httparse::Status::Complete(found) => break found,
                httparse::Status::Partial if link.read_buf(buffer).await.ok()? == 0 => return None,
                httparse::Status::Partial => {}
            }
        };
        buffer.drain(..start);
        let size = usize::try_from(size)
            .ok()
            .filter(|size| body.len() + size <= LONGEST_BODY)?;
        body.extend(take(link, buffer, size).await?);
        // After the last chunk this is the empty line of trailers, of which clients here send none.
        take(link, buffer, 2).await?;
        if size == 0 {
            return Some(body);
        }
    }
}
