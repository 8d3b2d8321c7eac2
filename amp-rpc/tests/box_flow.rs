//! Box receivers on streams, peers and runtimes that do not cooperate.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use amp_rpc::{Amp, AmpBox, BoxReceiver, BoxSender, Boxes, EndReason, SendBoxError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

/// Longer than a connection waits for a peer at its end. Where the clock is paused, it goes on as soon
/// as nothing else can.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future)
        .await
        .expect("waited for ever")
}

fn big() -> AmpBox {
    AmpBox::from([("data", "x".repeat(60_000))])
}

/// A stream that gives nothing and takes nothing until it is opened, and then everything.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<GateState>>);

#[derive(Default)]
struct GateState {
    open: bool,
    closed: bool,
    taken: usize,
    /// How many bytes were offered while it was shut.
    offered: usize,
    writer: Option<Waker>,
}

impl Gate {
    fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.open = true;
        let writer = state.writer.take();
        drop(state);
        writer.expect("somebody wants to write").wake();
    }

    async fn until(&self, condition: impl Fn(&GateState) -> bool) {
        for _ in 0..1_000 {
            if condition(&self.0.lock().unwrap()) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never came to that");
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Gate {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        if state.open {
            state.taken += bytes.len();
            return Poll::Ready(Ok(bytes.len()));
        }
        state.offered = bytes.len();
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().closed = true;
        Poll::Ready(Ok(()))
    }
}

/// More than the bound is under way; what is queued behind it leaves too once the stream takes all.
#[tokio::test(start_paused = true)]
async fn what_is_queued_behind_a_full_write_is_written() {
    let gate = Gate::default();
    let (_boxes, sender) = Boxes::over(gate.clone());
    let mut bytes = 0;
    for _ in 0..20 {
        sender.send(&big()).unwrap();
        bytes += big().to_bytes().unwrap().len();
    }
    gate.until(|state| state.offered > 1024 * 1024).await;
    sender.send(&big()).unwrap();
    bytes += big().to_bytes().unwrap().len();
    gate.open();
    gate.until(|state| state.taken == bytes).await;
}

#[tokio::test(start_paused = true)]
async fn closing_behind_a_full_write_closes() {
    let gate = Gate::default();
    let (mut boxes, sender) = Boxes::over(gate.clone());
    for _ in 0..20 {
        sender.send(&big()).unwrap();
    }
    gate.until(|state| state.offered > 1024 * 1024).await;
    sender.close();
    gate.open();
    gate.until(|state| state.closed).await;
    assert_eq!(soon(boxes.next()).await, None);
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_ever_for_a_peer_that_does_not_read() {
    let (left, _right) = tokio::io::duplex(64);
    let (mut boxes, sender) = Boxes::over(left);
    sender.send(&big()).unwrap();
    sender.close();
    assert_eq!(soon(boxes.next()).await, None);
    assert!(matches!(boxes.end_reason(), Some(EndReason::ClosedHere)));
}

/// Answers nothing, and panics when it is asked for room.
struct NoRoom {
    sender: mpsc::UnboundedSender<BoxSender>,
    stopped: mpsc::UnboundedSender<EndReason>,
}

impl BoxReceiver for NoRoom {
    fn start_receiving_boxes(&mut self, sender: BoxSender) {
        self.sender.send(sender).unwrap();
    }

    fn box_received(&mut self, _: AmpBox) {}

    fn stop_receiving_boxes(&mut self, reason: EndReason) {
        self.stopped.send(reason).unwrap();
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        panic!("as asked")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_when_asked_for_room_ends_the_connection() {
    let (left, mut right) = tokio::io::duplex(64);
    let (to_senders, mut senders) = mpsc::unbounded_channel();
    let (stopped, mut reasons) = mpsc::unbounded_channel();
    let receiver = NoRoom {
        sender: to_senders,
        stopped,
    };
    Amp::new().receive_boxes(left, receiver);
    let sender = soon(senders.recv()).await.unwrap();
    assert_eq!(soon(right.read(&mut [0])).await.unwrap(), 0);
    assert!(matches!(
        soon(reasons.recv()).await,
        Some(EndReason::ClosedHere)
    ));
    let error = sender.send(&AmpBox::new()).unwrap_err();
    assert!(matches!(error, SendBoxError::Ended(_)), "{error:?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Whatever the connection's task had done before: here nothing, or some turns.
fn check_lost_runtime(turns: usize) {
    let runtime = runtime();
    let (left, _right) = tokio::io::duplex(64);
    let (boxes, sender) = runtime.block_on(async {
        let both = Boxes::over(left);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        both
    });
    drop(runtime);
    let error = sender.send(&AmpBox::new()).unwrap_err();
    assert!(matches!(error, SendBoxError::Ended(_)), "{error:?}");
    assert!(matches!(boxes.end_reason(), Some(EndReason::ClosedHere)));
}

#[test]
fn a_runtime_that_goes_away_ends_the_sender() {
    check_lost_runtime(3);
}

#[test]
fn a_runtime_that_goes_away_at_once_ends_the_sender() {
    check_lost_runtime(0);
}

/// Sends every box back.
struct Reflector(Option<BoxSender>);

impl BoxReceiver for Reflector {
    fn start_receiving_boxes(&mut self, sender: BoxSender) {
        self.0 = Some(sender);
    }

    fn box_received(&mut self, message: AmpBox) {
        self.0.as_ref().unwrap().send(&message).unwrap();
    }

    fn stop_receiving_boxes(&mut self, _: EndReason) {}
}

/// A socket that is closed with bytes unread is reset, and what the peer has not got by then is lost.
#[tokio::test]
async fn the_peer_reads_everything_and_then_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // So small that most of the answers are still on the server's side when it closes.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = socket.connect(address).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    Amp::new().receive_boxes(server, Reflector(None));
    let boxes = big().to_bytes().unwrap().repeat(10);
    soon(client.write_all(&boxes)).await.unwrap();
    // A key longer than keys can be, and much behind it that nobody wants.
    soon(client.write_all(&[0xff; 100_000])).await.unwrap();
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer.len(), boxes.len());
    assert!(answer == boxes);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_not_read_for_ever() {
    let (left, mut right) = tokio::io::duplex(64);
    Amp::new().receive_boxes(left, Reflector(None));
    let message = big().to_bytes().unwrap();
    let mut written = 0;
    let writing = async {
        while written < 16 * 1024 * 1024 {
            written += right
                .write(&message[written % message.len()..])
                .await
                .unwrap();
        }
    };
    let writing = tokio::time::timeout(Duration::from_secs(120), writing).await;
    assert!(writing.is_err(), "it read {written} bytes");
    assert!(written < 3 * 1024 * 1024, "it read {written} bytes");
}

#[tokio::test]
async fn a_local_error_names_the_key_and_sends_nothing() {
    let (left, mut right) = tokio::io::duplex(64);
    let (_boxes, sender) = Boxes::over(left);
    let too_long = AmpBox::from([("a", "1".to_owned()), ("data", "x".repeat(65_536))]);
    let SendBoxError::Local(error) = sender.send(&too_long).unwrap_err() else {
        panic!("another error");
    };
    let message = error.to_string();
    for part in ["data", "65536", "65535"] {
        assert!(message.contains(part), "{message}");
    }
    sender.send(&AmpBox::from([("b", "2")])).unwrap();
    sender.close();
    let mut bytes = Vec::new();
    soon(right.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes, b"\0\x01b\0\x012\0\0");
}
