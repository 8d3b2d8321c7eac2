//! The first bytes of the new protocol in the same write as AMP's last ones.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use amp_rpc::Amp;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::asked::becoming;
use crate::transports::{Files, Over};
use crate::twisted::{Go, Twisted, soon, to};

/// A connection that remembers what each read brought, and sends a last answer together with what follows.
struct Wire {
    stream: TcpStream,
    reads: Arc<Mutex<Vec<Vec<u8>>>>,
    /// What to wait for once an answer was written.
    greeting: Option<&'static [u8]>,
    unsent: Vec<u8>,
}

impl Wire {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            reads: Arc::default(),
            greeting: None,
            unsent: Vec::new(),
        }
    }

    fn has(&self, wanted: &[u8]) -> bool {
        has(&self.unsent, wanted)
    }

    fn is_held(&self) -> bool {
        (self.greeting).is_some_and(|greeting| self.has(b"_answer") && !self.has(greeting))
    }
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let new = buffer.filled()[before..].to_vec();
        self.reads.lock().expect("nobody panics").push(new);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // It leaves with the flush that follows.
        self.unsent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_held() {
            return Poll::Ready(Ok(()));
        }
        let this = &mut *self;
        while !this.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut this.stream).poll_write(cx, &this.unsent))?;
            this.unsent.drain(..sent);
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn of_twisted_s() {
    let files = Files::new("same-twisted");
    let (_twisted, port) = Twisted::serve(&files, &files.listen(Over::Tcp)).await;
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await;
    let wire = Wire::new(stream.expect("it listens"));
    let reads = Arc::clone(&wire.reads);
    let peer = Amp::new().over(wire);
    let ((), mut stream) = soon(peer.switch(to("lines"))).await.expect("it is granted");
    let last = reads.lock().expect("nobody panics").pop();
    let last = last.expect("something came");
    assert!(
        has(&last, b"_answer") && last.ends_with(b"ready\r\n"),
        "Twisted writes otherwise: {}",
        last.escape_ascii()
    );
    stream.write_all(b"end\r\n").await.expect("it is read");
    stream.flush().await.expect("it is read");
    let mut all = String::new();
    soon(stream.read_to_string(&mut all)).await.expect("an end");
    assert_eq!(all, "ready\r\nEND\r\n");
}

#[tokio::test]
async fn of_ours() {
    let files = Files::new("same-ours");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let endpoint = files.connect(Over::Tcp, &port.to_string());
    let mut twisted = Twisted::connect(&files, &endpoint);
    let (stream, _) = soon(listener.accept()).await.expect("Twisted connects");
    let mut wire = Wire::new(stream);
    wire.greeting = Some(b"ready\r\n");
    let peer = becoming().over(wire);
    let go = Go {
        name: "lines".into(),
        secure: false,
    };
    soon(peer.call(go)).await.expect("it will");
    let told = twisted.tells().await;
    assert_eq!(told, json!({ "lines": ["ready", "HELLO"] }));
}
