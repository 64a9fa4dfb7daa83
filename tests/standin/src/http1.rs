//! HTTP/1.1, written byte by byte, so that an answer can be broken in every way.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::fault::Delivery;
use crate::record::{Request, Verdict};
use crate::server::Shared;
use crate::signature::{decode, query_pairs};
use crate::state::Delivered;

/// Longest head and longest body that are read, in bytes.
const LONGEST_HEAD: usize = 256 * 1024;
const LONGEST_BODY: usize = 64 * 1024 * 1024;

/// Whether the connection can be used again.
#[derive(PartialEq, Eq)]
enum Connection {
    Open,
    Over,
}

/// Serves requests until the client goes or an answer ends the connection.
pub(crate) async fn serve(mut stream: TcpStream, connection: u64, shared: &Shared) {
    let mut buffer = Vec::new();
    while let Some((request, asks_to_close)) =
        read_request(&mut stream, &mut buffer, connection).await
    {
        let head_only = request.method == "HEAD";
        let delivered = shared.state().serve(request);
        let after = deliver(&mut stream, delivered, head_only).await;
        shared.state().counters.in_flight -= 1;
        if after == Connection::Over || asks_to_close {
            return;
        }
    }
}

/// Reads one request; `None` when the client has gone or speaks no HTTP. What follows it stays in the buffer.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    connection: u64,
) -> Option<(Request, bool)> {
    let (mut request, head_length) = loop {
        if let Some(parsed) = parse_head(buffer, connection)? {
            break parsed;
        }
        if buffer.len() > LONGEST_HEAD || stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    buffer.drain(..head_length);
    if request
        .header("Expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .ok()?;
    }
    let chunked = request
        .header("Transfer-Encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    request.body = if chunked {
        read_chunks(stream, buffer).await?
    } else {
        let length = request
            .header("Content-Length")
            .map_or(Some(0), |value| value.trim().parse().ok())?;
        take(stream, buffer, length).await?
    };
    let asks_to_close = request
        .header("Connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some((request, asks_to_close))
}

/// The head at the start of the buffer: `None` when it is no HTTP, `Some(None)` when it is not yet whole.
fn parse_head(buffer: &[u8], connection: u64) -> Option<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(buffer).ok()? else {
        return Some(None);
    };
    let target = head.path?.to_owned();
    // A proxy is asked with the whole address; the path begins behind the host.
    let after_scheme = target
        .split_once("://")
        .map_or(target.as_str(), |(_, rest)| {
            &rest[rest.find('/').unwrap_or(rest.len())..]
        });
    let (path, query) = after_scheme.split_once('?').unwrap_or((after_scheme, ""));
    let headers = head.headers.iter().map(|header| {
        (
            header.name.to_owned(),
            String::from_utf8_lossy(header.value).into_owned(),
        )
    });
    let request = Request {
        number: 0,
        connection,
        arrived: Duration::ZERO,
        version: "HTTP/1.1",
        method: head.method?.to_owned(),
        path: decode(path),
        query: query_pairs(query),
        headers: headers.collect(),
        body: Vec::new(),
        access_key: None,
        verdict: Verdict::NotAsked,
        status: None,
        faulted: false,
        target,
    };
    Some(Some((request, length)))
}

/// Takes so many bytes from the buffer, reading until they are there.
async fn take(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> Option<Vec<u8>> {
    if length > LONGEST_BODY {
        return None;
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(length);
    Some(std::mem::replace(buffer, rest))
}

async fn read_chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (start, size) = loop {
            match httparse::parse_chunk_size(buffer).ok()? {
                httparse::Status::Complete(found) => break found,
                httparse::Status::Partial if stream.read_buf(buffer).await.ok()? == 0 => {
                    return None;
                }
                httparse::Status::Partial => {}
            }
        };
        buffer.drain(..start);
        let size = usize::try_from(size)
            .ok()
            .filter(|size| body.len() + size <= LONGEST_BODY)?;
        body.extend(take(stream, buffer, size).await?);
        if size == 0 {
            // Trailers, of which clients send none, end in an empty line too.
            while take(stream, buffer, 2).await? != b"\r\n" {}
            return Some(body);
        }
        take(stream, buffer, 2).await?;
    }
}

/// Sends an answer in the way asked for.
async fn deliver(stream: &mut TcpStream, delivered: Delivered, head_only: bool) -> Connection {
    let Delivered {
        answer,
        delivery,
        delay,
    } = delivered;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    // A client that has gone gets no answer, and the connection is over: that is all an error says.
    send(stream, answer, delivery, head_only)
        .await
        .unwrap_or(Connection::Over)
}

async fn send(
    stream: &mut TcpStream,
    mut answer: Answer,
    delivery: Delivery,
    head_only: bool,
) -> std::io::Result<Connection> {
    if head_only {
        answer.body.clear();
    }
    let body = std::mem::take(&mut answer.body);
    let whole = Some(body.len());
    let half = body.len() / 2;
    match delivery {
        Delivery::Whole => {
            write(stream, head(&answer, whole), &body).await?;
            return Ok(Connection::Open);
        }
        Delivery::Informational => {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </hint>; rel=preload\r\n\r\n").await?;
            write(stream, head(&answer, whole), &body).await?;
            return Ok(Connection::Open);
        }
        Delivery::Chunked => {
            write(stream, head(&answer, None), b"").await?;
            for piece in body.chunks(3) {
                write_chunk(stream, piece).await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
            return Ok(Connection::Open);
        }
        Delivery::Gzip => {
            let answer = answer.with("Content-Encoding", "gzip");
            let body = gzip(&body)?;
            write(stream, head(&answer, Some(body.len())), &body).await?;
            return Ok(Connection::Open);
        }
        Delivery::Trickle(pause) => {
            write(stream, head(&answer, whole), b"").await?;
            for byte in &body {
                tokio::time::sleep(pause).await;
                stream.write_all(std::slice::from_ref(byte)).await?;
            }
            return Ok(Connection::Open);
        }
        Delivery::Reset | Delivery::GoAway => stream.set_zero_linger()?,
        Delivery::Close => {}
        Delivery::Never => wait_for_end(stream).await,
        Delivery::ResetInBody => {
            write(stream, head(&answer, whole), &body[..half]).await?;
            // What was sent must get there before the reset, which discards what is under way.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger()?;
        }
        Delivery::CloseInBody => write(stream, head(&answer, whole), &body[..half]).await?,
        Delivery::Endless => {
            write(stream, head(&answer, None), b"").await?;
            write_chunk(stream, &body).await?;
            let blanks = [b' '; 16 * 1024];
            loop {
                write_chunk(stream, &blanks).await?;
            }
        }
        Delivery::LengthTooShort => {
            write(
                stream,
                head(&answer, Some(body.len().saturating_sub(1))),
                &body,
            )
            .await?;
        }
        Delivery::LengthTooLong => {
            write(stream, head(&answer, Some(body.len() + 10)), &body).await?;
        }
        Delivery::Garbage => {
            stream
                .write_all(b"\x15\x03\x01\x00\x02\x02\x46 this is no HTTP\r\n\r\n")
                .await?;
        }
        Delivery::LastOfConnection => {
            write(
                stream,
                head(&answer.with("Connection", "close"), whole),
                &body,
            )
            .await?;
        }
    }
    Ok(Connection::Over)
}

/// Status line and headers; without a length the body is chunked.
fn head(answer: &Answer, length: Option<usize>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match length {
        Some(length) => head.push_str(&format!("Content-Length: {length}\r\n\r\n")),
        None => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
    }
    head.into_bytes()
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Words for people; clients go by the number.
fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        300..=399 => "Redirect",
        400..=499 => "Client Error",
        _ => "Server Error",
    }
}

/// One write for head and body, so that a small answer is one packet.
async fn write(stream: &mut TcpStream, mut head: Vec<u8>, body: &[u8]) -> std::io::Result<()> {
    head.extend_from_slice(body);
    stream.write_all(&head).await
}

async fn write_chunk(stream: &mut TcpStream, piece: &[u8]) -> std::io::Result<()> {
    if piece.is_empty() {
        return Ok(());
    }
    let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
    chunk.extend_from_slice(piece);
    chunk.extend_from_slice(b"\r\n");
    stream.write_all(&chunk).await
}

/// Reads until the client goes.
async fn wait_for_end(stream: &mut TcpStream) {
    let mut ignored = [0; 1024];
    while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
}
