//! Peers that survive their connections: what becomes of calls when servers are killed and started again.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amp_rpc::dynamic::Values;
use amp_rpc::{
    Amp, AmpBox, Answer, AttemptError, Backoff, CallError, Command, ConnectError, EndReason,
    Failure, Fields, NotConnected, Peer, Reconnecting, ReconnectingPeer, ReconnectingState,
    ReconnectingStates, Responders, Server, TellError,
};
use futures::FutureExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// Fails a test that waits for ever. Where the time is paused, it is longer than anything that is waited for.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("waited for ever")
}

/// A command that may be carried out once.
#[derive(Debug, Clone, Command)]
#[amp(response = Number)]
struct Once {
    number: u64,
}

/// The same, for one that may be carried out twice.
#[derive(Debug, Clone, Command)]
#[amp(response = Number, idempotent)]
struct Again {
    number: u64,
}

#[derive(Debug, PartialEq, Fields)]
struct Number {
    number: u64,
}

/// A server that reports each ask, and answers those that are let through its gate.
struct Serving {
    amp: Amp,
    gate: Arc<Semaphore>,
    asked: mpsc::UnboundedReceiver<u64>,
}

fn serving() -> Serving {
    let gate = Arc::new(Semaphore::new(0));
    let (report, asked) = mpsc::unbounded_channel();
    let (through, reports) = (Arc::clone(&gate), report.clone());
    let once = move |command: Once| {
        let through = Arc::clone(&through);
        let _ = reports.send(command.number);
        async move { pass(through, command.number).await }
    };
    let through = Arc::clone(&gate);
    let again = move |command: Again| {
        let through = Arc::clone(&through);
        let _ = report.send(command.number);
        async move { pass(through, command.number).await }
    };
    Serving {
        amp: Amp::new().locator(Responders::new().on(once).on(again)),
        gate,
        asked,
    }
}

async fn pass<E>(gate: Arc<Semaphore>, number: u64) -> Result<Number, Failure<E>> {
    let permit = gate.acquire().await.map_err(Failure::unexpected)?;
    permit.forget();
    Ok(Number { number })
}

impl Serving {
    fn open(self) -> Self {
        self.gate.add_permits(1000);
        self
    }
}

/// Tries again at once, as far as that is possible.
fn eager(reconnecting: Reconnecting) -> Reconnecting {
    let moment = Duration::from_millis(1);
    reconnecting.backoff(Backoff::default().initial(moment).maximum(moment))
}

fn reconnecting(server: &Server) -> ReconnectingPeer {
    eager(Amp::new().reconnecting_to(server.endpoint()))
        .start()
        .unwrap()
}

/// Ends all connections of a server, and gives its place free.
async fn kill(server: Server) -> String {
    let endpoint = server.endpoint().to_string();
    server.shutdown(Duration::ZERO).await;
    endpoint
}

async fn listen(amp: &Amp, endpoint: &str) -> Server {
    amp.listen(endpoint).await.unwrap()
}

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

const ANY_PORT: &str = "tcp:127.0.0.1:0";

/// Waits for a state.
async fn until(
    states: &mut ReconnectingStates,
    is_it: impl Fn(&ReconnectingState) -> bool,
) -> ReconnectingState {
    loop {
        let state = states.state();
        if is_it(&state) {
            return state;
        }
        soon(states.changed()).await.expect("it is not closed");
    }
}

/// Waits until there is no connection.
async fn lost(peer: &ReconnectingPeer) {
    until(&mut peer.states(), |state| state.peer().is_none()).await;
}

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

/// A server whose connections end as soon as they are asked anything; and how often they were.
fn mortal() -> (Amp, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let again = move |_: Again, peer: Peer| {
        counted.fetch_add(1, Ordering::Relaxed);
        peer.close();
        std::future::pending::<Answer<Again>>()
    };
    let amp = Amp::new().locator(Responders::new().on_with_peer(again));
    (amp, asked)
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

/// A peer whose server is never there.
fn alone(name: &str) -> Reconnecting {
    Amp::new().reconnecting(&format!("memory:{name}"))
}

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

#[tokio::test]
async fn responders_answer_on_each_connection() {
    let calls_back = |_: Once, peer: Peer| async move {
        let answer = peer.call(Again { number: 5 }).await;
        answer.map_err(Failure::unexpected)
    };
    let amp = Amp::new().locator(Responders::new().on_with_peer(calls_back));
    let server = listen(&amp, ANY_PORT).await;
    let client = serving().open();
    let peer = eager(client.amp.reconnecting_to(server.endpoint()))
        .start()
        .unwrap();
    assert_eq!(soon(peer.call(Once { number: 1 })).await.unwrap().number, 5);
    let endpoint = kill(server).await;
    lost(&peer).await;
    let _server = listen(&amp, &endpoint).await;
    assert_eq!(soon(peer.call(Once { number: 1 })).await.unwrap().number, 5);
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

#[tokio::test]
async fn a_box_can_be_called_and_told() {
    let mut server = serving().open();
    let listening = listen(&server.amp, ANY_PORT).await;
    let peer = reconnecting(&listening);
    let arguments = AmpBox::from([("number", "1")]);
    let answer = soon(peer.call_box("Once", arguments.clone()))
        .await
        .unwrap();
    assert_eq!(answer.get("number"), Some(&b"1"[..]));
    soon(peer.tell_box("Once", arguments)).await.unwrap();
    soon(server.asked.recv()).await;
    assert_eq!(soon(server.asked.recv()).await, Some(1));
    let error = soon(peer.call_box("None", AmpBox::new()))
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::Unhandled { .. }), "{error:?}");
}

