//! Whose faults end what.

use super::*;

#[tokio::test]
async fn a_panic_is_an_unknown_error_and_harms_nobody() {
    let amp = Amp::new().locator(
        Responders::new()
            .on_box("Early", |_, _| -> std::future::Ready<Raw> {
                panic!("secret")
            })
            .on_box("Late", |_, _| async {
                tokio::task::yield_now().await;
                panic!("secret")
            })
            .on_box("Echo", echo),
    );
    let (_server, client) = pair_of(&amp, &Amp::new());
    for name in ["Early", "Late", "Early", "Late"] {
        let error = soon(client.call_box(name, empty())).await.unwrap_err();
        let CallError::Remote(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(*error, RemoteError::new("UNKNOWN", "Unknown Error"));
        soon(client.call_box("Echo", empty())).await.unwrap();
    }
}

#[tokio::test]
async fn a_panicking_locator_is_an_unknown_error() {
    struct Broken;
    impl Locator for Broken {
        fn locate(&self, command: &[u8]) -> Option<Responder> {
            assert_eq!(command, b"Echo", "secret");
            Some(Responder::on_box(echo))
        }
    }
    let (_server, client) = pair_of(&Amp::new().locator(Broken), &Amp::new());
    let error = soon(client.call_box("Other", empty())).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error:?}");
    soon(client.call_box("Echo", empty())).await.unwrap();
}

#[tokio::test]
async fn a_spawned_responder_answers_and_may_panic() {
    let amp = Amp::new().locator(
        Responders::new()
            .on_box("Panic", |_, _| async { panic!("secret") })
            .on_box("Echo", echo)
            .spawned(),
    );
    let (_server, client) = pair_of(&amp, &Amp::new());
    let error = soon(client.call_box("Panic", empty())).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error:?}");
    soon(client.call_box("Echo", empty())).await.unwrap();
}

#[tokio::test]
async fn a_failed_tell_is_ignored_unless_it_is_twisted() {
    let fail = |_, _| async { Err(Failure::unexpected("no")) };
    let responders = || Responders::new().on_box("Fail", fail).on_box("Echo", echo);
    let (_server, client) = pair_of(&Amp::new().locator(responders()), &Amp::new());
    client.tell_box("Fail", empty()).await.unwrap();
    client.tell_box("Unknown", empty()).await.unwrap();
    soon(client.call_box("Echo", empty())).await.unwrap();

    let twisted = Amp::new().locator(responders()).compat(Compat::twisted());
    let (server, client) = pair_of(&twisted, &Amp::new());
    client.tell_box("Fail", empty()).await.unwrap();
    let EndReason::Ended(reason) = soon(server.closed()).await else {
        panic!("{:?}", server.end_reason());
    };
    assert_eq!(*reason, CloseReason::FailureWithoutAsk);
}

#[tokio::test]
async fn an_unknown_error_closes_only_as_twisted() {
    let fail = |_, _| async { Err(Failure::unexpected("secret")) };
    for (compat, closes) in [(Compat::default(), false), (Compat::twisted(), true)] {
        let amp = Amp::new()
            .locator(Responders::new().on_box("Fail", fail))
            .compat(compat);
        let (server, client) = pair_of(&amp, &Amp::new());
        let error = soon(client.call_box("Fail", empty())).await.unwrap_err();
        assert!(matches!(error, CallError::Remote(_)), "{error:?}");
        if closes {
            soon(server.closed()).await;
        } else {
            soon(client.call_box("Fail", empty())).await.unwrap_err();
            assert!(server.end_reason().is_none());
        }
    }
}

#[tokio::test]
async fn answers_are_written_before_garbage_ends_the_connection() {
    let (peer, mut stream) = raw(&echoing());
    let mut bytes = ask("Echo", "1");
    bytes.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
    stream.write_all(&bytes).await.unwrap();
    let boxes = read_to_end(&mut stream).await;
    assert_eq!(boxes, [AmpBox::from([("_answer", "1")])]);
    let reason = soon(peer.closed()).await;
    let EndReason::Ended(reason) = reason else {
        panic!("{reason:?}");
    };
    assert!(reason.to_string().contains("look like HTTP"), "{reason}");
}

#[tokio::test]
async fn asks_behind_a_fatal_error_are_carried_out_only_as_twisted() {
    let fatal = |_, _| async { Err(RemoteError::new("FATAL", "over").fatal().into()) };
    for (compat, answers) in [(Compat::default(), 1), (Compat::twisted(), 2)] {
        let responders = Responders::new()
            .on_box("Fatal", fatal)
            .on_box("Echo", echo);
        let (peer, mut stream) = raw(&Amp::new().compat(compat).locator(responders));
        let asks = [ask("Fatal", "1"), ask("Echo", "2")].concat();
        stream.write_all(&asks).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await.len(), answers);
        assert!(matches!(soon(peer.closed()).await, EndReason::Ended(_)));
    }
}

#[tokio::test]
async fn a_box_over_the_limit_ends_its_connection() {
    let amp = echoing().limits(Limits::default().box_bytes(100));
    let (peer, mut stream) = raw(&amp);
    let large = AmpBox::from([("_command", "Echo".to_owned()), ("a", "x".repeat(100))]);
    stream.write_all(&large.to_bytes().unwrap()).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, []);
    assert!(matches!(soon(peer.closed()).await, EndReason::Ended(_)));
}

/// What a program prints that unwraps.
#[tokio::test]
async fn errors_are_readable_as_they_are_printed_for_programmers() {
    let (peer, mut stream) = raw(&Amp::new());
    let mut check = async |code: &str, expected: &str| {
        let call = peer.call_box("Do", empty()).start();
        let asked = read_boxes(&mut stream, 1).await;
        let mut error = AmpBox::from([("_error", asked[0].get("_ask").unwrap())]);
        if !code.is_empty() {
            error.insert("_error_code", code);
            error.insert("_error_description", "why");
        }
        stream.write_all(&error.to_bytes().unwrap()).await.unwrap();
        let error = soon(call).await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
    };
    check(
        "NO",
        r#"Remote(RemoteError { code: "NO", description: "why", fatal: false })"#,
    )
    .await;
    check(
        "UNHANDLED",
        r#"Unhandled { command: "Do", description: "why" }"#,
    )
    .await;
    check(
        "",
        r#"BadAnswer(bad answer to "Do": an error without code or description)"#,
    )
    .await;
    let long = AmpBox::from([("data", "x".repeat(65_536))]);
    let error = soon(peer.call_box("Do", long)).await.unwrap_err();
    assert_eq!(format!("{error:?}"), format!("LocalError({error})"));
}
