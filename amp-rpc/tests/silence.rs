//! Peers that are gone, connections that nobody uses, and those that never begin. Time is paused.

mod raw_support;

use std::time::Duration;

use amp_rpc::{Amp, AmpBox, Answer, Command, Compat, EndReason, Failure, Peer, Responders};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use crate::raw_support::read_box;

const MINUTE: Duration = Duration::from_secs(60);

fn empty() -> AmpBox {
    AmpBox::new()
}

fn raw(amp: &Amp) -> (Peer, DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 16);
    (amp.over(one), other)
}

fn unhandled(message: &AmpBox) -> Vec<u8> {
    let error = AmpBox::from([
        ("_error", message.get("_ask").unwrap()),
        ("_error_code", b"UNHANDLED"),
        ("_error_description", b"Unhandled Command"),
    ]);
    error.to_bytes().unwrap()
}

async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    Ok(message)
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answered_once_and_falls_silent_is_gone() {
    let (peer, mut stream) = raw(&Amp::new());
    let start = Instant::now();
    let call = peer.call_box("Slow", empty()).start();
    read_box(&mut stream).await;
    let probe = read_box(&mut stream).await;
    assert_eq!(probe.get("_command").unwrap(), b"_amp-rpc");
    assert_eq!(start.elapsed(), MINUTE);
    stream.write_all(&unhandled(&probe)).await.unwrap();
    // It was heard of in the second minute, is asked after the third, and given up after the fourth.
    let EndReason::Silent(silence) = peer.ended().await else {
        panic!("{:?}", peer.end_reason());
    };
    assert_eq!(silence, 2 * MINUTE);
    assert_eq!(start.elapsed(), 4 * MINUTE);
    assert!(call.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answered_is_left_alone() {
    let (peer, mut stream) = raw(&Amp::new());
    tokio::time::sleep(1_000 * MINUTE).await;
    assert!(peer.end_reason().is_none());
    // It was asked once.
    read_box(&mut stream).await;
    peer.close();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn whatever_comes_is_a_sign_of_life() {
    let (peer, mut stream) = raw(&echoing());
    // A byte of a box every so often.
    let ask = AmpBox::from([("_ask", "1"), ("_command", "Echo")]);
    for byte in ask.to_bytes().unwrap() {
        tokio::time::sleep(MINUTE * 2 / 3).await;
        stream.write_all(&[byte]).await.unwrap();
    }
    let answer = read_box(&mut stream).await;
    assert!(answer.contains_key("_answer"));
    assert!(peer.end_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_want_to_is_not_asked() {
    for amp in [
        Amp::new().no_keepalive(),
        Amp::new().keepalive(Duration::MAX),
        Amp::new().keepalive(MINUTE).compat(Compat::twisted()),
    ] {
        let (peer, mut stream) = raw(&amp);
        tokio::time::sleep(1_000 * MINUTE).await;
        peer.close();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn two_sides_keep_each_other_alive() {
    let (one, other) = tokio::io::duplex(1 << 16);
    let (one, other) = (Amp::new().over(one), echoing().over(other));
    tokio::time::sleep(10_000 * MINUTE).await;
    one.call_box("Echo", empty()).await.unwrap();
    assert!(other.end_reason().is_none());
}

#[derive(Command)]
#[amp(switches)]
struct Switch {}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_while_a_switch_is_undecided() {
    let (peer, mut stream) = raw(&Amp::new());
    let call = peer.switch(Switch {}).start();
    let asked = read_box(&mut stream).await;
    tokio::time::sleep(1_000 * MINUTE).await;
    stream.write_all(&unhandled(&asked)).await.unwrap();
    assert!(call.await.is_err());
    peer.close();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

/// While this side reads nothing, it cannot hear anything.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_made_to_wait_is_not_given_up() {
    let wait = |_, _| async {
        tokio::time::sleep(100 * MINUTE).await;
        Ok(empty())
    };
    let server = Amp::new()
        .locator(Responders::new().on_box("Wait", wait))
        .max_running(1);
    let (one, other) = tokio::io::duplex(1 << 16);
    let (server, client) = (server.over(one), Amp::new().no_keepalive().over(other));
    // The client has given a sign of life.
    tokio::time::sleep(2 * MINUTE).await;
    let calls = [0; 2].map(|_| client.call_box("Wait", empty()).start());
    for call in calls {
        call.await.unwrap();
    }
    assert!(server.end_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_uses_is_closed() {
    let server = echoing().idle_timeout(10 * MINUTE);
    let (one, other) = tokio::io::duplex(1 << 16);
    let (server, client) = (server.over(one), Amp::new().over(other));
    let start = Instant::now();
    for _ in 0..10 {
        tokio::time::sleep(6 * MINUTE).await;
        client.call_box("Echo", empty()).await.unwrap();
    }
    // Signs of life are no use.
    assert!(matches!(client.ended().await, EndReason::ClosedByPeer));
    let unused = start.elapsed() - 60 * MINUTE;
    assert!((10 * MINUTE..=20 * MINUTE).contains(&unused), "{unused:?}");
    assert!(matches!(server.end_reason(), Some(EndReason::Idle(_))));
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_is_use() {
    let (peer, mut stream) = raw(&Amp::new().idle_timeout(MINUTE));
    let call = peer.call_box("Slow", empty()).start();
    let asked = read_box(&mut stream).await;
    tokio::time::sleep(100 * MINUTE).await;
    let answer = AmpBox::from([("_answer", asked.get("_ask").unwrap())]);
    stream.write_all(&answer.to_bytes().unwrap()).await.unwrap();
    call.await.unwrap();
    assert!(matches!(peer.ended().await, EndReason::Idle(_)));
}

#[tokio::test(start_paused = true)]
async fn a_first_box_has_its_time() {
    let amp = echoing().first_box_timeout(MINUTE);
    let server = amp.listen("memory:first-box").await.unwrap();
    let (mut boxes, sender) = Amp::new()
        .connect_for_boxes("memory:first-box")
        .await
        .unwrap();
    let good = Amp::new().connect("memory:first-box").await.unwrap();
    good.call_box("Echo", empty()).await.unwrap();
    let start = Instant::now();
    // Somebody who sends nothing, and one who has sent a box.
    assert!(boxes.next().await.is_none());
    assert!(start.elapsed() <= MINUTE);
    tokio::time::sleep(10 * MINUTE).await;
    good.call_box("Echo", empty()).await.unwrap();
    assert_eq!(server.peers().len(), 1);
    drop(sender);
}

/// A part of a box is none.
#[tokio::test(start_paused = true)]
async fn a_box_that_never_ends_does_not_count() {
    let amp = echoing().first_box_timeout(MINUTE);
    let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
    let port: u16 = server
        .endpoint()
        .to_string()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    stream.write_all(b"\0\x04_ask\0").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[derive(Command)]
struct Ping {}

/// Nor does it matter in how many pieces it comes, even where others have made its command known before.
#[tokio::test(start_paused = true)]
async fn a_first_box_that_comes_in_pieces_counts() {
    let responders = Responders::new().on(async |_: Ping| Answer::<Ping>::Ok(()));
    let amp = Amp::new()
        .locator(responders)
        .first_box_timeout(MINUTE)
        .no_keepalive();
    let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
    let endpoint = server.endpoint().to_string();
    // The first few keep to themselves what they know.
    let mut others = Vec::new();
    for _ in 0..10 {
        let other = Amp::new().connect(&endpoint).await.unwrap();
        other.call(Ping {}).await.unwrap();
        others.push(other);
    }
    let port: u16 = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let ask = b"\0\x04_ask\0\x011\0\x08_command\0\x04Ping\0\0";
    stream.write_all(&ask[..1]).await.unwrap();
    // By then, the first piece was read.
    others[0].call(Ping {}).await.unwrap();
    stream.write_all(&ask[1..]).await.unwrap();
    let mut answer = [0; 14];
    for _ in 0..2 {
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"\0\x07_answer\0\x011\0\0");
        tokio::time::sleep(10 * MINUTE).await;
        stream.write_all(ask).await.unwrap();
    }
}

/// The peer was promised the other protocol, but does not read what comes before it.
#[tokio::test(start_paused = true)]
async fn a_close_does_not_wait_for_ever_behind_a_switch() {
    let grant = |_: Switch, peer: Peer| {
        peer.on_switch(async |_| {});
        async { Answer::<Switch>::Ok(()) }
    };
    let long = |_, _| async { Ok(AmpBox::from([("long", "x".repeat(10_000))])) };
    let responders = Responders::new().on_with_peer(grant).on_box("Long", long);
    let (one, mut stream) = tokio::io::duplex(100);
    let peer = Amp::new().no_keepalive().locator(responders).over(one);
    for command in ["Long", "Switch"] {
        let ask = AmpBox::from([("_ask", "1"), ("_command", command)]);
        stream.write_all(&ask.to_bytes().unwrap()).await.unwrap();
    }
    tokio::time::sleep(MINUTE).await;
    assert!(peer.end_reason().is_none());
    peer.close();
    assert!(matches!(peer.closed().await, EndReason::ClosedHere));
}
