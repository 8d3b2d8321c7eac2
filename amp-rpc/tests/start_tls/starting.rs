//! How TLS begins, is refused, and what waits meanwhile.

use super::*;

#[tokio::test]
async fn both_sides_see_the_session_and_go_on() {
    let authority = Authority::new("authority");
    for size in [7, 64, 65536] {
        eprintln!("size {size}");
        let (left, right) = duplex(size);
        let server = echoing().tls(authority.server()).over(left);
        let client = Amp::new().over(right);
        assert!(client.tls().is_none());
        client.start_tls(authority.client()).await.unwrap();
        assert_eq!(client.call(Echo { n: 7 }).await.unwrap(), Number { n: 7 });
        let session = client.tls().unwrap();
        assert_eq!((session.version(), session.is_client()), ("TLSv1.3", true));
        let identity = session.peer().unwrap();
        assert_eq!(identity.subject, "CN=localhost");
        assert_eq!(identity.names, ["localhost"]);
        let session = server.tls().unwrap();
        assert_eq!(session.server_name(), Some("localhost"));
        assert!(!session.is_client() && session.peer().is_none());
    }
}

#[tokio::test]
async fn nothing_that_waits_for_tls_is_ever_in_plain_text() {
    let authority = Authority::new("authority");
    let (left, right, passing) = tapped(4096);
    let finish = Arc::new(Notify::new());
    let finished = Arc::clone(&finish);
    let slow = move |command: Echo| {
        let finished = Arc::clone(&finished);
        async move {
            finished.notified().await;
            Ok(Number { n: command.n })
        }
    };
    let client = Amp::new().locator(Responders::new().on(slow)).over(left);
    // The answer to this ask falls due while the client waits for TLS.
    let server = echoing().tls(authority.server()).over(right);
    let asked = tokio::spawn(server.call(Echo { n: 11_111 }).start().owned());
    client.call(Echo { n: 1 }).await.unwrap();
    client.set_tls(authority.client());
    let starting = client.call(StartTls {}).start();
    finish.notify_one();
    let waiting = tokio::spawn(client.call(Echo { n: 22_222 }).start().owned());
    starting.await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Number { n: 22_222 });
    assert_eq!(asked.await.unwrap().unwrap(), Number { n: 11_111 });
    drop((client, server));
    let sent = passing.await.unwrap();
    let begin = ask("0", "StartTLS", &[]).len();
    let has = |needle: &[u8]| sent.windows(needle.len()).any(|window| window == needle);
    assert!(has(b"StartTLS") && sent.len() > begin);
    assert!(!has(b"11111") && !has(b"22222"), "it was in plain text");
}

#[tokio::test]
async fn after_a_refusal_waiters_fail_and_later_calls_work() {
    let authority = Authority::new("authority");
    let (left, right) = duplex(4096);
    let _server = echoing().over(left);
    let client = Amp::new().over(right);
    client.set_tls(authority.client());
    let starting = client.call(StartTls {}).start();
    let waiting = client.call(Echo { n: 1 }).start();
    let told = client.tell(Echo { n: 2 }).start();
    let error = starting.await.unwrap_err();
    assert!(matches!(
        error,
        CallError::Declared {
            error: StartTlsError::Unavailable,
            ..
        }
    ));
    for error in [
        waiting.await.unwrap_err().to_string(),
        told.await.unwrap_err().to_string(),
    ] {
        assert!(
            error.contains("it waited for TLS, which the peer refused"),
            "{error}"
        );
    }
    assert_eq!(client.call(Echo { n: 3 }).await.unwrap(), Number { n: 3 });
}

#[tokio::test]
async fn without_tls_nothing_is_asked_and_peers_are_refused() {
    let (left, mut raw) = duplex(4096);
    let here = echoing().over(left);
    let error = here.call(StartTls {}).await.unwrap_err();
    assert!(matches!(error, CallError::Local(_)));
    assert!(error.to_string().contains("Peer::set_tls"), "{error}");
    let bytes = [ask("1", "StartTLS", &[]), ask("2", "Echo", &[("n", "5")])].concat();
    raw.write_all(&bytes).await.unwrap();
    let refusal = read_box(&mut raw).await;
    assert_eq!(text(&refusal, "_error_code"), "TLS_ERROR");
    assert_eq!(
        text(&read_box(&mut raw).await, "n"),
        "5",
        "a box behind a refusal is a box"
    );
}

#[tokio::test]
async fn a_side_that_would_be_the_server_needs_a_certificate() {
    let (left, mut raw) = duplex(4096);
    let _here = echoing().tls(Tls::new()).over(left);
    raw.write_all(&ask("1", "StartTLS", &[])).await.unwrap();
    let refusal = read_box(&mut raw).await;
    assert_eq!(text(&refusal, "_error_code"), "TLS_ERROR");
}

#[tokio::test]
async fn tls_is_started_once() {
    let authority = Authority::new("authority");
    let (left, right) = duplex(4096);
    let server = echoing().tls(authority.server()).over(left);
    let client = echoing().tls(authority.server()).over(right);
    client.start_tls(authority.client()).await.unwrap();
    for peer in [&client, &server] {
        let error = peer.start_tls(authority.client()).await.unwrap_err();
        assert!(matches!(error, CallError::Local(_)), "{error:?}");
    }
    // A peer that asks all the same is refused.
    let error = client
        .call_box("StartTLS", AmpBox::new())
        .await
        .unwrap_err();
    let CallError::Remote(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.code, b"TLS_ERROR");
    assert_eq!(client.call(Echo { n: 3 }).await.unwrap(), Number { n: 3 });
}

