//! What comes while this side's ask for another protocol is undecided, and goes on when it is refused. Time is paused.

mod raw_support;

use std::time::Duration;

use amp_rpc::{Amp, AmpBox, Answer, Command, Failure, Peer, Responders};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::raw_support::read_box;

#[derive(Command)]
#[amp(switches)]
struct Switch {}

async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    Ok(message)
}

/// Never answers.
async fn wait(_: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    std::future::pending().await
}

/// Refuses to switch when it is told to; says that it was asked.
fn refusing(asked: mpsc::UnboundedSender<mpsc::UnboundedSender<()>>) -> Responders {
    let switch = move |_: Switch| {
        let asked = asked.clone();
        async move {
            let (refuse, mut refused) = mpsc::unbounded_channel();
            asked.send(refuse).unwrap();
            refused.recv().await;
            Answer::<Switch>::Err(Failure::unexpected("no"))
        }
    };
    Responders::new().on(switch).on_box("Wait", wait)
}

fn ask(tag: &str, command: &str) -> Vec<u8> {
    let message = AmpBox::from([("_ask", tag), ("_command", command)]);
    message.to_bytes().unwrap()
}

/// Lets everything happen that can.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn answers_keep_their_order() {
    let (one, mut stream) = tokio::io::duplex(1 << 16);
    let peer = Amp::new()
        .locator(Responders::new().on_box("Echo", echo).serial())
        .over(one);
    let switch = peer.switch(Switch {}).start();
    let asked = read_box(&mut stream).await;
    // The answer to this one is held.
    stream.write_all(&ask("a", "Echo")).await.unwrap();
    settle().await;
    // That to this one is not written yet when the refusal is dealt with.
    let refusal = AmpBox::from([
        ("_error", asked.get("_ask").unwrap()),
        ("_error_code", b"NO"),
        ("_error_description", b"no"),
    ]);
    let both = [ask("b", "Echo"), refusal.to_bytes().unwrap()].concat();
    stream.write_all(&both).await.unwrap();
    assert!(switch.await.is_err());
    for tag in [b"a", b"b"] {
        let answer = read_box(&mut stream).await;
        assert_eq!(answer.get("_answer").unwrap(), tag);
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_finishes_meanwhile_says_so_afterwards() {
    for switches in [false, true] {
        let (asked, mut asks) = mpsc::unbounded_channel();
        let (one, other) = tokio::io::duplex(1 << 16);
        let server = Amp::new().locator(refusing(asked.clone())).over(one);
        let client = Amp::new().locator(refusing(asked)).over(other);
        let leaving = tokio::spawn({
            let client = client.clone();
            async move { client.leaving().await }
        });
        let _under_way = client.call_box("Wait", AmpBox::new()).start();
        settle().await;
        if switches {
            let switch = tokio::spawn(server.switch(Switch {}).owned());
            let refuse = asks.recv().await.unwrap();
            server.finish();
            settle().await;
            assert!(!leaving.is_finished());
            refuse.send(()).unwrap();
            assert!(switch.await.unwrap().is_err());
        } else {
            server.finish();
        }
        settle().await;
        assert!(leaving.is_finished(), "after a switch: {switches}");
        assert!(client.end_reason().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_wants_to_know_meanwhile_asks_afterwards() {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let (one, other) = tokio::io::duplex(1 << 16);
    let server = Amp::new().locator(refusing(asked)).over(one);
    let client = Amp::new().over(other);
    let _under_way = client.call_box("Wait", AmpBox::new()).start();
    let switch = tokio::spawn(client.switch(Switch {}).owned());
    let refuse = asks.recv().await.unwrap();
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.leaving().await }
    });
    settle().await;
    refuse.send(()).unwrap();
    assert!(switch.await.unwrap().is_err());
    settle().await;
    server.finish();
    settle().await;
    assert!(leaving.is_finished());
    assert!(client.end_reason().is_none());
}
