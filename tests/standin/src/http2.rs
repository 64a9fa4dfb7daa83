//! HTTP/2, with the faults it can have.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tokio::sync::mpsc;

use crate::answer::Answer;
use crate::fault::Delivery;
use crate::link::Link;
use crate::record::Request;
use crate::server::Shared;
use crate::state::Delivered;

/// What a stream asks of its connection.
enum Order {
    /// GOAWAY at once, streams that are open are lost.
    GoAway,
    /// GOAWAY, open streams are served to their end.
    Last,
}

/// Serves streams until the client goes or a fault ends the connection.
pub(crate) async fn serve(link: impl Link, number: u64, shared: &Arc<Shared>) {
    // A client that breaks off or breaks the protocol ends its connection; nothing else is to be said about it.
    let Ok(mut connection) = h2::server::handshake(link).await else {
        return;
    };
    let (orders, mut ordered) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    tokio::spawn(stream(request, respond, number, Arc::clone(shared), orders.clone()));
                }
                Some(Err(_)) | None => return,
            },
            Some(order) = ordered.recv() => match order {
                Order::GoAway => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                Order::Last => connection.graceful_shutdown(),
            },
        }
    }
}

async fn stream(
    incoming: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    connection: u64,
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
) {
    let (head, mut body) = incoming.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut request = Request::new("HTTP/2", head.method.as_str(), target, connection);
    if let Some(authority) = head.uri.authority() {
        request
            .headers
            .push(("host".to_owned(), authority.to_string()));
    }
    for (name, value) in &head.headers {
        request.headers.push((
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        ));
    }
    while let Some(piece) = body.data().await {
        let Ok(piece) = piece else { return };
        // The window opens again for what was read; a stream that has ended needs none.
        let _ = body.flow_control().release_capacity(piece.len());
        request.body.extend_from_slice(&piece);
    }
    let delivered = shared.serve(request);
    let number = delivered.number;
    // A client that has gone gets no answer: that is all an error says.
    let _ = deliver(&mut respond, delivered, &orders).await;
    shared.answered(number);
}

async fn deliver(
    respond: &mut SendResponse<Bytes>,
    delivered: Delivered,
    orders: &mpsc::UnboundedSender<Order>,
) -> Result<(), h2::Error> {
    let Delivered {
        answer,
        delivery,
        delay,
        number: _,
    } = delivered;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let half = answer.body.len() / 2;
    match delivery {
        Delivery::Reset | Delivery::Close | Delivery::Garbage => {
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
        Delivery::Refuse => respond.send_reset(Reason::REFUSED_STREAM),
        // The stream stays open until the client resets it.
        Delivery::Never => drop(std::future::poll_fn(|context| respond.poll_reset(context)).await),
        Delivery::GoAway => {
            // The connection outlives its streams: where it has gone, so has the client.
            let _ = orders.send(Order::GoAway);
            drop(std::future::poll_fn(|context| respond.poll_reset(context)).await);
        }
        Delivery::LastOfConnection => {
            let _ = orders.send(Order::Last);
            whole(respond, answer)?;
        }
        Delivery::Whole
        | Delivery::Chunked
        | Delivery::LengthTooShort
        | Delivery::LengthTooLong => whole(respond, answer)?,
        Delivery::Informational => {
            let mut hints = http::Response::new(());
            *hints.status_mut() = http::StatusCode::EARLY_HINTS;
            respond.send_informational(hints)?;
            whole(respond, answer)?;
        }
        Delivery::Gzip => whole(respond, answer.zipped())?,
        Delivery::ResetInBody | Delivery::CloseInBody => {
            let mut sender = respond.send_response(head(&answer), false)?;
            sender.send_data(Bytes::copy_from_slice(&answer.body[..half]), false)?;
            // What was sent must get there before the reset, which discards what is under way.
            tokio::time::sleep(Duration::from_millis(50)).await;
            sender.send_reset(Reason::INTERNAL_ERROR);
        }
        Delivery::Trickle(pause) => {
            let mut sender = respond.send_response(head(&answer), false)?;
            for byte in &answer.body {
                tokio::time::sleep(pause).await;
                sender.send_data(Bytes::copy_from_slice(&[*byte]), false)?;
            }
            sender.send_data(Bytes::new(), true)?;
        }
        Delivery::Endless => {
            let mut sender = respond.send_response(head(&answer), false)?;
            sender.send_data(Bytes::from(answer.body), false)?;
            while room(&mut sender).await {
                sender.send_data(Bytes::from_static(&[b' '; 8 * 1024]), false)?;
            }
        }
    }
    Ok(())
}

fn whole(respond: &mut SendResponse<Bytes>, answer: Answer) -> Result<(), h2::Error> {
    let mut sender = respond.send_response(head(&answer), answer.body.is_empty())?;
    if !answer.body.is_empty() {
        sender.send_data(Bytes::from(answer.body), true)?;
    }
    Ok(())
}

/// Waits until the client takes more; false once it has gone.
async fn room(sender: &mut SendStream<Bytes>) -> bool {
    sender.reserve_capacity(8 * 1024);
    loop {
        match std::future::poll_fn(|context| sender.poll_capacity(context)).await {
            Some(Ok(0)) => {}
            Some(Ok(_)) => return true,
            Some(Err(_)) | None => return false,
        }
    }
}

/// Status and headers; what cannot be said in HTTP/2 is left out.
fn head(answer: &Answer) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = http::StatusCode::from_u16(answer.status)
        .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &answer.headers {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value))
            && name != http::header::CONNECTION
        {
            head.headers_mut().append(name, value);
        }
    }
    head
}
