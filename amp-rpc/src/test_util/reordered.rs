use std::time::Duration;

use amp_rpc_core::wire::{Decoder, protocol};
use bytes::{Buf, BytesMut};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex,
    split,
};
use tokio::time::{Instant, timeout_at};

use super::ROOM;

/// A stream on which the answers that come within `hold` of each other come in another order, which `seed` decides: as those of a
/// peer whose responders take their time. Asks, and all that is written, pass as they are. Give it to
/// [`Amp::over`](crate::Amp::over).
///
/// ```
/// use std::time::Duration;
///
/// use amp_rpc::test_util::reordered;
/// use amp_rpc::{Amp, Answer, Command, Responders};
///
/// #[derive(Command)]
/// struct Ping {}
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (one, other) = tokio::io::duplex(1024);
/// let server = Amp::new().locator(Responders::new().on(async |_: Ping| -> Answer<Ping> { Ok(()) }));
/// let _server = server.over(other);
/// let client = Amp::new().over(reordered(one, Duration::from_millis(1), 7));
/// let (first, second) = tokio::join!(client.call(Ping {}), client.call(Ping {}));
/// first.unwrap();
/// second.unwrap();
/// # }
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime: tasks move the bytes.
pub fn reordered<S>(stream: S, hold: Duration, seed: u64) -> DuplexStream
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (near, far) = duplex(ROOM);
    let (from_peer, mut to_peer) = split(stream);
    let (mut from_program, to_program) = split(far);
    tokio::spawn(shuffle(from_peer, to_program, hold, seed | 1));
    tokio::spawn(async move {
        // A side that is gone is noticed by the other, which is closed here.
        let _ = tokio::io::copy(&mut from_program, &mut to_peer).await;
        let _ = to_peer.shutdown().await;
    });
    near
}

/// Moves boxes, and lets answers overtake each other.
async fn shuffle<S: AsyncRead>(
    mut from: ReadHalf<S>,
    mut to: WriteHalf<DuplexStream>,
    hold: Duration,
    mut seed: u64,
) {
    let mut decoder = Decoder::default();
    let mut bytes = BytesMut::new();
    let mut held: Vec<BytesMut> = Vec::new();
    let mut until = None;
    loop {
        let read = match until {
            None => from.read_buf(&mut bytes).await,
            Some(until) => match timeout_at(until, from.read_buf(&mut bytes)).await {
                Ok(read) => read,
                Err(_) => Ok(usize::MAX),
            },
        };
        let is_over = matches!(read, Ok(0) | Err(_));
        let mut others = BytesMut::new();
        while let Ok(Some(frame)) = decoder.decode(&bytes) {
            let is_answer = frame.view().get(protocol::COMMAND.name()).is_none();
            let length = frame.len();
            let message = bytes.split_to(length);
            match is_answer {
                true => held.push(message),
                false => others.unsplit(message),
            }
        }
        if is_over || until.is_some_and(|until| until <= Instant::now()) {
            while !held.is_empty() {
                // xorshift: the same seed gives the same order.
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let next = (seed % held.len() as u64) as usize;
                others.unsplit(held.swap_remove(next));
            }
            until = None;
        } else if !held.is_empty() {
            until = until.or_else(|| Some(Instant::now() + hold));
        }
        if is_over {
            // What is no whole box goes last.
            others.unsplit(std::mem::take(&mut bytes));
        }
        while others.has_remaining() {
            if to.write_buf(&mut others).await.is_err() {
                return;
            }
        }
        if is_over {
            let _ = to.shutdown().await;
            return;
        }
    }
}
