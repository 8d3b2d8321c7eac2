//! How long a call may take, and what becomes of those that take longer. Time is paused: it goes on when
//! everybody waits for it.

mod raw_support;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amp_rpc::wire::{Limits, parse};
use amp_rpc::{
    Amp, AmpBox, AskContext, CallError, ConnectError, EndReason, Failure, Peer, Responders,
    TellError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::raw_support::read_box;

const SECOND: Duration = Duration::from_secs(1);

type Raw = Result<AmpBox, Failure>;

fn empty() -> AmpBox {
    AmpBox::new()
}

/// A connection whose other end is bytes.
fn raw(amp: &Amp) -> (Peer, DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 16);
    (amp.over(one), other)
}

fn bytes<const N: usize>(pairs: [(&str, &str); N]) -> Vec<u8> {
    AmpBox::from(pairs).to_bytes().unwrap()
}

fn text<'a>(message: &'a AmpBox, key: &str) -> &'a str {
    std::str::from_utf8(message.get(key).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_in_time_and_its_late_answer_is_nobodys() {
    let (peer, mut stream) = raw(&Amp::new().extensions(false));
    let start = Instant::now();
    let call = peer.call_box("Slow", empty()).timeout(SECOND);
    let error = call.await.unwrap_err();
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(error.to_string(), "no answer to \"Slow\" came in time");
    assert!(matches!(error, CallError::TimedOut { was_sent: true, .. }));
    let first = read_box(&mut stream).await;
    let next = peer.call_box("Quick", empty()).timeout(SECOND).start();
    let second = read_box(&mut stream).await;
    // The slot is used again, and the late answer is not taken for the next one's.
    assert_ne!(text(&first, "_ask"), text(&second, "_ask"));
    for (message, n) in [(first, "1"), (second, "2")] {
        let answer = bytes([("_answer", text(&message, "_ask")), ("n", n)]);
        stream.write_all(&answer).await.unwrap();
    }
    assert_eq!(text(&next.await.unwrap(), "n"), "2");
    assert!(peer.end_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_started_gets_its_limit_afterwards_too() {
    let second = Duration::from_secs(1);
    let (one, _other) = tokio::io::duplex(64);
    let peer = Amp::new().extensions(false).max_queued(100).over(one);
    let start = Instant::now();
    let sent = peer.call_box("Slow", empty()).start().timeout(2 * second);
    let filling = AmpBox::from([("x", "x".repeat(1_000))]);
    let _full = peer.call_box("Full", filling).start();
    let queued = peer.call_box("Slow", empty()).start().timeout(second);
    let unlimited = peer.call_box("Slow", empty()).start();
    let both = async { (queued.await.unwrap_err(), sent.await.unwrap_err()) };
    let (queued, sent) = tokio::time::timeout(10 * second, both).await.unwrap();
    assert!(matches!(sent, CallError::TimedOut { was_sent: true, .. }));
    assert!(matches!(
        queued,
        CallError::TimedOut {
            was_sent: false,
            ..
        }
    ));
    assert_eq!(start.elapsed(), 2 * second);
    drop(unlimited);
}

/// It is not looked at all of them for the sake of each.
#[tokio::test(start_paused = true)]
async fn many_calls_end_in_time_too() {
    const CALLS: usize = 20_000;
    const MILLISECOND: Duration = Duration::from_millis(1);
    let (peer, _stream) = raw(&Amp::new().extensions(false).max_queued(usize::MAX));
    let start = Instant::now();
    let calls: Vec<_> = (1..=CALLS)
        .map(|number| {
            let limit = MILLISECOND * (number / 100) as u32 + MILLISECOND;
            let call = peer.call_box("Slow", empty()).timeout(limit).owned();
            let ended = async move {
                let error = call.start().await.unwrap_err();
                assert!(matches!(error, CallError::TimedOut { .. }));
                start.elapsed().checked_sub(limit).unwrap()
            };
            tokio::spawn(ended)
        })
        .collect();
    for call in calls {
        let late = call.await.unwrap();
        assert!(late <= 4 * MILLISECOND, "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_connection_have_a_default() {
    let (peer, _stream) = raw(&Amp::new().call_timeout(2 * SECOND));
    let start = Instant::now();
    let (default, own, none) = (
        peer.call_box("Slow", empty()).start(),
        peer.call_box("Slow", empty()).timeout(SECOND).start(),
        peer.call_box("Slow", empty())
            .timeout(Duration::MAX)
            .start(),
    );
    assert!(matches!(own.await, Err(CallError::TimedOut { .. })));
    assert_eq!(start.elapsed(), SECOND);
    assert!(matches!(default.await, Err(CallError::TimedOut { .. })));
    assert_eq!(start.elapsed(), 2 * SECOND);
    let mut none = pin!(none);
    let waits = tokio::time::timeout(1_000 * SECOND, &mut none).await;
    assert!(waits.is_err());
    peer.close();
    assert!(matches!(
        none.await,
        Err(CallError::Ended(EndReason::ClosedHere))
    ));
}

/// A deadline that comes before one that is known already.
#[tokio::test(start_paused = true)]
async fn an_earlier_deadline_is_noticed_while_the_connection_sleeps() {
    let (peer, _stream) = raw(&Amp::new());
    let start = Instant::now();
    let long = tokio::spawn(peer.call_box("Slow", empty()).timeout(60 * SECOND).owned());
    tokio::time::sleep(SECOND).await;
    let short = peer.call_box("Slow", empty()).timeout(SECOND);
    assert!(matches!(short.await, Err(CallError::TimedOut { .. })));
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert!(matches!(
        long.await.unwrap(),
        Err(CallError::TimedOut { .. })
    ));
    assert_eq!(start.elapsed(), 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_while_a_call_waits_for_room() {
    let (one, mut stream) = tokio::io::duplex(16);
    let peer = Amp::new().extensions(false).max_queued(100).over(one);
    let start = Instant::now();
    let long = AmpBox::from([("long", "x".repeat(1_000))]);
    let mut sent = Vec::new();
    for name in ["First", "Fill"] {
        sent.push(peer.call_box(name, long.clone()).start());
        // The connection sleeps, since nobody reads, when it learns of deadlines.
        tokio::time::sleep(SECOND).await;
    }
    let start = start + 2 * SECOND;
    let second = peer.call_box("Second", empty()).timeout(SECOND);
    let tell = peer.tell_box("Third", empty()).timeout(2 * SECOND);
    let (second, tell) = tokio::join!(second, tell);
    assert!(matches!(
        second,
        Err(CallError::TimedOut {
            was_sent: false,
            ..
        })
    ));
    assert!(matches!(tell, Err(TellError::TimedOut)), "{tell:?}");
    assert_eq!(start.elapsed(), 2 * SECOND);
    // Neither was sent.
    peer.close();
    drop(sent);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    let boxes: Vec<_> = parse(&rest).map(|view| view.unwrap().to_owned()).collect();
    assert_eq!(boxes.len(), 2);
    assert_eq!(text(&boxes[0], "_command"), "First");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_is_not_sent() {
    let (peer, mut stream) = raw(&Amp::new());
    let call = peer.call_box("Never", empty()).timeout(Duration::ZERO);
    assert!(matches!(
        call.await,
        Err(CallError::TimedOut {
            was_sent: false,
            ..
        })
    ));
    peer.close();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_polls_ends_all_the_same() {
    let (peer, mut stream) = raw(&Amp::new());
    let call = peer.call_box("Slow", empty()).timeout(SECOND).start();
    let asked = read_box(&mut stream).await;
    tokio::time::sleep(5 * SECOND).await;
    let answer = bytes([("_answer", text(&asked, "_ask"))]);
    stream.write_all(&answer).await.unwrap();
    tokio::time::sleep(SECOND).await;
    assert!(matches!(
        call.await,
        Err(CallError::TimedOut { was_sent: true, .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_side_that_finishes_waits_no_longer_than_its_calls() {
    let (peer, _stream) = raw(&Amp::new());
    let start = Instant::now();
    let _call = peer.call_box("Slow", empty()).timeout(SECOND).start();
    peer.finish();
    assert!(matches!(peer.ended().await, EndReason::ClosedHere));
    assert_eq!(start.elapsed(), SECOND);
}

/// Responders that call their peer in different ways, and tell how long that took and what came of it.
fn calling(told: mpsc::UnboundedSender<(&'static str, Duration)>) -> Amp {
    async fn timed(
        told: mpsc::UnboundedSender<(&'static str, Duration)>,
        how: &'static str,
        peer: Peer,
    ) -> Raw {
        let start = Instant::now();
        let called = peer.call_box("Slow", empty()).await;
        assert!(
            matches!(called, Err(CallError::TimedOut { .. })),
            "{called:?}"
        );
        told.send((how, start.elapsed())).unwrap();
        Ok(empty())
    }
    let outside = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&outside);
    let (one, two, three) = (told.clone(), told.clone(), told.clone());
    let here = move |_, _| {
        // Another connection than the one that the ask came on.
        let (peer, stream) = raw(&Amp::new());
        *kept.lock().unwrap() = Some(stream);
        timed(one.clone(), "within", peer)
    };
    let through = move |_, peer: Peer| {
        let told = two.clone();
        async move {
            let work = tokio::spawn(timed(told, "through the peer", peer));
            work.await.unwrap()
        }
    };
    let handed_on = move |_, _| {
        let (peer, stream) = raw(&Amp::new());
        let ask = AskContext::current().unwrap();
        let work = tokio::spawn(ask.scope(timed(three.clone(), "handed on", peer)));
        async move {
            let _stream = stream;
            work.await.unwrap()
        }
    };
    let spawned = move |_, _| {
        let (peer, stream) = raw(&Amp::new());
        let told = told.clone();
        async move {
            let _stream = stream;
            timed(told, "spawned", peer).await
        }
    };
    Amp::new().locator(amp_rpc::Locator::or(
        Responders::new()
            .on_box("Within", here)
            .on_box("Through", through)
            .on_box("HandedOn", handed_on),
        Responders::new().on_box("Spawned", spawned).spawned(),
    ))
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_responder_take_no_longer_than_its_caller_waits() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (_peer, mut stream) = raw(&calling(told));
    for (command, how) in [
        ("Within", "within"),
        ("Through", "through the peer"),
        ("HandedOn", "handed on"),
        ("Spawned", "spawned"),
    ] {
        let ask = bytes([("_ask", "1"), ("_command", command), ("_deadline", "1500")]);
        stream.write_all(&ask).await.unwrap();
        let took = heard.recv().await.unwrap();
        assert_eq!(took, (how, Duration::from_millis(1_500)));
    }
}

/// A peer that is kept, to tell it things later.
#[tokio::test(start_paused = true)]
async fn a_peer_that_outlives_its_ask_does_not_inherit() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let register = move |_, peer| {
        *keep.lock().unwrap() = Some(peer);
        async { Ok(empty()) }
    };
    let (_peer, mut stream) =
        raw(&Amp::new().locator(Responders::new().on_box("Register", register)));
    let ask = bytes([("_ask", "1"), ("_command", "Register"), ("_deadline", "10")]);
    stream.write_all(&ask).await.unwrap();
    read_box(&mut stream).await;
    tokio::time::sleep(SECOND).await;
    let peer: Peer = kept.lock().unwrap().take().unwrap();
    let call = peer.call_box("News", empty()).start();
    let asked = read_box(&mut stream).await;
    tokio::time::sleep(SECOND).await;
    let answer = bytes([("_answer", text(&asked, "_ask"))]);
    stream.write_all(&answer).await.unwrap();
    call.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_responder_knows_how_long_its_caller_waits() {
    let look = |_, _| async {
        let ask = AskContext::current().unwrap();
        let left = ask.time_left().map_or(-1, |left| left.as_millis() as i64);
        Ok(AmpBox::from([("left", left.to_string())]))
    };
    let (_peer, mut stream) = raw(&Amp::new().locator(Responders::new().on_box("Look", look)));
    for (deadline, expected) in [
        ("2500", "2500"),
        ("0", "0"),
        // What cannot be read, or is too far away for the clock, is ignored.
        ("", "-1"),
        ("-5", "-1"),
        ("soon", "-1"),
        ("99999999999999999999", "-1"),
    ] {
        let ask = bytes([("_ask", "1"), ("_command", "Look"), ("_deadline", deadline)]);
        stream.write_all(&ask).await.unwrap();
        let answer = read_box(&mut stream).await;
        assert_eq!(text(&answer, "left"), expected, "{deadline:?}");
    }
    assert!(AskContext::current().is_none());

    let plain = (Amp::new().extensions(false)).locator(Responders::new().on_box("Look", look));
    let (peer, mut stream) = raw(&plain);
    let ask = bytes([("_ask", "1"), ("_command", "Look"), ("_deadline", "soon")]);
    stream.write_all(&ask).await.unwrap();
    let answer = read_box(&mut stream).await;
    assert_eq!(text(&answer, "left"), "-1", "a program's own key");
    assert_eq!(peer.stats().bad_metadata, 0);
}

#[tokio::test(start_paused = true)]
async fn a_responder_learns_that_the_connection_has_ended() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let wait = move |_, _| {
        let told = told.clone();
        async move {
            let ask = AskContext::current().unwrap();
            assert!(!ask.is_canceled());
            ask.canceled().await;
            told.send(ask.is_canceled()).unwrap();
            Ok(empty())
        }
    };
    let (_peer, mut stream) = raw(&Amp::new().locator(Responders::new().on_box("Wait", wait)));
    stream
        .write_all(&bytes([("_ask", "1"), ("_command", "Wait")]))
        .await
        .unwrap();
    tokio::time::sleep(SECOND).await;
    drop(stream);
    assert_eq!(heard.recv().await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_meant_are_refused() {
    let amps = [
        ("Amp::call_timeout", Amp::new().call_timeout(Duration::ZERO)),
        ("Amp::max_running", Amp::new().max_running(0)),
        ("Amp::max_queued", Amp::new().max_queued(0)),
        (
            "Limits::box_bytes",
            Amp::new().limits(Limits::DEFAULT.box_bytes(53)),
        ),
        (
            "Limits::box_pairs",
            Amp::new().limits(Limits::DEFAULT.box_pairs(2)),
        ),
    ];
    for (option, amp) in amps {
        let error = amp.connect("memory:refused").await.unwrap_err();
        let ConnectError::Options { source, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(source.option(), option);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| raw(&amp)));
        let message = panic.unwrap_err().downcast::<String>().unwrap();
        assert!(message.starts_with(option), "{message}");
        assert!(amp.listen("memory:refused").await.is_err());
    }
}
