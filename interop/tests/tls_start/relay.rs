//! Stands between us and Twisted, and decides what Twisted reads at once.

use amp_rpc::{Amp, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::commands::Begun;

/// How the first bytes of TLS come to Twisted.
#[derive(Clone, Copy)]
pub(crate) enum Hello {
    /// Once Twisted has taken the answer before them.
    Apart,
    /// Together with the answer before them.
    Glued,
}

/// How a record of TLS begins that belongs to the handshake. No box has such bytes here.
const RECORD: &[u8] = b"\x16\x03\x01";

/// Relays one connection to a port, and says on which port it does.
pub(crate) async fn relay(port: u16, hello: Hello) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let relayed = listener.local_addr().expect("an address").port();
    let control = format!("tcp:127.0.0.1:{port}");
    let control = Amp::new().connect(&control).await.expect("it listens");
    tokio::spawn(async move {
        let (ours, _) = listener.accept().await.expect("somebody connects");
        let twisted = TcpStream::connect(("127.0.0.1", port)).await;
        let (mut from_twisted, to_twisted) = twisted.expect("it listens").into_split();
        let (from_us, mut to_us) = ours.into_split();
        tokio::spawn(pass_on(from_us, to_twisted, hello, control));
        // A reset is an end too.
        let _ = copy(&mut from_twisted, &mut to_us).await;
    });
    relayed
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, hello: Hello, control: Peer) {
    let mut held = Vec::new();
    let begins = loop {
        if from.read_buf(&mut held).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(begins) = find(&held, RECORD) {
            break begins;
        }
        let may_be_last = matches!(hello, Hello::Glued) && find(&held, b"\0\x07_answer").is_some();
        if !may_be_last {
            let _ = to.write_all(&held).await;
            held.clear();
        }
    };
    match hello {
        Hello::Apart => {
            let _ = to.write_all(&held[..begins]).await;
            control.call(Begun {}).await.expect("it begins");
            let _ = to.write_all(&held[begins..]).await;
        }
        Hello::Glued => {
            assert_ne!(begins, 0, "the answer is in front");
            let _ = to.write_all(&held).await;
        }
    }
    let _ = copy(&mut from, &mut to).await;
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
