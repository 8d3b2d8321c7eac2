//! The level below commands.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use amp_rpc::{
    Amp, AmpBox, BoxReceiver, BoxSender, Boxes, EndReason, Failure, Peer, Responders, SendBoxError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("waited for ever")
}

/// The guide's box receiver: it sends every box back.
struct Reflector {
    sender: Option<BoxSender>,
    stopped: mpsc::UnboundedSender<EndReason>,
}

impl BoxReceiver for Reflector {
    fn start_receiving_boxes(&mut self, sender: BoxSender) {
        self.sender = Some(sender);
    }

    fn box_received(&mut self, message: AmpBox) {
        assert!(!message.contains_key("panic"), "as asked");
        if let Some(sender) = &self.sender {
            sender.send(&message).unwrap();
        }
    }

    fn stop_receiving_boxes(&mut self, reason: EndReason) {
        self.sender = None;
        // The test may not care.
        let _ = self.stopped.send(reason);
    }
}

fn reflector() -> (Reflector, mpsc::UnboundedReceiver<EndReason>) {
    let (stopped, reasons) = mpsc::unbounded_channel();
    let receiver = Reflector {
        sender: None,
        stopped,
    };
    (receiver, reasons)
}

#[tokio::test]
async fn a_receiver_gets_boxes_and_the_reason_of_the_end() {
    for buffer in [1, 7, 64] {
        let (left, right) = tokio::io::duplex(buffer);
        let (receiver, mut reasons) = reflector();
        Amp::new().receive_boxes(left, receiver);
        let (mut boxes, sender) = Boxes::over(right);
        for n in 0..100 {
            let message = AmpBox::from([("n", n.to_string())]);
            sender.send(&message).unwrap();
            assert_eq!(soon(boxes.next()).await, Some(message));
        }
        sender.close();
        assert_eq!(soon(boxes.next()).await, None);
        assert!(matches!(boxes.end_reason(), Some(EndReason::ClosedHere)));
        let reason = soon(reasons.recv()).await;
        assert!(matches!(reason, Some(EndReason::ClosedByPeer)));
        let error = sender.send(&AmpBox::new()).unwrap_err();
        assert!(matches!(error, SendBoxError::Ended(_)));
    }
}

#[tokio::test]
async fn garbage_ends_the_connection_with_a_reason() {
    let (left, mut right) = tokio::io::duplex(64);
    let (receiver, mut reasons) = reflector();
    Amp::new().receive_boxes(left, receiver);
    right
        .write_all(b"\0\x01a\0\x0213\0\0\xff\xff")
        .await
        .unwrap();
    let mut answer = Vec::new();
    soon(right.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"\0\x01a\0\x0213\0\0");
    assert!(matches!(
        soon(reasons.recv()).await,
        Some(EndReason::Ended(_))
    ));
}

#[tokio::test]
async fn a_panicking_receiver_ends_its_own_connection() {
    let (left, right) = tokio::io::duplex(64);
    let (receiver, _reasons) = reflector();
    Amp::new().receive_boxes(left, receiver);
    let (mut boxes, sender) = Boxes::over(right);
    sender.send(&AmpBox::from([("panic", "1")])).unwrap();
    assert_eq!(soon(boxes.next()).await, None);
}

#[tokio::test]
async fn a_box_that_cannot_be_sent_is_a_local_error() {
    let (left, _right) = tokio::io::duplex(64);
    let (_boxes, sender) = Boxes::over(left);
    let error = sender.send(&AmpBox::from([("", "x")])).unwrap_err();
    assert!(matches!(error, SendBoxError::Local(_)), "{error:?}");
}

#[tokio::test]
async fn who_does_not_take_boxes_makes_the_peer_wait() {
    let (left, right) = tokio::io::duplex(4096);
    let (mut boxes, _sender) = Boxes::over(left);
    let (_other, sender) = Boxes::over(right);
    let message = AmpBox::from([("data", "x".repeat(60_000))]);
    // More than both sides read ahead and queue, so that the sender has to wait.
    let sending = tokio::spawn(async move {
        for _ in 0..100 {
            sender.ready().await;
            sender.send(&message).unwrap();
        }
        sender
    });
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!sending.is_finished());
    for _ in 0..100 {
        assert!(soon(boxes.next()).await.is_some());
    }
    soon(sending).await.unwrap();
}

/// A sink that sends boxes with a `_route` key over a connection that others use too.
struct Route {
    name: &'static str,
    sender: BoxSender,
}

impl futures_sink::Sink<AmpBox> for Route {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, mut message: AmpBox) -> io::Result<()> {
        message.insert("_route", self.name);
        self.sender.send(&message).map_err(io::Error::other)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A stream of the boxes that come by one route.
struct Arrivals(mpsc::UnboundedReceiver<AmpBox>);

impl futures_core::Stream for Arrivals {
    type Item = AmpBox;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AmpBox>> {
        self.0.poll_recv(cx)
    }
}

/// Carries two conversations over one connection, told apart by the key `_route`.
fn two_routes(stream: tokio::io::DuplexStream, amps: [Amp; 2]) -> [Peer; 2] {
    let (mut boxes, sender) = Boxes::over(stream);
    let mut routes = Vec::new();
    let peers = std::array::from_fn(|index| {
        let name = ["one", "two"][index];
        let (to, arrivals) = mpsc::unbounded_channel();
        routes.push((name, to));
        let sink = Route {
            name,
            sender: sender.clone(),
        };
        amps[index].over_boxes(Arrivals(arrivals), sink)
    });
    tokio::spawn(async move {
        while let Some(mut message) = boxes.next().await {
            let route = message.remove("_route").unwrap();
            for (name, to) in &routes {
                if name.as_bytes() == route {
                    // A conversation that ended takes no more.
                    let _ = to.send(message.clone());
                }
            }
        }
    });
    peers
}

fn named(name: &'static str) -> Amp {
    let who = move |_, _| async move { Ok::<_, Failure>(AmpBox::from([("name", name)])) };
    Amp::new().locator(Responders::new().on_box("Who", who))
}

#[tokio::test]
async fn two_conversations_share_one_connection() {
    let (left, right) = tokio::io::duplex(16);
    let servers = two_routes(left, [named("first"), named("second")]);
    let clients = two_routes(right, [named("third"), named("fourth")]);
    for _ in 0..10 {
        let calls = [&clients[0], &clients[1], &servers[0], &servers[1]]
            .map(|peer| peer.call_box("Who", AmpBox::new()).start());
        let mut names = Vec::new();
        for call in calls {
            let answer = soon(call).await.unwrap();
            names.push(String::from_utf8(answer.get("name").unwrap().to_vec()).unwrap());
        }
        assert_eq!(names, ["first", "second", "third", "fourth"]);
    }
}

#[tokio::test]
async fn the_end_of_the_source_is_the_end_of_the_connection() {
    let (to, arrivals) = mpsc::unbounded_channel();
    let (left, _right) = tokio::io::duplex(64);
    let (_boxes, sender) = Boxes::over(left);
    let route = Route {
        name: "one",
        sender,
    };
    let peer = Amp::new().over_boxes(Arrivals(arrivals), route);
    drop(to);
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedByPeer));
}
