//! Every kind of error that Twisted answers.

use amp_rpc::{AmpBox, CallError, Command, CommandError, EndReason, RemoteError};
use interop::types::commands::{
    Break, BreakError, CatchAll, CatchAllError, Crash, Double, Hold, Lookup, LookupError,
    LookupOwned, LookupOwnedError, OwnCode,
};
use interop::types::echoes::{Echo as _, EchoString};

use crate::{Twisted, closed_by_peer, modes, usable, with_twisted};

/// The error that a command declares and its description.
fn declared<T, E: CommandError>(result: Result<T, CallError<E>>) -> (E, String) {
    match result {
        Err(CallError::Declared { error, description }) => (error, description),
        Err(other) => panic!("not a declared error: {other:?}"),
        Ok(_) => panic!("an answer instead of an error"),
    }
}

/// An error that a command does not declare.
fn undeclared<T, E: CommandError>(result: Result<T, CallError<E>>) -> RemoteError {
    match result {
        Err(CallError::Remote(error)) => *error,
        Err(other) => panic!("not an undeclared error: {other:?}"),
        Ok(_) => panic!("an answer instead of an error"),
    }
}

/// Runs a test in both modes.
async fn check(test: impl AsyncFn(&Twisted, amp_rpc::Peer)) {
    with_twisted(async |twisted| {
        for mode in modes() {
            test(twisted, twisted.connect(mode).await).await;
        }
    })
    .await;
}

#[tokio::test]
async fn declared_errors_have_their_variant_and_description() {
    check(async |_, peer| {
        let lookup = |text: &str| peer.call(Lookup { text: text.into() });
        lookup("").await.expect("nothing is wrong");
        for text in ["it is not", "wörds ☃"] {
            let (error, description) = declared(lookup(text).await);
            assert_eq!(error, LookupError::NotThere(text.into()));
            assert_eq!(description, text);
        }
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn inherited_errors_come_as_what_they_are_included_as() {
    check(async |_, peer| {
        let lookup = |kind: &str| peer.call(LookupOwned { kind: kind.into() });
        lookup("mine").await.expect("nothing is wrong");
        for kind in ["not there", "not there yet"] {
            let (error, _) = declared(lookup(kind).await);
            let expected = LookupError::NotThere(kind.into());
            assert_eq!(error, LookupOwnedError::Lookup(expected));
        }
        let (error, _) = declared(lookup("not yours").await);
        assert_eq!(error, LookupOwnedError::NotYours("not yours".into()));
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn a_fatal_error_comes_before_the_end() {
    check(async |_, peer| {
        let text = "in two".to_owned();
        let waiting = peer.call(Hold { number: 1.into() }).start();
        let (error, _) = declared(peer.call(Break { text }).await);
        assert_eq!(error, BreakError::Broken("in two".into()));
        closed_by_peer(&peer).await;
        ended(waiting.await);
        ended(peer.call(Double { number: 1.into() }).await);
    })
    .await;
}

/// Fails unless a call ended with its connection.
fn ended<T: std::fmt::Debug>(result: Result<T, CallError>) {
    let is_end = matches!(result, Err(CallError::Ended(EndReason::ClosedByPeer)));
    assert!(is_end, "{result:?}");
}

#[tokio::test]
async fn an_undeclared_error_is_unknown_and_the_end() {
    check(async |twisted, peer| {
        let text = "the secret word".to_owned();
        let error = undeclared(peer.call(Crash { text }).await);
        assert_eq!(error.code, b"UNKNOWN");
        assert_eq!(error.description, "Unknown Error");
        closed_by_peer(&peer).await;
        usable(&twisted.connect(modes()[0]).await).await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_argument_is_unknown_and_the_end() {
    check(async |_, peer| {
        let error = undeclared(peer.call_box("Double", AmpBox::new()).await);
        assert_eq!(error.code, b"UNKNOWN");
        closed_by_peer(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn the_catch_all_error_stands_for_others() {
    check(async |_, peer| {
        let text = "whatever".to_owned();
        let (error, _) = declared(peer.call(CatchAll { text }).await);
        assert_eq!(error, CatchAllError::Anything("whatever".into()));
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn codes_chosen_at_run_time_come_as_they_are() {
    check(async |_, peer| {
        let own_code = |code: &'static [u8], fatal| {
            let description = "wörds".to_owned();
            peer.call(OwnCode {
                code: code.into(),
                description,
                fatal,
            })
        };
        for code in [&b"OWN"[..], b"two words", b"\xff\0", b""] {
            let error = undeclared(own_code(code, false).await);
            assert_eq!(error, RemoteError::new(code, "wörds"));
        }
        usable(&peer).await;
        let error = undeclared(own_code(b"END", true).await);
        assert_eq!(error, RemoteError::new("END", "wörds"));
        closed_by_peer(&peer).await;
    })
    .await;
}

/// A command that nobody serves.
#[derive(Debug, Command)]
struct Nobody;

#[tokio::test]
async fn an_unknown_command_is_unhandled() {
    check(async |_, peer| {
        match peer.call(Nobody).await {
            Err(CallError::Unhandled { command, .. }) => assert_eq!(command, b"Nobody"),
            other => panic!("{other:?}"),
        }
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_is_not_sent() {
    check(async |_, peer| {
        let value = vec![b'x'; 65_536].into();
        match peer.call(EchoString::new(value)).await {
            Err(CallError::Local(error)) => {
                let error = error.encode_error().expect("an argument's");
                assert_eq!(error.key(), Some(&b"value"[..]));
            }
            other => panic!("{other:?}"),
        }
        usable(&peer).await;
    })
    .await;
}
