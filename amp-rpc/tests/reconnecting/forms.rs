//! Calls of every form in both directions, and what is refused.

use super::*;

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
