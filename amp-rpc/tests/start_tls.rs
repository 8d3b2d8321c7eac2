//! TLS from the middle of a connection.

#![cfg(feature = "tls")]

mod tls_support;

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use amp_rpc::{
    Amp, AmpBox, Answer, CallError, CertificateProblem, Command, CommandError, Compat, EndReason,
    Fields, Peer, Responders, StartTls, StartTlsError, SwitchedStream, Tls, TlsError,
};
use tls_support::Authority;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, copy_bidirectional,
    duplex,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

#[derive(Debug, Command)]
#[amp(response = Number)]
struct Echo {
    n: i32,
}

#[derive(Debug, PartialEq, Fields)]
struct Number {
    n: i32,
}

async fn echo(command: Echo) -> Answer<Echo> {
    Ok(Number { n: command.n })
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on(echo))
}

fn ask(tag: &str, command: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = vec![("_ask", tag), ("_command", command)];
    pairs.extend_from_slice(more);
    pairs.into_iter().collect::<AmpBox>().to_bytes().unwrap()
}

fn answer(tag: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = vec![("_answer", tag)];
    pairs.extend_from_slice(more);
    pairs.into_iter().collect::<AmpBox>().to_bytes().unwrap()
}

fn text<'a>(message: &'a AmpBox, key: &str) -> &'a str {
    std::str::from_utf8(message.get(key).unwrap()).unwrap()
}

async fn read_box(stream: &mut DuplexStream) -> AmpBox {
    let mut bytes = Vec::new();
    loop {
        bytes.push(stream.read_u8().await.unwrap());
        if let Some(Ok(parsed)) = amp_rpc::wire::parse(&bytes).next() {
            return parsed.to_owned();
        }
    }
}

