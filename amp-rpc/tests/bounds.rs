//! Two sides at their bounds never wait for each other for ever: the rule by which a reader pauses. Time is paused, so
//! a wait for ever is noticed at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amp_rpc::wire::parse;
use amp_rpc::{Amp, AmpBox, CallError, Failure, Peer, Responders};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

type Raw = Result<AmpBox, Failure>;

/// What is long enough for everything here in virtual time, and no time at all where everybody waits.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// How one side is set up.
#[derive(Debug, Clone, Copy)]
struct Side {
    max_running: usize,
    max_queued: usize,
    /// Bytes of each answer.
    answer: usize,
    /// How deep its responder calls back.
    depth: usize,
}

/// Calls its peer from within, as deep as asked for, and answers much.
fn bouncing(side: Side) -> Amp {
    let bounce = move |message: AmpBox, peer: Peer| async move {
        let depth: usize = std::str::from_utf8(message.get("depth").unwrap())
            .unwrap()
            .parse()
            .unwrap();
        if depth > 0 {
            let deeper = AmpBox::from([("depth", (depth - 1).to_string())]);
            match peer.call_box("Bounce", deeper).await {
                // A side at its bound may refuse, and then this one has no answer either.
                Ok(_) | Err(CallError::Remote(_)) => {}
                Err(error) => return Raw::Err(Failure::unexpected(error)),
            }
        }
        let text = "x".repeat(side.answer);
        Ok(AmpBox::from([("text", text)]))
    };
    Amp::new()
        .no_keepalive()
        .max_running(side.max_running)
        .max_queued(side.max_queued)
        .locator(Responders::new().on_box("Bounce", bounce))
}

/// Carries bytes on a few at a time, each after a while: a network that is slow for its readers.
fn slow(step: usize, pause: Duration) -> (DuplexStream, DuplexStream) {
    let (left, near) = tokio::io::duplex(step);
    let (far, right) = tokio::io::duplex(step);
    let (near_reads, near_writes) = tokio::io::split(near);
    let (far_reads, far_writes) = tokio::io::split(far);
    tokio::spawn(carry(near_reads, far_writes, step, pause));
    tokio::spawn(carry(far_reads, near_writes, step, pause));
    (left, right)
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    step: usize,
    pause: Duration,
) {
    let mut buffer = vec![0; step];
    loop {
        tokio::time::sleep(pause).await;
        match from.read(&mut buffer).await {
            Ok(read) if read > 0 && to.write_all(&buffer[..read]).await.is_ok() => {}
            _ => return,
        }
    }
}

/// Both sides call at once; returns how many calls were answered, and how many refused.
async fn run(sides: [Side; 2], calls: usize, step: usize) -> (usize, usize) {
    let (one, other) = slow(step, Duration::from_millis(1));
    let peers = [bouncing(sides[0]).over(one), bouncing(sides[1]).over(other)];
    let (answered, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for (peer, side) in peers.iter().zip(sides) {
        for _ in 0..calls {
            let (peer, answered, refused) = (peer.clone(), answered.clone(), refused.clone());
            tasks.spawn(async move {
                let message = AmpBox::from([("depth", side.depth.to_string())]);
                match peer.call_box("Bounce", message).await {
                    Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                    Err(CallError::Remote(error)) if error.code == b"BUSY" => {
                        refused.fetch_add(1, Ordering::Relaxed)
                    }
                    Err(error) => panic!("{error}"),
                };
            });
        }
    }
    let all = tokio::time::timeout(FOR_EVER, tasks.join_all());
    all.await
        .unwrap_or_else(|_| panic!("waited for ever: {sides:?}"));
    for peer in peers {
        assert!(peer.end_reason().is_none(), "{:?}", peer.end_reason());
    }
    (
        answered.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed),
    )
}

#[tokio::test(start_paused = true)]
async fn everything_ends_where_both_sides_are_at_their_bounds() {
    const CALLS: usize = 40;
    for max_running in [1, 3, 4_096] {
        for (max_queued, answer) in [(100, 5_000), (1_000, 20_000), (1 << 20, 10)] {
            for depth in [0, 1, 3] {
                let side = Side {
                    max_running,
                    max_queued,
                    answer,
                    depth,
                };
                let other = Side {
                    max_queued: max_queued / 2,
                    answer: answer * 2,
                    ..side
                };
                let (answered, refused) = run([side, other], CALLS, 2_000).await;
                assert_eq!(answered + refused, 2 * CALLS, "{side:?}");
                assert!(answered > 0, "{side:?}");
            }
        }
    }
}

