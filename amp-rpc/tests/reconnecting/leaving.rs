//! How a reconnecting peer and its connections finish.

use super::*;

/// A server that shuts down says so, and what is under way there is still answered.
#[tokio::test]
async fn a_server_that_leaves_keeps_its_calls_and_gets_no_new_ones() {
    let mut first = serving();
    let server = listen(&first.amp, ANY_PORT).await;
    let peer = reconnecting(&server);
    peer.connected().await.unwrap();
    let under_way = peer.call(Once { number: 1 }).start();
    assert_eq!(first.asked.recv().await, Some(1));
    let endpoint = server.endpoint().to_string();
    let mut states = peer.states();
    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(60)));
    // It has left as soon as it says so, and then there is nobody else.
    while matches!(states.state(), ReconnectingState::Connected(_)) {
        states.changed().await;
    }
    let mut second = serving().open();
    let _server = listen(&second.amp, &endpoint).await;
    peer.call(Once { number: 2 }).await.unwrap();
    assert_eq!(second.asked.recv().await, Some(2));
    first.gate.add_permits(1);
    assert_eq!(under_way.await.unwrap(), Number { number: 1 });
    assert_eq!(shutdown.await.unwrap(), 0);
    assert!(first.asked.try_recv().is_err());
    assert!(peer.finish_within(Duration::from_secs(60)).await);
}

/// Finishing waits for what is under way on a connection whose peer has left, in both directions.
#[tokio::test]
async fn finishing_waits_for_calls_on_a_connection_that_was_left() {
    let mut served = serving();
    let mut own = serving();
    let server = listen(&served.amp, ANY_PORT).await;
    let peer = eager(own.amp.reconnecting_to(server.endpoint()));
    let peer = peer.start().unwrap();
    peer.connected().await.unwrap();
    let under_way = peer.call(Once { number: 1 }).start();
    assert_eq!(served.asked.recv().await, Some(1));
    let back = server.peers()[0].call(Once { number: 2 }).start().owned();
    assert_eq!(own.asked.recv().await, Some(2));
    let mut states = peer.states();
    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(60)));
    while matches!(states.state(), ReconnectingState::Connected(_)) {
        states.changed().await;
    }
    let finishing = peer.clone();
    let finished =
        tokio::spawn(async move { finishing.finish_within(Duration::from_secs(60)).await });
    served.gate.add_permits(1);
    assert_eq!(under_way.await.unwrap(), Number { number: 1 });
    while !matches!(states.state(), ReconnectingState::Closed) {
        states.changed().await;
    }
    own.gate.add_permits(1);
    assert_eq!(back.await.unwrap(), Number { number: 2 });
    assert!(finished.await.unwrap());
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn closing_ends_calls_on_a_connection_and_those_that_wait() {
    let mut server = serving();
    let listening = listen(&server.amp, ANY_PORT).await;
    let peer = reconnecting(&listening);
    // Not even an idempotent one is sent again.
    let call = tokio::spawn(peer.call(Again { number: 1 }));
    soon(server.asked.recv()).await;
    let mut states = peer.states();
    peer.close();
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedHere)),
        "{error:?}"
    );
    soon(peer.closed()).await;
    let state = soon(states.changed()).await;
    assert!(
        matches!(state, Some(ReconnectingState::Closed)),
        "{state:?}"
    );
    assert!(soon(states.changed()).await.is_none());
    assert!(matches!(peer.state(), ReconnectingState::Closed));
    let error = peer.call(Once { number: 1 }).await.unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedHere)),
        "{error:?}"
    );
    let error = peer.tell(Once { number: 1 }).await.unwrap_err();
    assert!(
        matches!(error, TellError::Ended(EndReason::ClosedHere)),
        "{error:?}"
    );
    assert!(peer.connected().await.is_none());
    server.gate.add_permits(1);
    soon(listening.connections().none()).await;

    let peer = alone("closing").start().unwrap();
    let call = tokio::spawn(peer.call(Once { number: 1 }).start());
    peer.close();
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedHere)),
        "{error:?}"
    );
    soon(peer.closed()).await;
}

#[tokio::test]
async fn it_ends_with_its_last_handle_and_call() {
    let server = serving();
    let listening = listen(&server.amp, ANY_PORT).await;
    let peer = reconnecting(&listening);
    let mut states = peer.states();
    soon(peer.connected()).await.unwrap();
    let call = peer.clone().call(Once { number: 1 }).start();
    drop(peer);
    server.gate.add_permits(1);
    assert_eq!(soon(call).await.unwrap().number, 1);
    let mut last = states.state();
    while let Some(state) = soon(states.changed()).await {
        last = state;
    }
    assert!(matches!(last, ReconnectingState::Closed), "{last:?}");
    soon(listening.connections().none()).await;

    // While it waits, too.
    let peer = alone("dropped").start().unwrap();
    let mut states = peer.states();
    until(&mut states, |state| {
        matches!(state, ReconnectingState::Waiting { .. })
    })
    .await;
    drop(peer);
    while soon(states.changed()).await.is_some() {}
    assert!(matches!(states.state(), ReconnectingState::Closed));
}

#[tokio::test]
async fn finishing_waits_for_calls() {
    let mut server = serving();
    let listening = listen(&server.amp, ANY_PORT).await;
    let peer = reconnecting(&listening);
    let call = tokio::spawn(peer.call(Once { number: 1 }));
    soon(server.asked.recv()).await;
    peer.finish();
    let late = tokio::spawn(peer.call(Once { number: 2 }));
    soon(server.asked.recv()).await;
    assert!(!matches!(peer.state(), ReconnectingState::Closed));
    // Meanwhile the server's asks are refused, as by a `Peer`.
    let client = listening.peers().remove(0);
    let error = soon(client.call_box("Any", AmpBox::new()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::Remote(error) if error.code == b"BUSY"),
        "{error:?}"
    );
    server.gate.add_permits(2);
    soon(call).await.unwrap().unwrap();
    soon(late).await.unwrap().unwrap();
    soon(peer.closed()).await;
    assert!(matches!(peer.state(), ReconnectingState::Closed));
    let error = peer.call(Once { number: 3 }).await.unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedHere)),
        "{error:?}"
    );
}

#[tokio::test]
async fn finishing_waits_for_calls_that_wait_for_a_connection() {
    let peer = eager(alone("finishing")).start().unwrap();
    let call = peer.call(Once { number: 1 }).start();
    peer.finish();
    let server = serving().open();
    let _server = listen(&server.amp, "memory:finishing").await;
    // The connection does not finish before the call, however late that is polled.
    let connection = soon(peer.connected()).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(connection.end_reason().is_none());
    assert_eq!(soon(call).await.unwrap().number, 1);
    assert!(peer.finish_within(Duration::from_secs(60)).await);

    // Without calls there is nothing to connect for.
    let peer = eager(alone("nobody")).start().unwrap();
    peer.finish();
    soon(peer.closed()).await;
}

#[tokio::test(start_paused = true)]
async fn finishing_has_a_limit() {
    let peer = alone("finish limit").start().unwrap();
    let call = tokio::spawn(peer.call(Once { number: 1 }).start());
    assert!(!peer.finish_within(Duration::from_secs(5)).await);
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedHere)),
        "{error:?}"
    );
}
