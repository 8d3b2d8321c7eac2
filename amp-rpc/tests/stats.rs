//! What connections count, and the numbers of faults.

mod raw_support;

use std::time::Duration;

use amp_rpc::{Amp, AmpBox, CallError, Compat, Failure, Peer, RemoteError, Responders};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::raw_support::read_box;

type Raw = Result<AmpBox, Failure>;

fn empty() -> AmpBox {
    AmpBox::new()
}

fn server() -> Amp {
    Amp::new().locator(
        Responders::new()
            .on_box("Echo", async |message: AmpBox, _: Peer| Raw::Ok(message))
            .on_box("Fail", async |_: AmpBox, _: Peer| {
                Raw::Err(Failure::Remote(RemoteError::new("NO", "no")))
            })
            .on_box("Fault", async |_: AmpBox, _: Peer| {
                Raw::Err(Failure::unexpected("secret"))
            })
            .on_box("Wait", async |_: AmpBox, _: Peer| {
                std::future::pending::<Raw>().await
            }),
    )
}

/// Lets everybody do what there is to do.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn both_sides_count_what_becomes_of_calls() {
    let (one, other) = tokio::io::duplex(1 << 16);
    let (server, client) = (server().over(one), Amp::new().over(other));
    for _ in 0..5 {
        client.call_box("Echo", empty()).await.unwrap();
    }
    client.tell_box("Echo", empty()).await.unwrap();
    client.call_box("Fail", empty()).await.unwrap_err();
    client.call_box("Fault", empty()).await.unwrap_err();
    client.call_box("Nothing", empty()).await.unwrap_err();
    let too_long = AmpBox::from([("long", "x".repeat(65_536))]);
    client.call_box("Echo", too_long).await.unwrap_err();
    let waiting = client.call_box("Wait", empty()).start();
    settle().await;
    let now = (client.stats(), server.stats());
    assert_eq!((now.0.calls_waiting, now.1.responders_running), (1, 1));
    assert_eq!((now.0.calls_queued, now.0.bytes_queued), (0, 0));
    drop(waiting);
    let limit = Duration::from_secs(1);
    let timed = client.call_box("Wait", empty()).timeout(limit).await;
    assert!(matches!(timed, Err(CallError::TimedOut { .. })));
    let ended = client.call_box("Wait", empty()).start();
    settle().await;
    client.close();
    ended.await.unwrap_err();
    client.closed().await;
    server.closed().await;

    let stats = client.stats();
    let calls = [
        stats.calls_sent,
        stats.calls_answered,
        stats.calls_failed,
        stats.calls_timed_out,
        stats.calls_given_up,
        stats.calls_ended,
        stats.calls_refused_here,
        stats.tells_sent,
    ];
    assert_eq!(calls, [11, 5, 3, 1, 1, 1, 1, 1]);
    assert!(stats.latency.count() >= 5);
    assert_eq!((stats.calls_waiting, stats.calls_queued), (0, 0));
    let served = server.stats();
    let asks = [
        served.asks_received,
        served.asks_answered,
        served.asks_failed,
        served.asks_unhandled,
        served.asks_canceled,
        served.faults,
    ];
    // The probe is one that was answered, and each cancellation is a command.
    assert_eq!(asks, [15, 7, 1, 1, 2, 1]);
    assert_eq!(served.bytes_received, stats.bytes_sent);
    assert_eq!(stats.bytes_received, served.bytes_sent);
    assert_eq!(served.boxes_received, 15);
}

