//! Calls that are given up, between two sides that can tell each other, and with a peer that only speaks AMP.

mod raw_support;

use std::time::Duration;

use amp_rpc::wire::parse;
use amp_rpc::{Amp, AmpBox, AskContext, CallError, Compat, Failure, Locator, Peer, Responders};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use crate::raw_support::read_box;

const SECOND: Duration = Duration::from_secs(1);

type Raw = Result<AmpBox, Failure>;

fn empty() -> AmpBox {
    AmpBox::new()
}

/// Says when it is dropped before it is done.
struct Dropped(Option<mpsc::UnboundedSender<&'static str>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(told) = self.0.take() {
            told.send("dropped").unwrap();
        }
    }
}

/// `Watch` looks at the token, `Stop` and `StopSpawned` are stopped, `Left` says how long its caller waits.
fn server(told: mpsc::UnboundedSender<&'static str>) -> Amp {
    let watching = told.clone();
    let watch = move |_, _| {
        let told = watching.clone();
        async move {
            let ask = AskContext::current().unwrap();
            told.send("started").unwrap();
            ask.canceled().await;
            told.send("canceled").unwrap();
            Ok(empty())
        }
    };
    let stop = move |_, _| {
        let told = told.clone();
        async move {
            let _dropped = Dropped(Some(told.clone()));
            told.send("started").unwrap();
            std::future::pending::<Raw>().await
        }
    };
    let left = |_, _| async {
        let ask = AskContext::current().unwrap();
        let left = ask.time_left().map(|left| left.as_millis());
        Ok(AmpBox::from([("left", format!("{left:?}"))]))
    };
    Amp::new().locator(
        Responders::new()
            .on_box("Watch", watch)
            .on_box("Left", left)
            .or(Responders::new()
                .on_box("Stop", stop.clone())
                .stop_when_canceled())
            .or(Responders::new()
                .on_box("StopSpawned", stop)
                .spawned()
                .stop_when_canceled()),
    )
}

fn pair(left: &Amp, right: &Amp) -> (Peer, Peer) {
    let (one, other) = tokio::io::duplex(1 << 16);
    (left.over(one), right.over(other))
}

#[tokio::test(start_paused = true)]
async fn a_responder_is_told_or_stopped_when_its_call_is_given_up() {
    for drops in [true, false] {
        let (told, mut heard) = mpsc::unbounded_channel();
        let (_server, client) = pair(&server(told), &Amp::new());
        for (command, end) in [
            // The first finds out what the peer can do, and is told all the same.
            ("Watch", "canceled"),
            ("Watch", "canceled"),
            ("Stop", "dropped"),
            ("StopSpawned", "dropped"),
        ] {
            let limit = if drops { Duration::MAX } else { SECOND };
            let call = client.call_box(command, empty()).timeout(limit).start();
            assert_eq!(heard.recv().await, Some("started"));
            if drops {
                drop(call);
            } else {
                let ended = call.await;
                assert!(
                    matches!(ended, Err(CallError::TimedOut { .. })),
                    "{ended:?}"
                );
            }
            assert_eq!(heard.recv().await, Some(end), "{command}");
        }
        // The connection is as good as new.
        client.call_box("Left", empty()).await.unwrap();
    }
}