#[tokio::test]
async fn a_schema_says_whether_a_command_is_sent_again() {
    let (amp, asked) = mortal();
    let server = listen(&amp, ANY_PORT).await;
    let peer = reconnecting(&server);
    let values = || Values::from([("number", 1)]);
    for (schema, expected) in [
        (Again::SCHEMA.clone(), 3),
        (Again::SCHEMA.clone().idempotent(false), 1),
    ] {
        let error = soon(peer.call_dynamic(&schema, values()))
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::Ended(_)), "{error:?}");
        assert_eq!(asked.swap(0, Ordering::Relaxed), expected);
    }
}

#[derive(Command)]
#[amp(starttls)]
struct Secure;

#[tokio::test]
async fn what_changes_one_connection_is_refused() {
    let peer = alone("secure").start().unwrap();
    let error = peer.call(Secure).await.unwrap_err();
    let CallError::Local(error) = error else {
        panic!("{error:?}");
    };
    assert!(
        error.to_string().contains("Reconnecting::on_connect"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    type Change = fn(Reconnecting) -> Reconnecting;
    fn backoff(set: fn(Backoff) -> Backoff, reconnecting: Reconnecting) -> Reconnecting {
        reconnecting.backoff(set(Backoff::default()))
    }
    let cases: [(&str, Change); 14] = [
        ("Backoff::initial", |r| {
            backoff(|b| b.initial(Duration::ZERO), r)
        }),
        ("Backoff::maximum", |r| {
            backoff(|b| b.maximum(Duration::ZERO), r)
        }),
        ("Backoff::maximum", |r| {
            backoff(|b| b.initial(Duration::from_secs(31)), r)
        }),
        ("Backoff::factor", |r| backoff(|b| b.factor(0.9), r)),
        ("Backoff::factor", |r| backoff(|b| b.factor(f64::NAN), r)),
        ("Backoff::factor", |r| {
            backoff(|b| b.factor(f64::INFINITY), r)
        }),
        ("Backoff::jitter", |r| backoff(|b| b.jitter(1.1), r)),
        ("Backoff::jitter", |r| backoff(|b| b.jitter(f64::NAN), r)),
        ("Reconnecting::max_waiting", |r| r.max_waiting(0)),
        ("Reconnecting::max_wait", |r| r.max_wait(Duration::ZERO)),
        ("Reconnecting::max_tries", |r| r.max_tries(0)),
        ("Reconnecting::hook_timeout", |r| {
            r.hook_timeout(Duration::ZERO)
        }),
        ("Reconnecting::fail_fast", |r| r.fail_fast().max_waiting(1)),
        ("Reconnecting::wait_unbounded", |r| {
            r.wait_unbounded().fail_fast()
        }),
    ];
    for (option, change) in cases {
        let error = change(alone("options")).start().unwrap_err();
        let ConnectError::Options { source, .. } = error else {
            panic!("{option}: {error:?}");
        };
        assert_eq!(source.option(), option, "{source}");
    }
    let error = Amp::new().reconnecting("tcp:nowhere").start().unwrap_err();
    assert!(matches!(error, ConnectError::Endpoint { .. }), "{error:?}");
    for amp in [
        Amp::new().max_queued(0),
        Amp::new().idle_timeout(Duration::from_secs(60)),
    ] {
        let error = amp.reconnecting("memory:options").start().unwrap_err();
        assert!(matches!(error, ConnectError::Options { .. }), "{error:?}");
    }
}

#[cfg(all(unix, feature = "process"))]
#[test]
fn what_can_be_connected_to_once_is_refused() {
    for endpoint in ["stdio:", "fd:3:4"] {
        let error = Amp::new().reconnecting(endpoint).start().unwrap_err();
        let ConnectError::Options { source, .. } = error else {
            panic!("{endpoint}: {error:?}");
        };
        assert_eq!(source.option(), "Amp::reconnecting");
    }
}
