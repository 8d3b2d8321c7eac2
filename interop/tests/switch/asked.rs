//! Twisted has connected and asks.

use amp_rpc::{Amp, Answer, Compat, EndReason, Peer, Responders, Server};
use serde_json::json;

use crate::protocols::{serve, shout};
use crate::transports::{Files, Over};
use crate::twisted::{Become, BecomeError, Go, Twisted, soon};

async fn r#become(command: Become, peer: Peer) -> Answer<Become> {
    match command.name.as_str() {
        "http" => peer.on_switch(serve),
        "lines" => peer.on_switch(shout),
        _ => return Err(BecomeError::NoSuchProtocol.into()),
    }
    Ok(())
}

pub(crate) fn becoming() -> Amp {
    Amp::new().locator(Responders::new().on_with_peer(r#become))
}

/// The connection that Twisted has made.
async fn accepted(server: &Server) -> Peer {
    loop {
        if let Some(peer) = server.peers().pop() {
            return peer;
        }
        tokio::task::yield_now().await;
    }
}

/// Has Twisted ask for a protocol, over everything there is and in both modes.
async fn check(name: &str, says: &[serde_json::Value]) {
    let files = Files::new(&format!("asked-{name}"));
    for over in Over::ALL {
        for compat in [Compat::default(), Compat::twisted()] {
            let amp = becoming().compat(compat).tls(files.showing());
            let server = amp.listen(&files.listen(over)).await.expect("a free port");
            let endpoint = server.endpoint().to_string();
            let port = endpoint
                .split(':')
                .find_map(|part| part.parse::<u16>().ok());
            let port = port.expect("a port").to_string();
            let mut twisted = Twisted::connect(&files, &files.connect(over, &port));
            let peer = soon(accepted(&server)).await;
            let go = Go {
                name: name.into(),
                secure: over == Over::StartTls,
            };
            soon(peer.call(go)).await.expect("it will");
            for what in says {
                assert_eq!(twisted.tells().await, *what, "{over:?}");
            }
            assert_eq!(peer.tls().is_some(), over != Over::Tcp);
            let reason = soon(peer.closed()).await;
            assert!(matches!(reason, EndReason::Switched), "{reason:?}");
        }
    }
}

#[tokio::test]
async fn twisted_s_web_client() {
    check(
        "http",
        &[json!({ "code": 200, "path": "/there", "is_whole": true })],
    )
    .await;
}

#[tokio::test]
async fn twisted_s_lines() {
    check("lines", &[json!({ "lines": ["ready", "HELLO"] })]).await;
}

/// It goes on with AMP, and asks for lines.
#[tokio::test]
async fn twisted_s_lines_behind_a_refusal() {
    let says = [
        json!({ "failed": true }),
        json!({ "lines": ["ready", "HELLO"] }),
    ];
    check("nonsense", &says).await;
}
