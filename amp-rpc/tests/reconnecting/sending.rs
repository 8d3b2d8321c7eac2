//! What is sent, and what is sent again.

use super::*;

#[tokio::test]
async fn a_call_waits_until_its_server_is_there_again() {
    let first = serving().open();
    let server = listen(&first.amp, ANY_PORT).await;
    let peer = reconnecting(&server);
    let answer = soon(peer.call(Once { number: 1 })).await.unwrap();
    assert_eq!(answer.number, 1);

    let endpoint = kill(server).await;
    lost(&peer).await;
    let call = peer.call(Once { number: 2 }).start();
    let mut second = serving().open();
    let _server = listen(&second.amp, &endpoint).await;
    assert_eq!(soon(call).await.unwrap().number, 2);
    assert_eq!(soon(second.asked.recv()).await, Some(2));
}

#[tokio::test]
async fn what_may_have_left_is_not_sent_again() {
    let mut first = serving();
    let server = listen(&first.amp, ANY_PORT).await;
    let peer = reconnecting(&server);
    let call = tokio::spawn(peer.call(Once { number: 1 }));
    assert_eq!(soon(first.asked.recv()).await, Some(1));

    let endpoint = kill(server).await;
    let mut second = serving().open();
    let _server = listen(&second.amp, &endpoint).await;
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::Ended(EndReason::ClosedByPeer)),
        "{error:?}"
    );
    // What comes next is another call, not the first one.
    soon(peer.call(Once { number: 2 })).await.unwrap();
    assert_eq!(soon(second.asked.recv()).await, Some(2));
    assert!(first.asked.try_recv().is_err());
}

#[tokio::test]
async fn what_has_not_left_goes_to_the_next_connection() {
    // A server that reads no more while one responder waits.
    let mut first = serving();
    let server = listen(&first.amp.clone().max_running(1), "memory:stuck").await;
    let peer = eager(Amp::new().max_queued(1).reconnecting_to(server.endpoint()));
    let peer = peer.start().unwrap();
    let connection = soon(peer.connected()).await.unwrap();
    let sent = tokio::spawn(peer.tell(Once { number: 0 }));
    assert_eq!(soon(first.asked.recv()).await, Some(0));
    soon(sent).await.unwrap().unwrap();
    let mut big = AmpBox::new();
    big.insert("number", vec![b'1'; 60_000]);
    while connection.ready().now_or_never().is_some() {
        // It is sent although nobody waits until there is room.
        drop(connection.tell_box("Once", big.clone()).start());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    let call = peer.call(Once { number: 2 }).start();
    let told = peer.tell(Once { number: 3 }).start();
    kill(server).await;
    let mut second = serving().open();
    let _server = listen(&second.amp, "memory:stuck").await;
    assert_eq!(soon(call).await.unwrap().number, 2);
    soon(told).await.unwrap();
    assert_eq!(soon(second.asked.recv()).await, Some(2));
    assert_eq!(soon(second.asked.recv()).await, Some(3));
    assert!(first.asked.try_recv().is_err());
}

#[tokio::test]
async fn an_idempotent_command_is_sent_again() {
    let mut first = serving();
    let server = listen(&first.amp, ANY_PORT).await;
    let peer = reconnecting(&server);
    let call = tokio::spawn(peer.call(Again { number: 1 }));
    assert_eq!(soon(first.asked.recv()).await, Some(1));

    let endpoint = kill(server).await;
    let mut second = serving().open();
    let _server = listen(&second.amp, &endpoint).await;
    assert_eq!(soon(call).await.unwrap().unwrap().number, 1);
    assert_eq!(soon(second.asked.recv()).await, Some(1));
    assert!(second.asked.try_recv().is_err());
}

#[tokio::test]
async fn an_idempotent_command_is_sent_no_more_than_so_often() {
    let (amp, asked) = mortal();
    let server = listen(&amp, ANY_PORT).await;
    for (tries, expected) in [(None, 3), (Some(1), 1), (Some(7), 7)] {
        let reconnecting = eager(Amp::new().reconnecting_to(server.endpoint()));
        let peer = match tries {
            Some(tries) => reconnecting.max_tries(tries),
            None => reconnecting,
        };
        let peer = peer.start().unwrap();
        let error = soon(peer.call(Again { number: 1 })).await.unwrap_err();
        assert!(
            matches!(error, CallError::Ended(EndReason::ClosedByPeer)),
            "{error:?}"
        );
        assert_eq!(asked.swap(0, Ordering::Relaxed), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_gets_another_s_answer_and_none_runs_twice() {
    const KILLS: u64 = 20;
    const CALLS: u64 = 20;
    let mut times = BTreeMap::<_, u32>::new();
    let mut calls = Vec::new();
    // Each answers some, and is killed with others under way.
    let mut serving_now = serving();
    serving_now.gate.add_permits(10);
    let mut server = listen(&serving_now.amp, ANY_PORT).await;
    let peer = reconnecting(&server);
    for round in 0..KILLS {
        for number in round * CALLS..(round + 1) * CALLS {
            let peer = peer.clone();
            calls.push(tokio::spawn(async move {
                let again = peer.call(Again { number }).await;
                let once = peer.call(Once { number: !number }).await;
                (number, again, once)
            }));
        }
        for _ in 0..CALLS + 5 {
            let number = soon(serving_now.asked.recv()).await.unwrap();
            *times.entry(number).or_default() += 1;
        }
        let connection = soon(peer.connected()).await.unwrap();
        let endpoint = kill(server).await;
        // Until then it may still answer, that it is about to close.
        soon(connection.ended()).await;
        while let Ok(number) = serving_now.asked.try_recv() {
            *times.entry(number).or_default() += 1;
        }
        serving_now = serving();
        let permits = if round + 1 < KILLS { 10 } else { 1000 };
        serving_now.gate.add_permits(permits);
        server = listen(&serving_now.amp, &endpoint).await;
    }
    let check = |number, answer: Result<Number, CallError>| match answer {
        Ok(answer) => assert_eq!(answer.number, number),
        Err(CallError::Ended(_)) => {}
        // When the server was about to close.
        Err(CallError::Remote(error)) => assert_eq!(error.code, b"BUSY"),
        Err(error) => panic!("{error:?}"),
    };
    for call in calls {
        let (number, again, once) = soon(call).await.unwrap();
        check(number, again);
        check(!number, once);
    }
    while let Ok(number) = serving_now.asked.try_recv() {
        *times.entry(number).or_default() += 1;
    }
    for (number, times) in times {
        let most = if number < KILLS * CALLS { 3 } else { 1 };
        assert!(times <= most, "{number} ran {times} times");
    }
}
