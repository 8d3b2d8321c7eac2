//! How connections end, and what a bad call, peer or stream does not end.

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

#[tokio::test]
async fn close_writes_what_is_queued_and_ends_both_sides() {
    let told = Arc::new(Notify::new());
    let notify = Arc::clone(&told);
    let server = Amp::new().locator(Responders::new().on_box("Tell", move |message, _| {
        notify.notify_one();
        async move { Ok(message) }
    }));
    let (server, client) = pair_of(&server, &Amp::new());
    client.tell_box("Tell", empty()).await.unwrap();
    client.close();
    soon(told.notified()).await;
    assert!(matches!(soon(client.closed()).await, EndReason::ClosedHere));
    assert!(matches!(
        soon(server.closed()).await,
        EndReason::ClosedByPeer
    ));
    let error = client.call_box("Echo", empty()).await.unwrap_err();
    assert!(matches!(error, CallError::Ended(EndReason::ClosedHere)));
    let error = client.tell_box("Echo", empty()).await.unwrap_err();
    assert!(matches!(error, TellError::Ended(EndReason::ClosedHere)));
}

#[tokio::test]
async fn the_connection_closes_with_the_last_peer() {
    let (server, client) = pair_of(&echoing(), &Amp::new());
    let second = client.clone();
    drop(client);
    soon(second.call_box("Echo", empty())).await.unwrap();
    drop(second);
    assert!(matches!(
        soon(server.closed()).await,
        EndReason::ClosedByPeer
    ));
}

#[tokio::test]
async fn a_call_under_way_keeps_its_connection() {
    let (_server, client) = pair_of(&echoing(), &Amp::new());
    let call = client.call_box("Echo", AmpBox::from([("a", "1")])).owned();
    drop(client);
    let answer = soon(call).await.unwrap();
    assert_eq!(answer.get("a"), Some(&b"1"[..]));
}

