//! We have connected and ask.

use amp_rpc::{Amp, CallError, Compat, EndReason, Peer, SwitchedStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use crate::protocols::read;
use crate::transports::{Files, Over};
use crate::twisted::{BecomeError, Twisted, soon, to};

/// Connects, and has TLS begin where it begins later.
async fn connect(files: &Files, over: Over, compat: Compat) -> (Twisted, Peer) {
    let (twisted, port) = Twisted::serve(files, &files.listen(over)).await;
    let amp = Amp::new().compat(compat);
    let peer = soon(amp.connect(&files.connect(over, &port))).await;
    let peer = peer.expect("it listens");
    if over == Over::StartTls {
        soon(peer.start_tls(files.trusting()))
            .await
            .expect("it is granted");
    }
    assert_eq!(peer.tls().is_some(), over != Over::Tcp);
    (twisted, peer)
}

async fn switch(peer: &Peer, name: &str) -> SwitchedStream {
    let ((), stream) = soon(peer.switch(to(name))).await.expect("it is granted");
    assert_eq!(stream.tls().is_some(), peer.tls().is_some());
    assert!(matches!(soon(peer.closed()).await, EndReason::Switched));
    stream
}

#[tokio::test]
async fn twisted_s_web_server() {
    let files = Files::new("asking-http");
    let body: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    for over in Over::ALL {
        for compat in [Compat::default(), Compat::twisted()] {
            let (_twisted, peer) = connect(&files, over, compat).await;
            let (from, mut to) = tokio::io::split(switch(&peer, "http").await);
            let mut from = BufReader::new(from);
            // Two requests on one connection.
            for path in ["/one", "/two"] {
                let head = format!(
                    "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let sending = async {
                    for part in [head.as_bytes(), &body] {
                        to.write_all(part).await.expect("it is read");
                    }
                    to.flush().await.expect("it is read");
                };
                let (response, ()) = soon(async { tokio::join!(read(&mut from), sending) }).await;
                assert_eq!(response.head[0], "HTTP/1.1 200 OK", "{over:?}");
                let marked = format!("X-Path: {path}");
                assert!(response.head.contains(&marked), "{:?}", response.head);
                assert!(response.body == body, "it is not what was posted");
            }
        }
    }
}

#[tokio::test]
async fn twisted_s_lines_behind_a_refusal() {
    let files = Files::new("asking-lines");
    for over in Over::ALL {
        let (_twisted, peer) = connect(&files, over, Compat::default()).await;
        let refused = soon(peer.switch(to("nonsense"))).await;
        assert!(
            matches!(
                &refused,
                Err(CallError::Declared {
                    error: BecomeError::NoSuchProtocol,
                    ..
                })
            ),
            "{:?}",
            refused.err()
        );
        let mut stream = switch(&peer, "lines").await;
        stream
            .write_all(b"hello\r\nend\r\n")
            .await
            .expect("it is read");
        stream.flush().await.expect("it is read");
        let mut all = String::new();
        soon(stream.read_to_string(&mut all)).await.expect("an end");
        assert_eq!(all, "ready\r\nHELLO\r\nEND\r\n", "{over:?}");
    }
}
