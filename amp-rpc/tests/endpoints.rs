//! Listening and connecting, over every kind of endpoint.

use std::time::Duration;

use amp_rpc::{Amp, AmpBox, Failure, Peer, Responders};

type Raw = Result<AmpBox, Failure>;

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("waited for ever")
}

async fn echo(message: AmpBox, _: Peer) -> Raw {
    Ok(message)
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

/// Calls `Echo` and checks what comes back.
async fn call(peer: &Peer) {
    let arguments = AmpBox::from([("text", "hello")]);
    let answer = soon(peer.call_box("Echo", arguments)).await.unwrap();
    assert_eq!(answer.get("text").unwrap(), b"hello");
}

#[tokio::test]
async fn tcp_serves_calls_on_a_port_that_the_system_chooses() {
    let server = echoing().listen("tcp:0").await.unwrap();
    let endpoint = server.endpoint().to_string();
    assert!(endpoint.starts_with("tcp:127.0.0.1:"), "{endpoint}");
    assert_ne!(endpoint, "tcp:127.0.0.1:0");
    call(&Amp::new().connect(&endpoint).await.unwrap()).await;
}
