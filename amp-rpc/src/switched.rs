//! The stream behind a protocol switch.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::Shared;
use crate::tls::TlsSession;
use crate::transport::{Addresses, Prefixed};

/// The stream of a connection that was switched to another protocol: what was already read stands in
/// front, everything else is the transport itself, with TLS where there is TLS.
///
/// Made by [`Peer::switch`](crate::Peer::switch) on the side that asks and by
/// [`Peer::on_switch`](crate::Peer::on_switch) on the side that answers. In Twisted, the transport that
/// the inner protocol of a `ProtocolSwitchCommand` gets. Dropping it closes the connection.
pub struct SwitchedStream {
    stream: Prefixed,
    shared: Arc<Shared>,
    /// Calls of the time before wait for the end of this.
    ends_calls: bool,
}

impl SwitchedStream {
    pub(crate) fn new(stream: Prefixed, shared: Arc<Shared>, ends_calls: bool) -> Self {
        Self {
            stream,
            shared,
            ends_calls,
        }
    }

    /// Both ends' addresses, where the transport has any.
    pub fn addresses(&self) -> &Addresses {
        self.shared.addresses()
    }

    /// The connection's TLS; `None` where it is in plain text.
    pub fn tls(&self) -> Option<&TlsSession> {
        self.shared.session.get()
    }
}

impl AsyncRead for SwitchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for SwitchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for SwitchedStream {
    fn drop(&mut self) {
        if self.ends_calls {
            self.shared.end_calls();
        }
    }
}

impl fmt::Debug for SwitchedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchedStream")
            .field("addresses", self.addresses())
            .field("unread", &self.stream.front().len())
            .finish_non_exhaustive()
    }
}

/// What goes on with the stream on the side that answers.
pub(crate) type OnSwitch =
    Box<dyn FnOnce(SwitchedStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;