/// The defaults, with more than they admit, over a stream that takes a few bytes at a time.
#[tokio::test(start_paused = true)]
async fn everything_ends_with_the_default_bounds() {
    let side = Side {
        max_running: 4_096,
        max_queued: 1 << 20,
        answer: 60_000,
        depth: 1,
    };
    let (answered, refused) = run([side, side], 300, 64 * 1024).await;
    assert_eq!(answered + refused, 600);
}

fn of_size(bytes: usize) -> AmpBox {
    AmpBox::from([("x", "x".repeat(bytes))])
}

/// Reads whole boxes, and hands each on.
async fn read_boxes(mut stream: impl AsyncReadExt + Unpin, mut take: impl FnMut(AmpBox)) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        let mut taken = 0;
        for message in parse(&bytes) {
            let Ok(message) = message else { break };
            let message = message.to_owned();
            taken += message.to_bytes().unwrap().len();
            take(message);
        }
        bytes.drain(..taken);
    }
}

/// A peer that has so many asks of `Much` under way all the time, and reads a few bytes after the other, slowly. Each box that comes is
/// handed on.
fn ask_without_end(
    stream: DuplexStream,
    step: usize,
    mut take: impl FnMut(&AmpBox) + Send + 'static,
) {
    const UNDER_WAY: usize = 200;
    let (reads, mut writes) = tokio::io::split(stream);
    let (answered, mut to_ask) = tokio::sync::mpsc::unbounded_channel();
    (0..UNDER_WAY).for_each(|_| answered.send(()).unwrap());
    tokio::spawn(async move {
        let ask = AmpBox::from([("_ask", "1"), ("_command", "Much")]);
        let ask = ask.to_bytes().unwrap();
        while to_ask.recv().await.is_some() && writes.write_all(&ask).await.is_ok() {}
    });
    let (near, far) = tokio::io::duplex(step);
    tokio::spawn(carry(reads, near, step, Duration::from_millis(1)));
    tokio::spawn(read_boxes(far, move |message| {
        take(&message);
        if !message.contains_key("_command") {
            // Who asked may be gone.
            let _ = answered.send(());
        }
    }));
}

/// Calls that end before they are answered make no room for others: what they have written is still there.
#[tokio::test(start_paused = true)]
async fn calls_that_are_given_up_do_not_lift_the_bound() {
    const BOUND: usize = 4_096;
    for is_dropped in [true, false] {
        let (one, _other) = tokio::io::duplex(1_024);
        let peer = Amp::new().no_keepalive().max_queued(BOUND).over(one);
        let mut most = 0;
        for _ in 0..500 {
            let peer = peer.clone();
            let caller = peer.clone();
            tokio::spawn(async move {
                let call = caller.call_box("Echo", of_size(1_000));
                let second = Duration::from_secs(1);
                if is_dropped {
                    let _ = tokio::time::timeout(second, call).await;
                } else {
                    let _ = call.timeout(second).await;
                }
            });
            tokio::time::sleep(Duration::from_millis(10)).await;
            most = most.max(peer.stats().bytes_queued);
        }
        assert!(most > BOUND && most < 2 * BOUND, "{most}");
    }
}

