//! How connections end, and what a bad call, peer or stream does not end.

mod bounds;
mod calls;
mod closing;
mod failing;

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use amp_rpc::wire::{Limits, parse};
use amp_rpc::{
    Amp, AmpBox, CallError, CloseReason, Compat, EndReason, Failure, Locator, Peer, RemoteError,
    Responder, Responders, TellError,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::{Notify, Semaphore};

type Raw = Result<AmpBox, Failure>;

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("waited for ever")
}

fn empty() -> AmpBox {
    AmpBox::new()
}

async fn echo(message: AmpBox, _: Peer) -> Raw {
    Ok(message)
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

fn pair_of(left: &Amp, right: &Amp) -> (Peer, Peer) {
    let (one, other) = tokio::io::duplex(64);
    (left.over(one), right.over(other))
}

/// A connection whose other end is bytes.
fn raw(amp: &Amp) -> (Peer, DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 16);
    (amp.over(one), other)
}

fn ask(name: &str, tag: &str) -> Vec<u8> {
    AmpBox::from([("_command", name), ("_ask", tag)])
        .to_bytes()
        .unwrap()
}

/// Reads boxes until there are `count`.
async fn read_boxes(stream: &mut DuplexStream, count: usize) -> Vec<AmpBox> {
    let mut bytes = Vec::new();
    loop {
        let boxes: Vec<_> = parse(&bytes)
            .map_while(Result::ok)
            .map(|view| view.to_owned())
            .collect();
        if boxes.len() >= count {
            return boxes;
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "{boxes:?}");
    }
}

async fn read_to_end(stream: &mut DuplexStream) -> Vec<AmpBox> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    parse(&bytes).map(|view| view.unwrap().to_owned()).collect()
}

/// What a future's next poll gives.
async fn poll_once<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
