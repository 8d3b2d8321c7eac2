//! What happens where no more fits.

use super::*;

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
