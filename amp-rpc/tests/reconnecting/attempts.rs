//! When a connection is tried.

use super::*;

#[tokio::test(start_paused = true)]
async fn attempts_are_made_at_the_times_that_were_chosen() {
    let backoff = Backoff::default()
        .initial(Duration::from_secs(1))
        .factor(2.0)
        .maximum(Duration::from_secs(10))
        .jitter(0.0);
    let peer = alone("attempts").backoff(backoff).start().unwrap();
    let began = Instant::now();
    let mut states = peer.states();
    let mut at = 0;
    for (number, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10)] {
        let is_waiting = |state: &ReconnectingState| matches!(state, ReconnectingState::Waiting { attempt, .. } if *attempt == number);
        let state = until(&mut states, is_waiting).await;
        let ReconnectingState::Waiting {
            delay, last_error, ..
        } = state
        else {
            unreachable!()
        };
        assert_eq!(began.elapsed().as_secs(), at);
        assert_eq!(delay.as_secs(), seconds);
        assert!(
            matches!(&last_error, AttemptError::Connect(error) if matches!(**error, ConnectError::Io { .. })),
            "{last_error:?}"
        );
        at += seconds;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_connection_at_once_is_tried_ever_more_seldom() {
    let amp = Amp::new().locator_for_each(|peer| {
        peer.close();
        Responders::new()
    });
    let _server = listen(&amp, "memory:unkind").await;
    let backoff = Backoff::default().jitter(0.0);
    let peer = alone("unkind").backoff(backoff).start().unwrap();
    let mut states = peer.states();
    let mut delays = Vec::new();
    while delays.len() < 6 {
        let state = soon(states.changed()).await.unwrap();
        if let ReconnectingState::Waiting { delay, .. } = state {
            delays.push(delay.as_millis());
        }
    }
    assert_eq!(delays, [200, 320, 512, 819, 1310, 2097]);
}

#[tokio::test(start_paused = true)]
async fn after_a_good_connection_the_waits_begin_anew() {
    let server = serving().open();
    let backoff = Backoff::default().jitter(0.0);
    let peer = alone("good").backoff(backoff).start().unwrap();
    let mut states = peer.states();
    let fifth =
        |state: &ReconnectingState| matches!(state, ReconnectingState::Waiting { attempt: 5, .. });
    until(&mut states, fifth).await;
    let listening = listen(&server.amp, "memory:good").await;
    soon(peer.connected()).await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    kill(listening).await;
    let is_waiting = |state: &ReconnectingState| matches!(state, ReconnectingState::Waiting { .. });
    let state = until(&mut states, is_waiting).await;
    assert!(
        matches!(state, ReconnectingState::Waiting { attempt: 0, delay, .. } if delay.as_millis() == 200),
        "{state:?}"
    );
}
