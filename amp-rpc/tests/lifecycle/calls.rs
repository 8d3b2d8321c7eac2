//! Calls that are dropped, cannot be sent, or come from responders.

use super::*;

#[tokio::test]
async fn a_dropped_call_is_abandoned_and_its_late_answer_ignored() {
    let (peer, mut stream) = raw(&Amp::new().compat(Compat::twisted()).extensions(false));
    let call = peer.call_box("Slow", empty()).start();
    let asks = read_boxes(&mut stream, 1).await;
    let tag = asks[0].get("_ask").unwrap().to_vec();
    drop(call);
    let late = AmpBox::from([(b"_answer".to_vec(), tag.clone())]);
    stream.write_all(&late.to_bytes().unwrap()).await.unwrap();
    // The slot is used again, under another tag.
    let call = peer.call_box("Quick", empty()).start();
    let asks = read_boxes(&mut stream, 1).await;
    let second = asks[0].get("_ask").unwrap().to_vec();
    assert_ne!(tag, second);
    let answer = AmpBox::from([(b"_answer".to_vec(), second)]);
    stream.write_all(&answer.to_bytes().unwrap()).await.unwrap();
    soon(call).await.unwrap();
    // Now it is the second answer to the same ask, which Twisted does not survive.
    stream.write_all(&late.to_bytes().unwrap()).await.unwrap();
    let EndReason::Ended(reason) = soon(peer.closed()).await else {
        panic!("{:?}", peer.end_reason());
    };
    assert_eq!(*reason, CloseReason::UnknownTag);
}

#[tokio::test]
async fn what_cannot_be_encoded_is_not_sent() {
    let (_server, client) = pair_of(&echoing(), &Amp::new());
    let long = AmpBox::from([("data", "x".repeat(65_536))]);
    let error = soon(client.call_box("Echo", long)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"cannot send "Echo": `data`: the value has 65536 bytes, the limit is 65535"#
    );
    let most = AmpBox::from([("data", "x".repeat(65_535))]);
    let answer = soon(client.call_box("Echo", most)).await.unwrap();
    assert_eq!(answer.get("data").map(<[u8]>::len), Some(65_535));
}

#[tokio::test]
async fn calls_of_a_responder_precede_its_answer() {
    let amp = Amp::new().locator(
        Responders::new().on_box("Work", |_, peer: Peer| async move {
            for _ in 0..3 {
                peer.tell_box("Progress", AmpBox::new()).await.unwrap();
            }
            Ok(AmpBox::new())
        }),
    );
    let (_peer, mut stream) = raw(&amp);
    let asks = [ask("Work", "1"), ask("Work", "2")].concat();
    stream.write_all(&asks).await.unwrap();
    let boxes = read_boxes(&mut stream, 8).await;
    let answers: Vec<_> = boxes.iter().map(|b| b.get("_answer")).collect();
    let one = Some(&b"1"[..]);
    let two = Some(&b"2"[..]);
    assert_eq!(answers, [None, None, None, one, None, None, None, two]);
}

/// As a `select!` in a loop may do, one of whose branches does not take an error.
#[tokio::test]
async fn a_call_that_has_ended_is_never_sent_again() {
    let (peer, mut stream) = raw(&echoing().extensions(false));
    let serve = async {
        let asks = read_boxes(&mut stream, 1).await;
        let error = AmpBox::from([
            ("_error", asks[0].get("_ask").unwrap()),
            ("_error_code", b"NO"),
            ("_error_description", b"no"),
        ]);
        stream.write_all(&error.to_bytes().unwrap()).await.unwrap();
    };
    let mut call = peer.call_box("Pay", AmpBox::from([("amount", "5")]));
    let (ended, ()) = soon(async { tokio::join!(&mut call, serve) }).await;
    assert!(ended.is_err());
    // To start it twice is to start it.
    let mut tell = peer.tell_box("Log", empty()).start().start();
    soon(&mut tell).await.unwrap();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let again = |poll: &mut dyn FnMut() -> bool| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err()
    };
    assert!(again(&mut || Pin::new(&mut call).poll(&mut cx).is_ready()));
    assert!(again(&mut || Pin::new(&mut tell).poll(&mut cx).is_ready()));
    drop((call, tell));
    assert_eq!(
        read_boxes(&mut stream, 1).await[0].get("_command").unwrap(),
        b"Log"
    );
    peer.close();
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty(), "{}", rest.escape_ascii());
}
