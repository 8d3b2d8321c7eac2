//! How connections end.

use super::*;

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