/// Nor do answers, whose callers then go.
#[tokio::test(start_paused = true)]
async fn answers_do_not_lift_the_bound() {
    const BOUND: usize = 4_096;
    const CALLS: usize = 100;
    let (one, other) = tokio::io::duplex(64 * 1_024);
    let (mut reads, mut writes) = tokio::io::split(other);
    let peer = Amp::new().no_keepalive().max_queued(BOUND).over(one);
    let calls: Vec<_> = (0..CALLS)
        .map(|_| peer.call_box("Small", AmpBox::new()).owned().start())
        .map(tokio::spawn)
        .collect();
    // All asks are read, and nothing after them.
    let mut tags = Vec::new();
    let all = tokio::time::timeout(
        Duration::from_secs(1),
        read_boxes(&mut reads, |ask| {
            tags.push(ask.get("_ask").unwrap().to_vec())
        }),
    );
    assert!(all.await.is_err() && tags.len() == CALLS);
    let teller = peer.clone();
    let telling =
        tokio::spawn(
            async move { while teller.tell_box("Much", of_size(10_000)).await.is_ok() {} },
        );
    for tag in tags {
        let answer = AmpBox::from([("_answer", tag)]);
        writes.write_all(&answer.to_bytes().unwrap()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!(peer.stats().bytes_queued < 2 * 10_100, "{:?}", peer.stats());
    telling.abort();
}

/// A stream that is never without answers to be written; also where this side reads on for the sake of a call of its own.
#[tokio::test(start_paused = true)]
async fn answers_without_end_do_not_starve_callers() {
    const TELLS: usize = 300;
    for (answer, calls) in [(500, false), (20_000, false), (1_500, true)] {
        let (one, other) = tokio::io::duplex(4_096);
        let much = move |_, _: Peer| async move { Raw::Ok(of_size(answer)) };
        let peer = Amp::new()
            .max_queued(64 * 1_024)
            .locator(Responders::new().on_box("Much", much))
            .over(one);
        let counts = Arc::new([const { AtomicUsize::new(0) }; 2]);
        let counted = Arc::clone(&counts);
        ask_without_end(other, 4_096, move |message| {
            let is_told = message.get("_command") == Some(b"Told");
            counted[usize::from(is_told)].fetch_add(1, Ordering::Relaxed);
        });
        let _own = calls.then(|| peer.call_box("Long", AmpBox::new()).start());
        let tells = async {
            for _ in 0..TELLS {
                peer.tell_box("Told", of_size(1_000)).await.unwrap();
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(600), tells).await;
        ended.unwrap_or_else(|_| panic!("{counts:?} with answers of {answer} bytes"));
        // Answers went out, too.
        assert!(counts[0].load(Ordering::Relaxed) > 0, "{counts:?}");
    }
}

/// What counts is what such a peer leaves unread, not what there was since the queue was last empty, which it may never be.
#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_its_refusals_is_not_given_up() {
    const MANY: usize = 100_000;
    let (one, other) = tokio::io::duplex(16 * 1_024);
    let much = |_, _: Peer| async { Raw::Ok(of_size(20_000)) };
    let peer = Amp::new()
        .max_queued(16 * 1_024)
        .locator(Responders::new().on_box("Much", much))
        .over(one);
    let _own = peer.call_box("Long", AmpBox::new()).start();
    let (refused, enough) = tokio::sync::oneshot::channel();
    let mut refused = Some(refused);
    let mut count = 0;
    ask_without_end(other, 16 * 1_024, move |message| {
        count += usize::from(message.contains_key("_error"));
        if count == MANY {
            let _ = refused.take().map(|refused| refused.send(()));
        }
    });
    tokio::select! {
        enough = enough => enough.unwrap(),
        reason = peer.ended() => panic!("{reason:?}"),
    }
    assert!(peer.end_reason().is_none());
}

/// A probe that goes with the first call with a deadline is not written without anybody being told.
#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_encoded_leaves_nothing_queued() {
    let (one, mut other) = tokio::io::duplex(1_024);
    let peer = Amp::new().no_keepalive().max_queued(50).over(one);
    let second = Duration::from_secs(1);
    let long = peer.call_box("Long", of_size(70_000)).timeout(second);
    assert!(matches!(long.await, Err(CallError::Local(_))));
    assert_eq!(peer.stats().bytes_queued, 0);
    let tell = peer.tell_box("Told", AmpBox::new());
    tokio::time::timeout(FOR_EVER, tell).await.unwrap().unwrap();
    peer.close();
    let mut bytes = Vec::new();
    other.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(parse(&bytes).count(), 1);
}

/// Calls of this side go before an answer of it; a peer that reads nothing should not get them past their bound with what it asks,
/// while this side reads on for the sake of a call of its own.
#[tokio::test(start_paused = true)]
async fn a_peer_that_asks_and_does_not_read_does_not_lift_the_bound() {
    const BOUND: usize = 16 * 1_024;
    for tag in [None, Some("1")] {
        let (one, mut other) = tokio::io::duplex(1_024);
        let small = |_, _: Peer| async { Raw::Ok(AmpBox::new()) };
        let peer = Amp::new()
            .no_keepalive()
            .max_queued(BOUND)
            .locator(Responders::new().on_box("Small", small))
            .over(one);
        let _own = peer.call_box("Long", AmpBox::new()).start();
        let told = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&told);
        let teller = peer.clone();
        tokio::spawn(async move {
            // Less than the bound between two asks.
            while teller.tell_box("Told", of_size(1_000)).await.is_ok() {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let mut ask = AmpBox::from([("_command", "Small")]);
        if let Some(tag) = tag {
            ask.insert("_ask", tag);
        }
        let ask = ask.to_bytes().unwrap();
        for _ in 0..2_000 {
            other.write_all(&ask).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let told = told.load(Ordering::Relaxed);
        assert!(told * 1_000 < 4 * BOUND, "{told} with {tag:?}");
        assert!(peer.end_reason().is_none());
    }
}
