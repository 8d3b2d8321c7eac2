//! Peers that do not speak TLS, that go away, or that say nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::support::{Outcome, refusal, self_signed};
use crate::tls::{Role, Tls, TlsError, Trust};
use crate::transport::BoxedStream;

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn both_roles() -> Tls {
    self_signed().tls().trust(Trust::anyone())
}

/// A handshake with a peer that says something and closes, or stays.
async fn with_peer_that_says(role: Role, bytes: &[u8], stays: bool) -> TlsError {
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(bytes).await.unwrap();
    let open = stays.then_some(&far);
    let tls = both_roles();
    if open.is_none() {
        far.shutdown().await.unwrap();
    }
    refusal(tls.handshake(BoxedStream::new(near), role, None).await)
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_speaks_instead_is_named() {
    let box_ = b"\x00\x04_ask\x00\x011\x00\x08_command\x00\x03Sum\x00\x00";
    let said: [(&[u8], &str); 10] = [
        (box_, "what looks like a box in plain text"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP"),
        (b"POST / HTTP/1.1\r\n\r\n", "HTTP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "a PROXY header"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c", "a PROXY header"),
        (b"220 mail.example ESMTP\r\n", "something else"),
        // Too short for the head of a record, but the peer has closed.
        (b"no\n", "something else"),
        (b"n", "something else"),
    ];
    for role in ROLES {
        for (bytes, expected) in said {
            let stays = bytes.len() > 5;
            let error = with_peer_that_says(role, bytes, stays).await;
            let message = error.to_string();
            let TlsError::NotTls { first, what } = error else {
                panic!("{role:?} {expected}: {error:?}");
            };
            assert_eq!(what, expected);
            assert!(bytes.starts_with(&first) && first.len() >= bytes.len().min(16));
            assert!(
                message.contains(&first.escape_ascii().to_string()) && message.contains(expected),
                "{message}"
            );
            let remedy = if expected == "a PROXY header" {
                "ListenEndpoint::haproxy"
            } else {
                "use an endpoint without TLS"
            };
            assert!(message.contains(remedy), "{message}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_nonsense_is_another_failure() {
    for role in ROLES {
        let error = with_peer_that_says(role, b"\x16\x03\x01\x00\x04nope", true).await;
        assert!(matches!(error, TlsError::Other(_)), "{role:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_without_a_word() {
    for role in ROLES {
        // Nothing at all, and the head of a record of which the rest never comes.
        for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x01\x00half"] {
            let error = with_peer_that_says(role, bytes, false).await;
            assert!(matches!(error, TlsError::Cut), "{role:?}: {error:?}");
            assert!(error.to_string().contains("may not speak TLS"));
        }
    }
}

/// Passes on what one side says, up to a number of bytes; then both lose the connection.
async fn pass(from: &mut DuplexStream, to: &mut DuplexStream, mut limit: usize) {
    let mut buffer = [0; 64];
    while limit > 0 {
        let end = limit.min(buffer.len());
        let Ok(read @ 1..) = from.read(&mut buffer[..end]).await else {
            return;
        };
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        limit -= read;
    }
}

/// A handshake whose wire is cut after so many bytes of one side.
async fn cut(from_client: usize, from_server: usize) -> (Outcome, Outcome) {
    let tls = both_roles();
    let (near, mut near_wire) = duplex(64 * 1024);
    let (far, mut far_wire) = duplex(64 * 1024);
    let wire = async move {
        pass(&mut near_wire, &mut far_wire, from_client).await;
        pass(&mut far_wire, &mut near_wire, from_server).await;
    };
    let (client, server, ()) = tokio::join!(
        tls.handshake(BoxedStream::new(near), Role::Client, None),
        tls.handshake(BoxedStream::new(far), Role::Server, None),
        wire,
    );
    (client, server)
}

#[tokio::test(start_paused = true)]
async fn a_wire_that_is_cut_in_the_middle() {
    for (from_client, from_server) in [(0, 0), (7, 0), (100, 0)] {
        let (client, server) = cut(from_client, from_server).await;
        for outcome in [client, server] {
            let error = refusal(outcome);
            assert!(matches!(error, TlsError::Cut), "{from_client}: {error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wire_that_is_cut_behind_the_clients_hello() {
    // The hello's length stands in its head.
    let tls = both_roles();
    let (near, mut wire) = duplex(64 * 1024);
    let (head, hello) = tokio::join!(
        async {
            let mut head = [0; 5];
            wire.read_exact(&mut head).await.unwrap();
            drop(wire);
            head
        },
        tls.handshake(BoxedStream::new(near), Role::Client, None)
    );
    assert!(matches!(refusal(hello), TlsError::Cut));
    let length = 5 + usize::from(u16::from_be_bytes([head[3], head[4]]));
    for from_server in [1, 5, 300] {
        let (client, server) = cut(length, from_server).await;
        for outcome in [client, server] {
            let error = refusal(outcome);
            assert!(matches!(error, TlsError::Cut), "{from_server}: {error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing() {
    let limit = Duration::from_secs(7);
    for (tls, expected) in [
        (both_roles(), Duration::from_secs(30)),
        (both_roles().handshake_timeout(limit), limit),
    ] {
        for role in ROLES {
            let (near, _far) = duplex(64 * 1024);
            let before = tokio::time::Instant::now();
            let error = refusal(tls.handshake(BoxedStream::new(near), role, None).await);
            assert!(
                matches!(error, TlsError::TimedOut { limit } if limit == expected),
                "{error:?}"
            );
            let took = before.elapsed();
            assert!(took >= expected && took < expected + Duration::from_secs(1));
            let message = error.to_string();
            assert!(message.contains(&format!("{expected:?}")), "{message}");
        }
    }
}