fn tls_error(reason: &EndReason) -> &TlsError {
    match reason {
        EndReason::Tls(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Passes everything on, and remembers what went to the right.
fn tapped(size: usize) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<Vec<u8>>) {
    struct Tap(DuplexStream, Vec<u8>);

    impl AsyncRead for Tap {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
            self.1.extend_from_slice(&buffer.filled()[before..]);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Tap {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    let (left, near) = duplex(size);
    let (mut far, right) = duplex(size);
    let passing = tokio::spawn(async move {
        let mut tap = Tap(near, Vec::new());
        // It ends in an error when one side is dropped first.
        let _ = copy_bidirectional(&mut tap, &mut far).await;
        tap.1
    });
    (left, right, passing)
}

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

/// CVE-2011-0411 and its kin: plain text behind the ask must not be taken for what came over TLS.
#[tokio::test]
async fn boxes_injected_behind_the_ask_are_never_carried_out() {
    let authority = Authority::new("authority");
    for compat in [Compat::default(), Compat::twisted()] {
        let carried_out = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&carried_out);
        let count = move |_: Echo| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { Ok(Number { n: 0 }) }
        };
        let (left, mut raw) = duplex(4096);
        let victim = Amp::new()
            .compat(compat)
            .tls(authority.server())
            .locator(Responders::new().on(count))
            .over(left);
        let bytes = [ask("1", "StartTLS", &[]), ask("2", "Echo", &[("n", "5")])].concat();
        raw.write_all(&bytes).await.unwrap();
        assert_eq!(text(&read_box(&mut raw).await, "_answer"), "1");
        let reason = victim.closed().await;
        let TlsError::NotTls { first, what } = tls_error(&reason) else {
            panic!("{reason:?}");
        };
        assert!(first.starts_with(b"\0\x04_ask"), "{}", first.escape_ascii());
        assert_eq!(*what, "what looks like a box in plain text");
        assert_eq!(carried_out.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn boxes_injected_behind_the_answer_are_never_believed() {
    let authority = Authority::new("authority");
    for compat in [Compat::default(), Compat::twisted()] {
        let (left, mut raw) = duplex(4096);
        let victim = echoing().compat(compat).over(left);
        let under_way = victim.call(Echo { n: 1 }).start();
        let under_way_ask = read_box(&mut raw).await;
        victim.set_tls(authority.client());
        let starting = victim.call(StartTls {}).start();
        let start_ask = read_box(&mut raw).await;
        let bytes = [
            answer(text(&start_ask, "_ask"), &[]),
            answer(text(&under_way_ask, "_ask"), &[("n", "666")]),
        ]
        .concat();
        raw.write_all(&bytes).await.unwrap();
        let reason = victim.closed().await;
        assert!(
            matches!(tls_error(&reason), TlsError::NotTls { .. }),
            "{reason:?}"
        );
        assert!(matches!(
            under_way.await,
            Err(CallError::Ended(EndReason::Tls(_)))
        ));
        assert!(matches!(
            starting.await,
            Err(CallError::Ended(EndReason::Tls(_)))
        ));
    }
}

/// The client may know that it will be granted and send its first record at once.
#[tokio::test]
async fn a_handshake_that_begins_in_the_same_read_as_the_ask_is_one() {
    /// Sends a box before everything else, and takes one off the other way.
    struct Eager(DuplexStream, Vec<u8>, usize);

    impl AsyncRead for Eager {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            while self.2 > 0 {
                let mut byte = [0];
                let mut one = ReadBuf::new(&mut byte);
                ready!(Pin::new(&mut self.0).poll_read(cx, &mut one))?;
                self.2 -= 1;
            }
            Pin::new(&mut self.0).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for Eager {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            let front = std::mem::take(&mut self.1);
            let whole = [&front[..], bytes].concat();
            let written = ready!(Pin::new(&mut self.0).poll_write(cx, &whole))?;
            assert_eq!(written, whole.len(), "the pipe has room");
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    let authority = Authority::new("authority");
    let (left, right) = duplex(65536);
    let _server = echoing().tls(authority.server()).over(left);
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let eager = Eager(right, ask("1", "StartTLS", &[]), answer("1", &[]).len());
    let connector = TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let stream = connector.connect(name, eager).await.unwrap();
    let client = Amp::new().over(stream);
    assert_eq!(client.call(Echo { n: 9 }).await.unwrap(), Number { n: 9 });
}

#[tokio::test]
async fn a_failed_handshake_ends_the_connection_for_everybody_with_the_reason() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let (left, right) = duplex(4096);
    let server = echoing().tls(stranger.server()).over(left);
    let client = Amp::new().over(right);
    client.set_tls(authority.client());
    let starting = client.call(StartTls {}).start();
    let waiting = tokio::spawn(client.call(Echo { n: 1 }).start().owned());
    let Err(CallError::Ended(reason)) = starting.await else {
        panic!("an unknown authority was trusted");
    };
    let problem = match tls_error(&reason) {
        TlsError::Certificate(problem) => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(*problem, CertificateProblem::UnknownAuthority);
    assert!(matches!(
        waiting.await.unwrap(),
        Err(CallError::Ended(EndReason::Tls(_)))
    ));
    let reason = server.closed().await;
    assert!(
        matches!(tls_error(&reason), TlsError::RefusedByPeer { .. }),
        "{reason:?}"
    );
}

#[tokio::test]
async fn a_handshake_that_is_cut_has_a_reason() {
    let authority = Authority::new("authority");
    let (left, mut raw) = duplex(4096);
    let victim = echoing().tls(authority.server()).over(left);
    raw.write_all(&ask("1", "StartTLS", &[])).await.unwrap();
    read_box(&mut raw).await;
    drop(raw);
    let reason = victim.closed().await;
    assert!(matches!(tls_error(&reason), TlsError::Cut), "{reason:?}");
}

#[derive(Debug, Command)]
#[amp(starttls, response = Granted, error = SecureError)]
struct Secure {
    tenant: String,
}

#[derive(Debug, PartialEq, Fields)]
struct Granted {
    by: String,
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum SecureError {
    #[error("no such tenant")]
    #[amp(code = "NO_TENANT")]
    NoTenant,
}

#[tokio::test]
async fn a_command_of_ones_own_chooses_the_certificate() {
    let authority = Arc::new(Authority::new("authority"));
    let issuer = Arc::clone(&authority);
    let secure = move |command: Secure, peer: Peer| {
        let issuer = Arc::clone(&issuer);
        async move {
            if command.tenant == "nobody" {
                return Err(SecureError::NoTenant.into());
            }
            peer.set_tls(Tls::new().identity(issuer.identity(&[&command.tenant])));
            Ok(Granted { by: command.tenant })
        }
    };
    let (left, right) = duplex(4096);
    let responders = Responders::new().on_with_peer(secure).on(echo);
    let _server = Amp::new().locator(responders).over(left);
    let client = Amp::new().over(right);
    client.set_tls(
        Tls::new()
            .trust(authority.trust())
            .server_name("two.example"),
    );
    let tenant = |name: &str| Secure {
        tenant: name.into(),
    };
    let error = client.call(tenant("nobody")).await.unwrap_err();
    assert!(matches!(
        error,
        CallError::Declared {
            error: SecureError::NoTenant,
            ..
        }
    ));
    let granted = client.call(tenant("two.example")).await.unwrap();
    assert_eq!(granted.by, "two.example");
    assert_eq!(client.tls().unwrap().peer().unwrap().names, ["two.example"]);
    assert_eq!(client.call(Echo { n: 1 }).await.unwrap(), Number { n: 1 });
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
