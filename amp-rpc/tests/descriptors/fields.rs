//! Boxes whose descriptors are not there, and transports that have none.

use amp_rpc::{AmpBox, CallError, Peer, wire};

use crate::support::{LONG, Open, Write1, message, pair, read_all, serving, text, with_raw};

async fn refused(peer: &Peer, ordinal: &str) -> String {
    let arguments = AmpBox::from([("file", ordinal), ("text", "hello")]);
    match peer.call_box("Write1", arguments).await {
        Err(CallError::Remote(error)) => error.description,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_ordinal_without_a_file_is_a_bad_argument() {
    let (_server, peer) = pair(&serving());
    let none = "bad arguments for \"Write1\": `file`: expected a file descriptor, but none with the \
                ordinal 0 has come, or it was taken before";
    assert_eq!(refused(&peer, "0").await, none);
    for ordinal in ["x", "-1", "", "99999999999999999999"] {
        let description = refused(&peer, ordinal).await;
        let wanted = "expected the ordinal of a file descriptor, got";
        assert!(description.contains(wanted), "{description}");
    }
    // Nothing of that has counted.
    let open = Open {
        text: "still there".into(),
        padding: 0,
    };
    let opened = peer.call(open).await.unwrap();
    assert_eq!(read_all(opened.file).await, "still there");
}

#[tokio::test]
async fn a_file_can_be_taken_once() {
    let (_peer, mut raw) = with_raw(&serving());
    let ask = message(&[
        ("_ask", "1"),
        ("_command", "Write1"),
        ("file", "0"),
        ("text", ""),
    ]);
    let answers = tokio::task::spawn_blocking(move || {
        raw.send(&ask, &[&text("")]);
        let first = raw.read_box();
        raw.send(&ask, &[]);
        [first, raw.read_box()]
    });
    let answers = tokio::time::timeout(LONG, answers).await.unwrap().unwrap();
    assert_eq!(answers[0], message(&[("_answer", "1")]));
    let second = wire::parse(&answers[1]).next().unwrap().unwrap().to_owned();
    let description = String::from_utf8_lossy(second.get("_error_description").unwrap());
    assert!(description.ends_with("taken before"), "{description}");
}

#[tokio::test]
async fn transports_that_carry_no_files_say_so() {
    let (left, right) = tokio::io::duplex(1024);
    let _server = serving().over(left);
    let peer = serving().over(right);
    let write = Write1 {
        file: text(""),
        text: String::new(),
    };
    let error = peer.call(write).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot send \"Write1\": `file`: the connection cannot carry file descriptors; one over a Unix \
         socket can"
    );
    let description = refused(&peer, "0").await;
    assert!(
        description.ends_with(
            "`file`: expected a file descriptor, but the connection cannot carry any (the box has the \
             ordinal 0)"
        ),
        "{description}"
    );
    let open = Open {
        text: String::new(),
        padding: 0,
    };
    let error = peer.call(open).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error}");
}