#[tokio::test]
async fn calls_under_way_learn_why_the_connection_ended() {
    let (_peer, mut stream) = raw(&Amp::new());
    let calls: Vec<_> = (0..3)
        .map(|_| tokio::spawn(_peer.call_box("Never", empty()).owned()))
        .collect();
    read_boxes(&mut stream, 3).await;
    drop(stream);
    for call in calls {
        let error = soon(call).await.unwrap().unwrap_err();
        assert!(
            matches!(error, CallError::Ended(EndReason::ClosedByPeer)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn finish_waits_for_responders_and_refuses_new_asks() {
    let gate = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&gate);
    let amp = Amp::new().locator(Responders::new().on_box("Wait", move |_, _| {
        let wait = Arc::clone(&wait);
        async move {
            wait.acquire().await.unwrap().forget();
            Ok(AmpBox::new())
        }
    }));
    let (peer, mut stream) = raw(&amp);
    stream.write_all(&ask("Wait", "1")).await.unwrap();
    // An answer shows that the ask before it was read.
    stream.write_all(&ask("Nothing", "2")).await.unwrap();
    assert_eq!(
        read_boxes(&mut stream, 1).await[0].get("_error"),
        Some(&b"2"[..])
    );
    peer.finish();
    // The refusal comes once the driver has noticed.
    loop {
        stream.write_all(&ask("Nothing", "3")).await.unwrap();
        let answer = read_boxes(&mut stream, 1).await;
        if answer[0].get("_error_code") == Some(b"BUSY") {
            break;
        }
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    let rest = read_to_end(&mut stream).await;
    assert_eq!(rest[0].get("_answer"), Some(&b"1"[..]));
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedHere));
}

#[tokio::test]
async fn a_panic_is_an_unknown_error_and_harms_nobody() {
    let amp = Amp::new().locator(
        Responders::new()
            .on_box("Early", |_, _| -> std::future::Ready<Raw> {
                panic!("secret")
            })
            .on_box("Late", |_, _| async {
                tokio::task::yield_now().await;
                panic!("secret")
            })
            .on_box("Echo", echo),
    );
    let (_server, client) = pair_of(&amp, &Amp::new());
    for name in ["Early", "Late", "Early", "Late"] {
        let error = soon(client.call_box(name, empty())).await.unwrap_err();
        let CallError::Remote(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(*error, RemoteError::new("UNKNOWN", "Unknown Error"));
        soon(client.call_box("Echo", empty())).await.unwrap();
    }
}

#[tokio::test]
async fn a_panicking_locator_is_an_unknown_error() {
    struct Broken;
    impl Locator for Broken {
        fn locate(&self, command: &[u8]) -> Option<Responder> {
            assert_eq!(command, b"Echo", "secret");
            Some(Responder::on_box(echo))
        }
    }
    let (_server, client) = pair_of(&Amp::new().locator(Broken), &Amp::new());
    let error = soon(client.call_box("Other", empty())).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error:?}");
    soon(client.call_box("Echo", empty())).await.unwrap();
}

/// Both sides at their bounds, all responders calling back, over a stream that holds next to nothing.
#[tokio::test]
async fn two_sides_at_their_bounds_that_call_each_other_do_not_wait_for_ever() {
    async fn bounce(message: AmpBox, peer: Peer) -> Raw {
        let left: u32 = std::str::from_utf8(message.get("left").unwrap_or(b"0"))
            .ok()
            .and_then(|left| left.parse().ok())
            .unwrap_or_default();
        if left > 0 {
            let arguments = AmpBox::from([("left", (left - 1).to_string())]);
            // Refusals are fine; waiting for ever is not.
            let _ = peer.call_box("Bounce", arguments).await;
        }
        Ok(AmpBox::from([("padding", "x".repeat(300))]))
    }
    let amp = Amp::new()
        .max_running(3)
        .max_queued(100)
        .locator(Responders::new().on_box("Bounce", bounce));
    let (one, other) = pair_of(&amp, &amp);
    let calls: Vec<_> = (0..200)
        .flat_map(|n| {
            let peer = if n % 2 == 0 { &one } else { &other };
            let arguments = AmpBox::from([("left", (n % 7).to_string())]);
            [peer.call_box("Bounce", arguments).start()]
        })
        .collect();
    for call in calls {
        match soon(call).await {
            Ok(_) => {}
            Err(CallError::Remote(error)) => assert_eq!(error.code, b"BUSY"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_spawned_responder_answers_and_may_panic() {
    let amp = Amp::new().locator(
        Responders::new()
            .on_box("Panic", |_, _| async { panic!("secret") })
            .on_box("Echo", echo)
            .spawned(),
    );
    let (_server, client) = pair_of(&amp, &Amp::new());
    let error = soon(client.call_box("Panic", empty())).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error:?}");
    soon(client.call_box("Echo", empty())).await.unwrap();
}

#[tokio::test]
async fn a_failed_tell_is_ignored_unless_it_is_twisted() {
    let fail = |_, _| async { Err(Failure::unexpected("no")) };
    let responders = || Responders::new().on_box("Fail", fail).on_box("Echo", echo);
    let (_server, client) = pair_of(&Amp::new().locator(responders()), &Amp::new());
    client.tell_box("Fail", empty()).await.unwrap();
    client.tell_box("Unknown", empty()).await.unwrap();
    soon(client.call_box("Echo", empty())).await.unwrap();

    let twisted = Amp::new().locator(responders()).compat(Compat::twisted());
    let (server, client) = pair_of(&twisted, &Amp::new());
    client.tell_box("Fail", empty()).await.unwrap();
    let EndReason::Ended(reason) = soon(server.closed()).await else {
        panic!("{:?}", server.end_reason());
    };
    assert_eq!(*reason, CloseReason::FailureWithoutAsk);
}

#[tokio::test]
async fn an_unknown_error_closes_only_as_twisted() {
    let fail = |_, _| async { Err(Failure::unexpected("secret")) };
    for (compat, closes) in [(Compat::default(), false), (Compat::twisted(), true)] {
        let amp = Amp::new()
            .locator(Responders::new().on_box("Fail", fail))
            .compat(compat);
        let (server, client) = pair_of(&amp, &Amp::new());
        let error = soon(client.call_box("Fail", empty())).await.unwrap_err();
        assert!(matches!(error, CallError::Remote(_)), "{error:?}");
        if closes {
            soon(server.closed()).await;
        } else {
            soon(client.call_box("Fail", empty())).await.unwrap_err();
            assert!(server.end_reason().is_none());
        }
    }
}

#[tokio::test]
async fn answers_are_written_before_garbage_ends_the_connection() {
    let (peer, mut stream) = raw(&echoing());
    let mut bytes = ask("Echo", "1");
    bytes.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
    stream.write_all(&bytes).await.unwrap();
    let boxes = read_to_end(&mut stream).await;
    assert_eq!(boxes, [AmpBox::from([("_answer", "1")])]);
    let reason = soon(peer.closed()).await;
    let EndReason::Ended(reason) = reason else {
        panic!("{reason:?}");
    };
    assert!(reason.to_string().contains("look like HTTP"), "{reason}");
}

#[tokio::test]
async fn asks_behind_a_fatal_error_are_carried_out_only_as_twisted() {
    let fatal = |_, _| async { Err(RemoteError::new("FATAL", "over").fatal().into()) };
    for (compat, answers) in [(Compat::default(), 1), (Compat::twisted(), 2)] {
        let responders = Responders::new()
            .on_box("Fatal", fatal)
            .on_box("Echo", echo);
        let (peer, mut stream) = raw(&Amp::new().compat(compat).locator(responders));
        let asks = [ask("Fatal", "1"), ask("Echo", "2")].concat();
        stream.write_all(&asks).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await.len(), answers);
        assert!(matches!(soon(peer.closed()).await, EndReason::Ended(_)));
    }
}

#[tokio::test]
async fn a_box_over_the_limit_ends_its_connection() {
    let amp = echoing().limits(Limits::default().box_bytes(100));
    let (peer, mut stream) = raw(&amp);
    let large = AmpBox::from([("_command", "Echo".to_owned()), ("a", "x".repeat(100))]);
    stream.write_all(&large.to_bytes().unwrap()).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, []);
    assert!(matches!(soon(peer.closed()).await, EndReason::Ended(_)));
}

#[tokio::test]
async fn a_dropped_call_is_abandoned_and_its_late_answer_ignored() {
    let (peer, mut stream) = raw(&Amp::new().compat(Compat::twisted()).extensions(false));
    let call = peer.call_box("Slow", empty()).start();
    let asks = read_boxes(&mut stream, 1).await;
    let tag = asks[0].get("_ask").unwrap().to_vec();
    drop(call);
    let late = AmpBox::from([(b"_answer".to_vec(), tag.clone())]);
    stream.write_all(&late.to_bytes().unwrap()).await.unwrap();
    // The slot is used again, under another tag.
    let call = peer.call_box("Quick", empty()).start();
    let asks = read_boxes(&mut stream, 1).await;
    let second = asks[0].get("_ask").unwrap().to_vec();
    assert_ne!(tag, second);
    let answer = AmpBox::from([(b"_answer".to_vec(), second)]);
    stream.write_all(&answer.to_bytes().unwrap()).await.unwrap();
    soon(call).await.unwrap();
    // Now it is the second answer to the same ask, which Twisted does not survive.
    stream.write_all(&late.to_bytes().unwrap()).await.unwrap();
    let EndReason::Ended(reason) = soon(peer.closed()).await else {
        panic!("{:?}", peer.end_reason());
    };
    assert_eq!(*reason, CloseReason::UnknownTag);
}

#[tokio::test]
async fn what_cannot_be_encoded_is_not_sent() {
    let (_server, client) = pair_of(&echoing(), &Amp::new());
    let long = AmpBox::from([("data", "x".repeat(65_536))]);
    let error = soon(client.call_box("Echo", long)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"cannot send "Echo": `data`: the value has 65536 bytes, the limit is 65535"#
    );
    let most = AmpBox::from([("data", "x".repeat(65_535))]);
    let answer = soon(client.call_box("Echo", most)).await.unwrap();
    assert_eq!(answer.get("data").map(<[u8]>::len), Some(65_535));
}

#[tokio::test]
async fn calls_of_a_responder_precede_its_answer() {
    let amp = Amp::new().locator(
        Responders::new().on_box("Work", |_, peer: Peer| async move {
            for _ in 0..3 {
                peer.tell_box("Progress", AmpBox::new()).await.unwrap();
            }
            Ok(AmpBox::new())
        }),
    );
    let (_peer, mut stream) = raw(&amp);
    let asks = [ask("Work", "1"), ask("Work", "2")].concat();
    stream.write_all(&asks).await.unwrap();
    let boxes = read_boxes(&mut stream, 8).await;
    let answers: Vec<_> = boxes.iter().map(|b| b.get("_answer")).collect();
    let one = Some(&b"1"[..]);
    let two = Some(&b"2"[..]);
    assert_eq!(answers, [None, None, None, one, None, None, None, two]);
}

#[tokio::test]
async fn a_peer_that_does_not_read_makes_senders_wait() {
    let (left, _right) = tokio::io::duplex(16);
    let peer = Amp::new().max_queued(1_000).over(left);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let sender = peer.clone();
    let task = tokio::spawn(async move {
        let message = AmpBox::from([("data", "x".repeat(100))]);
        loop {
            sender.tell_box("Tell", message.clone()).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    // A current-thread runtime: everybody gets to run as far as possible.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let first = sent.load(Ordering::Relaxed);
    assert!((5..50).contains(&first), "{first}");
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sent.load(Ordering::Relaxed), first);
    task.abort();
}

#[tokio::test]
async fn at_the_bound_the_peer_waits_or_is_refused() {
    let gate = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&gate);
    let amp = Amp::new()
        .max_running(2)
        .locator(Responders::new().on_box("Wait", move |_, _| {
            let wait = Arc::clone(&wait);
            async move {
                wait.acquire().await.unwrap().forget();
                Ok(AmpBox::new())
            }
        }));
    let (peer, mut stream) = raw(&amp);
    for tag in ["1", "2", "3"] {
        stream.write_all(&ask("Wait", tag)).await.unwrap();
    }
    // With a call of ours under way the third ask is refused.
    let call = peer.call_box("Own", empty()).start();
    let boxes = read_boxes(&mut stream, 2).await;
    assert_eq!(boxes[0].get("_command"), Some(&b"Own"[..]));
    assert_eq!(boxes[1].get("_error_code"), Some(&b"BUSY"[..]));
    let tag = boxes[0].get("_ask").unwrap().to_vec();
    let answer = AmpBox::from([(b"_answer".to_vec(), tag)]);
    stream.write_all(&answer.to_bytes().unwrap()).await.unwrap();
    soon(call).await.unwrap();
    // Without one it waits, and is carried out in its turn.
    stream.write_all(&ask("Wait", "4")).await.unwrap();
    gate.add_permits(3);
    let boxes = soon(read_boxes(&mut stream, 3)).await;
    assert!(boxes.iter().all(|b| b.contains_key("_answer")), "{boxes:?}");
}

#[tokio::test]
async fn responders_finish_after_the_end_or_are_dropped() {
    struct Noticed(Arc<Notify>);
    impl Drop for Noticed {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for drops in [false, true] {
        let dropped = Arc::new(Notify::new());
        let finished = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let (notice, count, wait) = (dropped.clone(), finished.clone(), gate.clone());
        let responders = Responders::new().on_box("Wait", move |_, _| {
            let notice = Noticed(notice.clone());
            let (count, wait) = (count.clone(), wait.clone());
            async move {
                let _notice = notice;
                wait.acquire().await.unwrap().forget();
                count.fetch_add(1, Ordering::Relaxed);
                Ok(AmpBox::new())
            }
        });
        let mut amp = Amp::new().locator(responders);
        if drops {
            amp = amp.drop_responders_at_end();
        }
        let (peer, mut stream) = raw(&amp);
        stream.write_all(&ask("Wait", "1")).await.unwrap();
        stream.write_all(&ask("Nothing", "2")).await.unwrap();
        read_boxes(&mut stream, 1).await;
        drop(stream);
        soon(peer.closed()).await;
        if !drops {
            gate.add_permits(1);
        }
        soon(dropped.notified()).await;
        assert_eq!(finished.load(Ordering::Relaxed), usize::from(!drops));
    }
}

#[test]
fn a_runtime_that_goes_away_ends_the_calls() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (peer, _stream) = runtime.block_on(async { raw(&Amp::new()) });
    let call = peer.call_box("Never", empty()).start();
    runtime.shutdown_timeout(Duration::from_secs(20));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime.block_on(soon(call)).unwrap_err();
    assert!(matches!(error, CallError::Ended(_)), "{error:?}");
}

#[tokio::test]
async fn a_side_that_finishes_ends_behind_its_last_answer() {
    let (peer, mut other) = raw(&Amp::new());
    let call = peer.call_box("Echo", empty()).start();
    read_boxes(&mut other, 1).await;
    peer.finish();
    let answer = AmpBox::from([("_answer", "1")]).to_bytes().unwrap();
    other.write_all(&answer).await.unwrap();
    soon(call).await.unwrap();
    let reason = soon(peer.closed()).await;
    assert!(matches!(reason, EndReason::ClosedHere), "{reason}");
}

#[tokio::test]
async fn a_side_that_finishes_ends_when_its_last_call_is_dropped() {
    let (peer, mut other) = raw(&Amp::new());
    let call = peer.call_box("Echo", empty()).start();
    read_boxes(&mut other, 1).await;
    peer.finish();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(call);
    let reason = soon(peer.closed()).await;
    assert!(matches!(reason, EndReason::ClosedHere), "{reason}");
}

/// Whoever closes while the driver is at work finds nobody asleep to wake.
#[tokio::test]
async fn a_close_while_the_driver_writes_is_noticed() {
    /// Closes the connection from within a write, as another thread might at that moment.
    struct Closing(Arc<Mutex<Option<Peer>>>);

    impl AsyncRead for Closing {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Closing {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            let peer = self.0.lock().unwrap().take();
            if let Some(peer) = peer {
                peer.close();
            }
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    let closes = Arc::default();
    let peer = Amp::new().over(Closing(Arc::clone(&closes)));
    *closes.lock().unwrap() = Some(peer.clone());
    tokio::task::yield_now().await;
    peer.tell_box("Echo", empty()).await.unwrap();
    let reason = soon(peer.ended()).await;
    assert!(matches!(reason, EndReason::ClosedHere), "{reason}");
}

#[tokio::test]
async fn the_connection_is_closed_when_everything_is_written() {
    let (one, mut stream) = tokio::io::duplex(16);
    let peer = Amp::new().over(one);
    peer.tell_box("Tell", AmpBox::from([("long", "x".repeat(1_000))]))
        .await
        .unwrap();
    peer.close();
    soon(peer.ended()).await;
    let mut closed = pin!(peer.closed());
    assert!(poll_once(&mut closed).await.is_pending());
    assert_eq!(read_to_end(&mut stream).await.len(), 1);
    assert!(matches!(soon(closed).await, EndReason::ClosedHere));
}

#[tokio::test]
async fn a_side_that_finishes_sends_the_calls_that_wait_for_room() {
    let (one, mut stream) = tokio::io::duplex(16);
    let peer = Amp::new().max_queued(100).over(one);
    let long = || AmpBox::from([("long", "x".repeat(1_000))]);
    let first = peer.call_box("First", long()).start();
    let second = tokio::spawn(peer.call_box("Second", long()).start().owned());
    peer.finish();
    let answer = |tag: &str| AmpBox::from([("_answer", tag)]).to_bytes().unwrap();
    // Behind it nothing is under way but the call that waits for room.
    stream.write_all(&answer("1")).await.unwrap();
    soon(first).await.unwrap();
    let boxes = soon(read_boxes(&mut stream, 2)).await;
    let tag = String::from_utf8(boxes[1].get("_ask").unwrap().to_vec()).unwrap();
    stream.write_all(&answer(&tag)).await.unwrap();
    soon(second).await.unwrap().unwrap();
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedHere));
}

#[tokio::test]
async fn a_responder_that_panics_when_it_is_dropped_harms_nobody_who_waits() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let started = Arc::new(Notify::new());
    let notify = Arc::clone(&started);
    let stuck = Responders::new().on_box("Stuck", move |_, _| {
        let (bad, notify) = (Bad, Arc::clone(&notify));
        async move {
            let _bad = bad;
            notify.notify_one();
            std::future::pending::<Raw>().await
        }
    });
    let (peer, mut stream) = raw(&Amp::new().locator(stuck).drop_responders_at_end());
    let call = tokio::spawn(peer.call_box("Never", empty()).start().owned());
    stream.write_all(&ask("Stuck", "1")).await.unwrap();
    soon(started.notified()).await;
    peer.close();
    let ended = soon(call).await.unwrap().unwrap_err();
    assert!(matches!(ended, CallError::Ended(EndReason::ClosedHere)));
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedHere));
}

#[tokio::test]
async fn room_can_be_waited_for() {
    let (one, mut stream) = tokio::io::duplex(16);
    let peer = Amp::new().max_queued(100).over(one);
    soon(peer.ready()).await.unwrap();
    let long = || AmpBox::from([("long", "x".repeat(1_000))]);
    let mut first = pin!(peer.tell_box("First", long()));
    let mut second = pin!(peer.tell_box("Second", long()));
    assert!(poll_once(&mut first).await.is_pending());
    let mut ready = pin!(peer.ready());
    assert!(poll_once(&mut ready).await.is_pending());
    {
        let mut given_up = pin!(peer.ready());
        assert!(poll_once(&mut given_up).await.is_pending());
    }
    soon(read_boxes(&mut stream, 1)).await;
    soon(ready).await.unwrap();
    soon(first).await.unwrap();
    assert!(poll_once(&mut second).await.is_pending());
    // Those who come later wait longer, and learn of the end.
    let mut ready = pin!(peer.ready());
    assert!(poll_once(&mut ready).await.is_pending());
    peer.close();
    assert!(matches!(soon(ready).await, Err(EndReason::ClosedHere)));
}

/// What a future's next poll gives.
async fn poll_once<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn a_peer_that_asks_on_and_reads_nothing_is_given_up_while_it_owes_an_answer() {
    let (one, mut stream) = tokio::io::duplex(64 * 1024);
    let peer = echoing().max_queued(1_000).over(one);
    let call = peer.call_box("Never", empty()).start();
    let asked = ask("Echo", "1");
    let flood = tokio::spawn(async move { while stream.write_all(&asked).await.is_ok() {} });
    let reason = soon(peer.ended()).await;
    flood.abort();
    let EndReason::Ended(reason) = reason else {
        panic!("{reason}");
    };
    assert_eq!(*reason, CloseReason::NotReading);
    assert!(matches!(soon(call).await, Err(CallError::Ended(_))));
}