/// What takes no new asks still hears that an old one is given up.
#[tokio::test(start_paused = true)]
async fn a_responder_is_stopped_while_its_side_finishes() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (server, client) = pair(&server(told), &Amp::new());
    let call = client.call_box("Stop", empty()).start();
    assert_eq!(heard.recv().await, Some("started"));
    server.finish();
    client.leaving().await;
    drop(call);
    assert_eq!(heard.recv().await, Some("dropped"));
    server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn the_time_left_travels_to_those_who_know_it() {
    let (told, _heard) = mpsc::unbounded_channel();
    let (_server, client) = pair(&server(told), &Amp::new());
    let left = async |client: &Peer| {
        let call = client.call_box("Left", empty()).timeout(5 * SECOND);
        String::from_utf8(call.await.unwrap().get("left").unwrap().to_vec()).unwrap()
    };
    // The first call finds out, and does not wait for it.
    assert_eq!(left(&client).await, "None");
    assert_eq!(left(&client).await, "Some(5000)");
    let without = client.call_box("Left", empty()).await.unwrap();
    assert_eq!(without.get("left").unwrap(), b"None");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_was_too_busy_to_hear_what_is_wanted_is_told_again() {
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let peer = Amp::new().over(one);
    tokio::spawn(async move { peer.leaving().await });
    let probe = read_box(&mut stream).await;
    assert_eq!(probe.get("_command").unwrap(), b"_amp-rpc");
    let busy = AmpBox::from([
        ("_error", probe.get("_ask").unwrap()),
        ("_error_code", b"BUSY"),
        ("_error_description", b"busy"),
    ]);
    // It is heard of in each minute, so this is no sign of life that is asked for.
    let nothing = AmpBox::from([("_command", "Nothing")]);
    for message in [busy, nothing.clone(), nothing] {
        let bytes = message.to_bytes().unwrap();
        stream.write_all(&bytes).await.unwrap();
        tokio::time::sleep(SECOND * 40).await;
    }
    let again = tokio::time::timeout(SECOND, read_box(&mut stream)).await;
    assert_eq!(again.unwrap().get("_command").unwrap(), b"_amp-rpc");
}

#[tokio::test(start_paused = true)]
async fn as_in_twisted_nothing_is_sent_that_the_program_did_not_ask_for() {
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let peer = Amp::new().compat(Compat::twisted()).over(one);
    let leaving = peer.clone();
    let leaving = tokio::spawn(async move { leaving.leaving().await });
    let timed = peer.call_box("Slow", empty()).timeout(SECOND).await;
    assert!(matches!(timed, Err(CallError::TimedOut { .. })));
    drop(peer.call_box("Slow", empty()).start());
    peer.close();
    leaving.await.unwrap();
    for message in read_boxes(&mut stream, 2).await {
        assert_eq!(message.len(), 2, "{message:?}");
        assert_eq!(message.get("_command").unwrap(), b"Slow");
    }
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_side_without_extensions_neither_asks_nor_answers() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (_server, client) = pair(&server(told.clone()).extensions(false), &Amp::new());
    let call = client.call_box("Watch", empty()).start();
    assert_eq!(heard.recv().await, Some("started"));
    drop(call);
    let probe = client.call_box("_amp-rpc", empty()).await;
    assert!(matches!(probe, Err(CallError::Unhandled { .. })));
    assert!(heard.try_recv().is_err());
    let (_server, client) = pair(&server(told), &Amp::new().extensions(false));
    let call = client.call_box("Watch", empty()).start();
    assert_eq!(heard.recv().await, Some("started"));
    drop(call);
    client.call_box("Left", empty()).await.unwrap();
    assert!(heard.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_span_travels_to_those_who_know_it() {
    const SPAN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let look = |_, _| async {
        let ask = AskContext::current().unwrap();
        Ok(AmpBox::from([(
            "span",
            ask.traceparent().unwrap_or("none"),
        )]))
    };
    let server = Amp::new().locator(Responders::new().on_box("Look", look));
    for (client, first, second) in [
        (Amp::new().traceparent(|| Some(SPAN.into())), "none", SPAN),
        (Amp::new().traceparent(|| None), "none", "none"),
        (Amp::new(), "none", "none"),
    ] {
        let (_server, client) = pair(&server, &client);
        for expected in [first, second] {
            let answer = client.call_box("Look", empty()).await.unwrap();
            assert_eq!(answer.get("span").unwrap(), expected.as_bytes());
        }
    }
}

async fn read_boxes(stream: &mut DuplexStream, count: usize) -> Vec<AmpBox> {
    let mut boxes = Vec::new();
    for _ in 0..count {
        boxes.push(read_box(stream).await);
    }
    boxes
}

/// A peer that answers the probe as Twisted does: it is asked once, and sees nothing else.
#[tokio::test(start_paused = true)]
async fn a_peer_that_only_speaks_amp_is_asked_once() {
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let client = Amp::new().over(one);
    drop(client.call_box("Slow", empty()).start());
    let boxes = read_boxes(&mut stream, 2).await;
    assert_eq!(boxes[0].get("_command").unwrap(), b"Slow");
    assert_eq!(boxes[1].get("_command").unwrap(), b"_amp-rpc");
    let error = AmpBox::from([
        ("_error", boxes[1].get("_ask").unwrap()),
        ("_error_code", b"UNHANDLED"),
        ("_error_description", b"Unhandled Command: '_amp-rpc'"),
    ]);
    stream.write_all(&error.to_bytes().unwrap()).await.unwrap();
    tokio::time::sleep(SECOND).await;
    drop(client.call_box("Slow", empty()).start());
    let timed = client.call_box("Slow", empty()).timeout(SECOND);
    assert!(matches!(timed.await, Err(CallError::TimedOut { .. })));
    client.finish();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    for message in parse(&rest) {
        let message = message.unwrap().to_owned();
        let keys: Vec<_> = message.iter().map(|(key, _)| key.to_vec()).collect();
        assert_eq!(keys, [&b"_ask"[..], b"_command"]);
        assert_eq!(message.get("_command").unwrap(), b"Slow");
    }
}

/// An unanswered probe is nobody's call.
#[tokio::test(start_paused = true)]
async fn a_probe_without_an_answer_keeps_nobody_waiting() {
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let client = Amp::new().over(one);
    drop(client.call_box("Slow", empty()).start());
    read_boxes(&mut stream, 2).await;
    client.finish();
    client.closed().await;
    assert!(client.end_reason().is_some());
    assert_eq!(client.stats().calls_waiting, 0);
}

/// What cannot be read, or names no ask, is ignored.
#[tokio::test(start_paused = true)]
async fn a_cancellation_that_fits_nothing_is_ignored() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let _server = server(told).over(one);
    for pairs in [
        AmpBox::from([("_ask", "1"), ("_command", "Watch")]),
        AmpBox::from([("_command", "_amp-rpc.cancel"), ("tag", "2")]),
        AmpBox::from([("_command", "_amp-rpc.cancel")]),
        AmpBox::from([("_ask", "3"), ("_command", "_amp-rpc.later")]),
    ] {
        stream.write_all(&pairs.to_bytes().unwrap()).await.unwrap();
    }
    let boxes = read_boxes(&mut stream, 1).await;
    assert_eq!(boxes[0].get("_error_code").unwrap(), b"UNHANDLED");
    assert_eq!(heard.recv().await, Some("started"));
    assert!(heard.try_recv().is_err());
}
