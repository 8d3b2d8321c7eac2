//! Calls that wait for a connection.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_it_may() {
    let peer = alone("long wait").start().unwrap();
    let began = Instant::now();
    let error = soon(peer.call(Once { number: 1 })).await.unwrap_err();
    let CallError::NotConnected(NotConnected::WaitedTooLong { limit, last_error }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(limit, Duration::from_secs(30));
    assert!(matches!(last_error, Some(AttemptError::Connect(_))));
    assert_eq!(began.elapsed().as_secs(), 30);

    let peer = alone("long wait")
        .max_wait(Duration::from_secs(3))
        .start()
        .unwrap();
    let error = soon(peer.tell(Once { number: 1 })).await.unwrap_err();
    assert!(
        matches!(
            error,
            TellError::NotConnected(NotConnected::WaitedTooLong { .. })
        ),
        "{error:?}"
    );
    assert_eq!(began.elapsed().as_secs(), 33);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_on_several_connections_together() {
    let peer = eager(alone("short waits")).start().unwrap();
    let call = tokio::spawn(peer.call(Again { number: 1 }).start());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut server = serving();
    let listening = listen(&server.amp, "memory:short waits").await;
    assert_eq!(soon(server.asked.recv()).await, Some(1));
    kill(listening).await;
    let began = Instant::now();
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedByPeer)),
        "{error:?}"
    );
    assert_eq!(began.elapsed().as_secs_f64().round(), 10.0);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_call_covers_its_wait() {
    let second = Duration::from_secs(1);
    let peer = Amp::new().call_timeout(5 * second);
    let peer = peer.reconnecting("memory:timeout").start().unwrap();
    let began = Instant::now();
    let error = soon(peer.call(Once { number: 1 })).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::TimedOut {
                was_sent: false,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(began.elapsed(), 5 * second);
    let error = soon(peer.tell(Once { number: 1 }).timeout(second))
        .await
        .unwrap_err();
    assert!(matches!(error, TellError::TimedOut), "{error:?}");
    assert_eq!(began.elapsed(), 6 * second);

    // It covers several connections, and what was sent once may have been carried out.
    let mut first = serving();
    let server = listen(&first.amp, "memory:timeout").await;
    soon(peer.connected()).await.unwrap();
    let call = tokio::spawn(peer.call(Again { number: 1 }).timeout(100 * second));
    soon(first.asked.recv()).await;
    let began = Instant::now();
    kill(server).await;
    let call = soon(call).await.unwrap();
    // Its wait is bounded by the default of 30 seconds.
    assert!(
        matches!(call, Err(CallError::Ended(EndReason::ClosedByPeer))),
        "{call:?}"
    );
    assert_eq!(began.elapsed().as_secs(), 30);
    let server = listen(&first.amp, "memory:timeout").await;
    soon(peer.connected()).await.unwrap();
    let call = tokio::spawn(peer.call(Again { number: 1 }).timeout(10 * second));
    soon(first.asked.recv()).await;
    let began = Instant::now();
    kill(server).await;
    let call = soon(call).await.unwrap();
    assert!(
        matches!(call, Err(CallError::TimedOut { was_sent: true, .. })),
        "{call:?}"
    );
    assert_eq!(began.elapsed(), 10 * second);
}

#[tokio::test]
async fn no_more_calls_wait_than_may() {
    let peer = alone("full").max_waiting(2).start().unwrap();
    let first = peer.call(Once { number: 1 }).start();
    let second = peer.tell(Once { number: 2 }).start();
    let error = soon(peer.call(Once { number: 3 })).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::NotConnected(NotConnected::QueueFull { max: 2, .. })
        ),
        "{error:?}"
    );
    // One that is dropped makes room.
    drop(first);
    let third = peer.call(Once { number: 3 }).start();
    let mut server = serving().open();
    let _server = listen(&server.amp, "memory:full").await;
    soon(third).await.unwrap();
    soon(second).await.unwrap();
    assert_eq!(soon(server.asked.recv()).await, Some(3));
    assert_eq!(soon(server.asked.recv()).await, Some(2));
}

#[tokio::test]
async fn as_many_calls_may_wait_as_there_are() {
    let peer = eager(alone("unbounded")).wait_unbounded().start().unwrap();
    let calls: Vec<_> = (0..2_000)
        .map(|number| peer.call(Once { number }).start())
        .collect();
    let server = serving();
    server.gate.add_permits(2_000);
    let _server = listen(&server.amp, "memory:unbounded").await;
    for call in calls {
        soon(call).await.unwrap();
    }
}

#[tokio::test]
async fn where_no_call_waits_it_fails_at_once() {
    let mut first = serving().open();
    let server = listen(&first.amp, ANY_PORT).await;
    let peer = eager(Amp::new().reconnecting_to(server.endpoint())).fail_fast();
    let peer = peer.start().unwrap();
    soon(peer.connected()).await.unwrap();
    soon(peer.call(Once { number: 1 })).await.unwrap();
    soon(first.asked.recv()).await;
    let endpoint = kill(server).await;
    lost(&peer).await;
    let error = peer.call(Once { number: 2 }).await.unwrap_err();
    let CallError::NotConnected(error @ NotConnected::FailedFast { .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.to_string(), "there is no connection");
    assert!(error.source().is_some());
    let second = serving().open();
    let _server = listen(&second.amp, &endpoint).await;
    soon(peer.connected()).await.unwrap();
    soon(peer.call(Once { number: 3 })).await.unwrap();
}
