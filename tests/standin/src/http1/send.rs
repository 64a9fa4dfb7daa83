//! Answers on the wire, whole or broken as asked.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::answer::Answer;
use crate::fault::Delivery;
use crate::link::Link;
use crate::state::Delivered;

/// Whether the connection can be used again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It can.
    Open,
    /// It ends here, in order.
    Over,
    /// It ends here, in a reset.
    Reset,
}

/// Sends an answer in the way asked for.
pub(super) async fn deliver(
    link: &mut impl Link,
    delivered: Delivered,
    without_body: bool,
) -> After {
    let Delivered {
        mut answer,
        delivery,
        delay,
        number: _,
    } = delivered;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if without_body {
        answer.body.clear();
    }
    // A client that has gone gets no answer, and the connection is over: that is all an error says.
    send(link, &answer, delivery).await.unwrap_or(After::Over)
}

async fn send(link: &mut impl Link, answer: &Answer, delivery: Delivery) -> io::Result<After> {
    let body = answer.body.as_slice();
    let whole = Some(body.len());
    let half = &body[..body.len() / 2];
    match delivery {
        Delivery::Whole => {
            write(link, head(answer, whole), body).await?;
            Ok(After::Open)
        }
        Delivery::Informational => {
            let before = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </hint>; rel=preload\r\n\r\n";
            write(link, before.to_owned() + &head(answer, whole), body).await?;
            Ok(After::Open)
        }
        Delivery::Chunked => {
            let chunks: String = body
                .chunks(3)
                .map(|piece| {
                    format!(
                        "{:x}\r\n{}\r\n",
                        piece.len(),
                        String::from_utf8_lossy(piece)
                    )
                })
                .collect();
            write(link, head(answer, None) + &chunks + "0\r\n\r\n", b"").await?;
            Ok(After::Open)
        }
        Delivery::Gzip => {
            let answer = answer.clone().zipped();
            write(link, head(&answer, Some(answer.body.len())), &answer.body).await?;
            Ok(After::Open)
        }
        Delivery::Trickle(pause) => {
            write(link, head(answer, whole), b"").await?;
            for byte in body {
                tokio::time::sleep(pause).await;
                link.write_all(&[*byte]).await?;
                link.flush().await?;
            }
            Ok(After::Open)
        }
        Delivery::Endless => {
            write(link, head(answer, None), b"").await?;
            write_chunk(link, body).await?;
            loop {
                write_chunk(link, &[b' '; 16 * 1024]).await?;
            }
        }
        Delivery::Never => {
            let mut ignored = [0; 1024];
            while link.read(&mut ignored).await? > 0 {}
            Ok(After::Over)
        }
        Delivery::Reset | Delivery::Refuse | Delivery::GoAway => Ok(After::Reset),
        Delivery::ResetInBody => {
            write(link, head(answer, whole), half).await?;
            // What was sent must get there before the reset, which discards what is under way.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(After::Reset)
        }
        Delivery::Close => Ok(After::Over),
        Delivery::CloseInBody => last(link, head(answer, whole), half).await,
        Delivery::LengthTooShort => {
            last(link, head(answer, Some(body.len().saturating_sub(1))), body).await
        }
        Delivery::LengthTooLong => last(link, head(answer, Some(body.len() + 10)), body).await,
        Delivery::Garbage => {
            last(
                link,
                "\u{15}\u{3}\u{1}\0\u{2}\u{2}F this is no HTTP\r\n\r\n".to_owned(),
                b"",
            )
            .await
        }
        Delivery::LastOfConnection => {
            last(
                link,
                head(&answer.clone().with("Connection", "close"), whole),
                body,
            )
            .await
        }
    }
}

/// Status line and headers; without a length the body is chunked.
pub(crate) fn head(answer: &Answer, length: Option<usize>) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        write!(head, "{name}: {value}\r\n").expect("memory can be written");
    }
    match length {
        Some(length) => head + &format!("Content-Length: {length}\r\n\r\n"),
        None => head + "Transfer-Encoding: chunked\r\n\r\n",
    }
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

async fn last(link: &mut impl Link, head: String, body: &[u8]) -> io::Result<After> {
    write(link, head, body).await?;
    Ok(After::Over)
}

/// One write for head and body, so that a small answer is one packet.
async fn write(link: &mut impl Link, head: String, body: &[u8]) -> io::Result<()> {
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    link.write_all(&bytes).await?;
    link.flush().await
}

async fn write_chunk(link: &mut impl Link, piece: &[u8]) -> io::Result<()> {
    if piece.is_empty() {
        return Ok(());
    }
    link.write_all(format!("{:x}\r\n", piece.len()).as_bytes())
        .await?;
    link.write_all(piece).await?;
    link.write_all(b"\r\n").await
}