/// An answer is one when it can be written.
#[tokio::test(start_paused = true)]
async fn answers_that_cannot_be_written_are_none() {
    let (one, other) = tokio::io::duplex(1 << 16);
    let much = |_, _: Peer| async { Raw::Ok(AmpBox::from([("long", "x".repeat(70_000))])) };
    let server = Amp::new().locator(Responders::new().on_box("Much", much));
    let (server, client) = (server.over(one), Amp::new().over(other));
    client.call_box("Much", empty()).await.unwrap_err();
    client.call_box("StartTLS", empty()).await.unwrap_err();
    let stats = server.stats();
    let asks = [stats.asks_received, stats.asks_answered, stats.asks_failed];
    assert_eq!((asks, stats.faults), ([2, 0, 1], 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_done_after_the_end_is_counted() {
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let finished = std::sync::Mutex::new(Some(finished));
    let wait = move |_, _: Peer| {
        let finished = finished.lock().unwrap().take();
        async move {
            let _ = finished.unwrap().await;
            Raw::Ok(empty())
        }
    };
    let (one, mut stream) = tokio::io::duplex(1 << 10);
    let server = Amp::new().locator(Responders::new().on_box("Wait", wait));
    let peer = server.over(one);
    stream
        .write_all(&bytes([("_ask", "1"), ("_command", "Wait")]))
        .await
        .unwrap();
    settle().await;
    assert_eq!(peer.stats().responders_running, 1);
    let long = AmpBox::from([("long", "x".repeat(10_000))]);
    peer.tell_box("Long", long).await.unwrap();
    peer.close();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(peer.stats().bytes_sent, rest.len() as u64);
    finish.send(()).unwrap();
    settle().await;
    assert_eq!(peer.stats().responders_running, 0);
}

/// Most of these connections keep nothing to work with, which they give back also while the callers run that they have woken.
#[tokio::test]
async fn bytes_of_bursts_are_counted_on_many_connections() {
    let mut pairs = Vec::new();
    for _ in 0..12 {
        let (one, other) = tokio::io::duplex(1 << 16);
        pairs.push((server().over(one), Amp::new().over(other)));
    }
    let mut callers = JoinSet::new();
    for (_, client) in &pairs {
        for _ in 0..8 {
            let client = client.clone();
            callers.spawn(async move {
                for _ in 0..3 {
                    client.call_box("Echo", empty()).await.unwrap();
                }
            });
        }
    }
    callers.join_all().await;
    settle().await;
    for (server, client) in &pairs {
        let (served, stats) = (server.stats(), client.stats());
        assert_eq!(stats.calls_answered, 24);
        assert_eq!(served.bytes_received, stats.bytes_sent);
        assert_eq!(stats.bytes_received, served.bytes_sent);
    }
}

/// The probe that a deadline brings about is answered among other answers.
#[tokio::test(start_paused = true)]
async fn a_probe_is_no_call_of_the_programs_when_its_answer_comes_with_others() {
    let (one, other) = tokio::io::duplex(1 << 16);
    let (_server, client) = (server().over(one), Amp::new().over(other));
    client.call_box("Echo", empty()).await.unwrap();
    for _ in 0..2 {
        let limit = Duration::from_secs(1);
        let call = client.call_box("Echo", empty()).timeout(limit);
        call.await.unwrap();
        settle().await;
        let stats = client.stats();
        assert_eq!((stats.calls_waiting, stats.calls_queued), (0, 0));
    }
    assert_eq!(client.stats().calls_answered, 3);
}

fn bytes<const N: usize>(pairs: [(&str, &str); N]) -> Vec<u8> {
    AmpBox::from(pairs).to_bytes().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_counted() {
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let peer = server().max_running(1).over(one);
    let call = peer.call_box("Slow", empty()).start();
    let asked = read_box(&mut stream).await;
    let tag = String::from_utf8(asked.get("_ask").unwrap().to_vec()).unwrap();
    drop(call);
    let held = peer.call_box("Slow", empty()).start();
    for message in [
        bytes([("_answer", &tag)]),
        bytes([("_answer", "77")]),
        bytes([("_error", "zz")]),
        bytes([("_command", "Echo"), ("_deadline", "soon")]),
        bytes([("_command", "Echo"), ("_traceparent", "\n")]),
        bytes([("_ask", "1"), ("_command", "Wait")]),
        bytes([("_ask", "2"), ("_command", "Echo")]),
    ] {
        stream.write_all(&message).await.unwrap();
    }
    settle().await;
    drop(held);
    let stats = peer.stats();
    assert_eq!((stats.late_answers, stats.unknown_answers), (1, 2));
    assert_eq!((stats.bad_metadata, stats.asks_refused), (2, 1));
}

#[tokio::test]
async fn faults_have_numbers_that_peers_may_know() {
    for (amp, numbered) in [
        (server(), false),
        (server().number_faults(), true),
        (server().number_faults().compat(Compat::twisted()), true),
    ] {
        let (one, other) = tokio::io::duplex(1 << 16);
        let (_server, client) = (amp.over(one), Amp::new().over(other));
        let CallError::Remote(error) = client.call_box("Fault", empty()).await.unwrap_err() else {
            panic!("it was not answered");
        };
        assert_eq!(error.code, b"UNKNOWN");
        let number = error.description.strip_prefix("Unknown Error (fault ");
        let number = number.and_then(|rest| u64::from_str_radix(rest.strip_suffix(')')?, 16).ok());
        assert_eq!(number.is_some(), numbered, "{}", error.description);
        assert!(numbered || error.description == "Unknown Error");
    }
}

/// The queue of a peer that does not read can be seen.
#[tokio::test]
async fn queues_are_seen() {
    let (one, _stream) = tokio::io::duplex(16);
    let peer = Amp::new().max_queued(100).over(one);
    let long = || AmpBox::from([("long", "x".repeat(1_000))]);
    let _calls = [0; 3].map(|_| peer.call_box("Slow", long()).start());
    assert_eq!(peer.stats().calls_queued, 2);
    assert!(peer.stats().bytes_queued >= 1_000);
}
