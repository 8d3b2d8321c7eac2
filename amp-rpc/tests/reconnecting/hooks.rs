//! Functions that run on each connection.

use super::*;

#[tokio::test]
async fn calls_that_wait_leave_in_their_order_behind_the_hook_s() {
    let mut server = serving().open();
    let hook = |peer: Peer| async move { peer.call(Once { number: 0 }).await.map(drop) };
    let peer = eager(Amp::new().reconnecting("memory:hook order"))
        .on_connect(hook)
        .start()
        .unwrap();
    lost(&peer).await;
    let calls: Vec<_> = (1..100)
        .map(|number| tokio::spawn(peer.call(Once { number }).start()))
        .collect();
    let listening = listen(&server.amp, "memory:hook order").await;
    for call in calls {
        soon(call).await.unwrap().unwrap();
    }
    for number in 0..100 {
        assert_eq!(soon(server.asked.recv()).await, Some(number));
    }
    // It runs on the next connection too.
    kill(listening).await;
    lost(&peer).await;
    let mut server = serving().open();
    let _listening = listen(&server.amp, "memory:hook order").await;
    soon(peer.call(Once { number: 7 })).await.unwrap();
    assert_eq!(soon(server.asked.recv()).await, Some(0));
    assert_eq!(soon(server.asked.recv()).await, Some(7));
}

#[tokio::test]
async fn a_hook_that_fails_ends_its_connection_and_the_attempt() {
    let server = serving().open();
    let listening = listen(&server.amp, ANY_PORT).await;
    let runs = AtomicUsize::new(0);
    let (report, mut peers) = mpsc::unbounded_channel();
    let hook = move |peer: Peer| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        let _ = report.send(peer);
        async move {
            match run {
                0 => Err("not welcome"),
                1 => panic!("out of order"),
                _ => Ok(()),
            }
        }
    };
    let peer = eager(Amp::new().reconnecting_to(listening.endpoint()))
        .on_connect(hook)
        .start()
        .unwrap();
    let mut states = peer.states();
    let call = peer.call(Once { number: 1 }).start();
    let state = until(&mut states, |state| state.last_error().is_some()).await;
    let Some(AttemptError::Hook(error)) = state.last_error() else {
        panic!("{state:?}");
    };
    assert_eq!(error.to_string(), "not welcome");
    let second =
        |state: &ReconnectingState| matches!(state, ReconnectingState::Waiting { attempt: 2, .. });
    let state = until(&mut states, second).await;
    let Some(AttemptError::Panicked { message }) = state.last_error() else {
        panic!("{state:?}");
    };
    assert_eq!(message, "out of order");
    assert_eq!(soon(call).await.unwrap().number, 1);
    // The failed ones are closed although this test holds their peers.
    for _ in 0..2 {
        let failed = peers.recv().await.unwrap();
        assert!(matches!(soon(failed.closed()).await, EndReason::ClosedHere));
    }
    let good = peers.recv().await.unwrap();
    assert!(good.end_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_takes_too_long_is_given_up() {
    let server = serving();
    let _listening = listen(&server.amp, "memory:slow hook").await;
    let peer = Amp::new()
        .reconnecting("memory:slow hook")
        .on_connect(|peer| async move { peer.call(Once { number: 1 }).await.map(drop) })
        .hook_timeout(Duration::from_secs(7))
        .start()
        .unwrap();
    let began = Instant::now();
    let state = until(&mut peer.states(), |state| state.last_error().is_some()).await;
    assert!(
        matches!(state.last_error(), Some(AttemptError::HookTimedOut { limit }) if limit.as_secs() == 7),
        "{state:?}"
    );
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn a_connection_that_ends_under_its_hook_is_a_failed_attempt() {
    let (amp, asked) = mortal();
    let server = listen(&amp, ANY_PORT).await;
    let peer = eager(Amp::new().reconnecting_to(server.endpoint()))
        .on_connect(|peer| async move {
            let _ = peer.call(Again { number: 1 }).await;
            std::future::pending::<Result<(), CallError>>().await
        })
        .start()
        .unwrap();
    let state = until(&mut peer.states(), |state| state.last_error().is_some()).await;
    let error = state.last_error();
    assert!(
        matches!(error, Some(AttemptError::Ended(EndReason::ClosedByPeer))),
        "{error:?}"
    );
    assert!(asked.load(Ordering::Relaxed) > 0);
}
