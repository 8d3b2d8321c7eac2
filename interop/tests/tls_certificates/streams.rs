//! Much at once, how a connection ends, and connections that never come to be.

use amp_rpc::EndReason;
use futures::future::join_all;

use super::support::certificates::{Authority, Folder};
use super::{Leave, Sum, amp, connect, error, port, soon, twisted_calls, twisted_serves};

#[tokio::test]
async fn nothing_is_lost_and_the_end_is_no_failure() {
    let (authority, folder) = (Authority::new("authority"), Folder::new("streams"));
    let own = folder.file("server.pem", &authority.issue(&["localhost"]));
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let server = twisted_serves(&format!("ssl:0:privateKey={own}:interface=127.0.0.1"));
    // Here the host of the string is the one that is connected to.
    let peer = connect(&format!(
        "tls:localhost:{}:trustRoots={trusted}",
        server.port
    ))
    .await;
    // More than fits into one record, in both directions.
    let calls = (0..2000).map(|number| peer.call(Sum { a: number, b: 1 }));
    for (number, answer) in (1..).zip(soon(join_all(calls)).await) {
        assert_eq!(answer.expect("a sum").total, number);
    }
    // Twisted says farewell in TLS, so nothing can have been cut off.
    soon(peer.call(Leave {})).await.expect("an answer");
    let reason = soon(peer.closed()).await;
    assert!(matches!(reason, EndReason::ClosedByPeer), "{reason:?}");
}

#[tokio::test]
async fn twisted_refuses_us_and_others_notice_nothing() {
    let (authority, folder) = (Authority::new("authority"), Folder::new("streams-refused"));
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let stranger = Authority::new("stranger");
    for (pem, expected) in [
        (authority.issue(&["example.org"]), "VerificationError"),
        // Twisted has no more to say about these.
        (
            authority.issue_expired(&["localhost"]),
            "certificate verify failed",
        ),
        (stranger.issue(&["localhost"]), "certificate verify failed"),
    ] {
        let own = folder.file("server.pem", &pem);
        let endpoint = format!("ssl:0:privateKey={own}:interface=127.0.0.1");
        let server = amp().listen(&endpoint).await.expect("a free port");
        let port = port(&server);
        let found = twisted_calls(&format!("tls:localhost:{port}:trustRoots={trusted}")).await;
        assert!(error(&found).contains(expected), "{found}");
        let found = twisted_calls(&format!("ssl:127.0.0.1:{port}")).await;
        assert_eq!(found["total"], 94, "{found}");
    }
}

#[tokio::test]
async fn twisted_in_plain_text_is_turned_away() {
    let (authority, folder) = (Authority::new("authority"), Folder::new("streams-plain"));
    let own = folder.file("server.pem", &authority.issue(&["localhost"]));
    let endpoint = format!("ssl:0:privateKey={own}:interface=127.0.0.1");
    let server = amp().listen(&endpoint).await.expect("a free port");
    let port = port(&server);
    error(&twisted_calls(&format!("tcp:127.0.0.1:{port}")).await);
    let found = twisted_calls(&format!("ssl:127.0.0.1:{port}")).await;
    assert_eq!(found["total"], 94, "{found}");
}

#[tokio::test]
async fn twisted_with_tls_is_turned_away_from_a_plain_port() {
    let endpoint = "tcp:0:interface=127.0.0.1";
    let server = amp().listen(endpoint).await.expect("a free port");
    let port = port(&server);
    error(&twisted_calls(&format!("ssl:127.0.0.1:{port}")).await);
    let peer = connect(&format!("tcp:127.0.0.1:{port}")).await;
    let answer = soon(peer.call(Sum { a: 1, b: 2 })).await;
    assert_eq!(answer.expect("a sum").total, 3);
}
