//! What may be injected, cut or wrong in a handshake.

use super::*;

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