/// Twisted's issues 3278 and 5690: the side that accepted asks, and is the server of the handshake.
#[tokio::test]
async fn the_side_that_connected_is_the_client_whoever_asks() {
    let authority = Authority::new("authority");
    let server = echoing().listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let client = echoing().tls(authority.client());
    let client = client.connect_to(server.endpoint()).await.unwrap();
    client.call(Echo { n: 1 }).await.unwrap();
    let accepted = server.peers().remove(0);
    let error = accepted.start_tls(Tls::new()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    accepted.start_tls(authority.server()).await.unwrap();
    assert!(client.tls().unwrap().is_client());
    assert!(!accepted.tls().unwrap().is_client());
    assert_eq!(accepted.call(Echo { n: 2 }).await.unwrap(), Number { n: 2 });
}

#[tokio::test]
async fn asks_for_tls_that_cross_are_both_refused() {
    let authority = Authority::new("authority");
    let (left, right) = duplex(4096);
    let tls = authority
        .client()
        .identity(authority.identity(&["localhost"]));
    let one = echoing().tls(tls.clone()).over(left);
    let other = echoing().tls(tls).over(right);
    let (first, second) = (
        one.call(StartTls {}).start(),
        other.call(StartTls {}).start(),
    );
    for result in [first.await, second.await] {
        assert!(matches!(result, Err(CallError::Declared { .. })));
    }
    assert_eq!(one.call(Echo { n: 4 }).await.unwrap(), Number { n: 4 });
}

#[derive(Debug, Command)]
#[amp(switches)]
struct Switch {}

#[tokio::test]
async fn a_switch_over_tls_hands_tls_over() {
    async fn switch(_: Switch, peer: Peer) -> Answer<Switch> {
        peer.on_switch(async |mut stream: SwitchedStream| {
            assert!(stream.tls().is_some());
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            stream.write_all(&byte.map(|byte| byte + 1)).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        Ok(())
    }
    let authority = Authority::new("authority");
    let (left, right) = duplex(4096);
    let responders = Responders::new().on_with_peer(switch);
    let _server = Amp::new()
        .locator(responders)
        .tls(authority.server())
        .over(left);
    let client = Amp::new().over(right);
    client.start_tls(authority.client()).await.unwrap();
    let ((), mut stream) = client.switch(Switch {}).await.unwrap();
    stream.write_all(b"a").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"b");
}

#[tokio::test]
async fn closing_in_the_middle_of_a_handshake_ends_at_once() {
    let authority = Authority::new("authority");
    let (left, mut raw) = duplex(4096);
    let victim = echoing().tls(authority.server()).over(left);
    raw.write_all(&ask("1", "StartTLS", &[])).await.unwrap();
    read_box(&mut raw).await;
    victim.close();
    assert!(matches!(victim.closed().await, EndReason::ClosedHere));
}

#[tokio::test]
async fn a_call_that_is_dropped_begins_tls_all_the_same() {
    let authority = Authority::new("authority");
    let (left, right) = duplex(4096);
    let _server = echoing().tls(authority.server()).over(left);
    let client = Amp::new().over(right);
    client.set_tls(authority.client());
    drop(client.call(StartTls {}).start());
    assert_eq!(client.call(Echo { n: 5 }).await.unwrap(), Number { n: 5 });
    assert!(client.tls().is_some());
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_handshake_is_given_up() {
    tokio::time::pause();
    let authority = Authority::new("authority");
    let (left, mut raw) = duplex(4096);
    let victim = echoing().tls(authority.server()).over(left);
    raw.write_all(&ask("1", "StartTLS", &[])).await.unwrap();
    read_box(&mut raw).await;
    let stays_silent = tokio::spawn(async move {
        let _raw = raw;
        pending::<()>().await;
    });
    let reason = victim.closed().await;
    assert!(
        matches!(tls_error(&reason), TlsError::TimedOut { .. }),
        "{reason:?}"
    );
    stays_silent.abort();
}

/// A socket that is closed with unread bytes is reset, and the peer would not read why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_refused_over_tcp_learns_why() {
    let authority = Authority::new("authority");
    for _ in 0..50 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (one, other) = tokio::join!(connecting, listener.accept());
        let demanding = authority.server().trust(authority.trust());
        let _server = echoing().tls(demanding).over(other.unwrap().0);
        let client = Amp::new().over(one.unwrap());
        client.set_tls(authority.client());
        let starting = client.call(StartTls {}).start();
        let waiting = (0..20).map(|n| tokio::spawn(client.call(Echo { n }).start().owned()));
        let waiting: Vec<_> = waiting.collect();
        // With TLS 1.3, the client has begun when it is refused.
        let _ = starting.await;
        for call in waiting {
            call.await.unwrap().unwrap_err();
        }
        let reason = client.closed().await;
        assert!(
            matches!(tls_error(&reason), TlsError::RefusedByPeer { .. }),
            "{reason:?}"
        );
    }
}
