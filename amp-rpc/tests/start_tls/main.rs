//! TLS from the middle of a connection.

#![cfg(feature = "tls")]

#[path = "../tls_support/mod.rs"]
mod tls_support;

mod attacks;
mod own_command;
mod starting;

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use amp_rpc::{
    Amp, AmpBox, Answer, CallError, CertificateProblem, Command, CommandError, Compat, EndReason,
    Fields, Peer, Responders, StartTls, StartTlsError, SwitchedStream, Tls, TlsError,
};
use tls_support::Authority;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, copy_bidirectional,
    duplex,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

#[derive(Debug, Command)]
#[amp(response = Number)]
struct Echo {
    n: i32,
}

#[derive(Debug, PartialEq, Fields)]
struct Number {
    n: i32,
}

async fn echo(command: Echo) -> Answer<Echo> {
    Ok(Number { n: command.n })
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on(echo))
}

fn ask(tag: &str, command: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = vec![("_ask", tag), ("_command", command)];
    pairs.extend_from_slice(more);
    pairs.into_iter().collect::<AmpBox>().to_bytes().unwrap()
}

fn answer(tag: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = vec![("_answer", tag)];
    pairs.extend_from_slice(more);
    pairs.into_iter().collect::<AmpBox>().to_bytes().unwrap()
}

fn text<'a>(message: &'a AmpBox, key: &str) -> &'a str {
    std::str::from_utf8(message.get(key).unwrap()).unwrap()
}

async fn read_box(stream: &mut DuplexStream) -> AmpBox {
    let mut bytes = Vec::new();
    loop {
        bytes.push(stream.read_u8().await.unwrap());
        if let Some(Ok(parsed)) = amp_rpc::wire::parse(&bytes).next() {
            return parsed.to_owned();
        }
    }
}

fn tls_error(reason: &EndReason) -> &TlsError {
    match reason {
        EndReason::Tls(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Passes everything on, and remembers what went to the right.
fn tapped(size: usize) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<Vec<u8>>) {
    struct Tap(DuplexStream, Vec<u8>);

    impl AsyncRead for Tap {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
            self.1.extend_from_slice(&buffer.filled()[before..]);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Tap {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    let (left, near) = duplex(size);
    let (mut far, right) = duplex(size);
    let passing = tokio::spawn(async move {
        let mut tap = Tap(near, Vec::new());
        // It ends in an error when one side is dropped first.
        let _ = copy_bidirectional(&mut tap, &mut far).await;
        tap.1
    });
    (left, right, passing)
}
