//! A connection, plain or encrypted, that can be reset.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What both kinds of connection can do.
pub(crate) trait Link: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the connection end in a reset when it is dropped.
    fn reset_when_dropped(&self) -> io::Result<()>;
}

impl Link for TcpStream {
    fn reset_when_dropped(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Link for TlsStream<TcpStream> {
    fn reset_when_dropped(&self) -> io::Result<()> {
        self.get_ref().0.set_zero_linger()
    }
}
