//! Many switches of the protocol, in plain text and behind `StartTLS`: no descriptor is left of them. In a
//! file of its own, since it counts what the whole process has.
#![cfg(target_os = "linux")]

use std::future::pending;
use std::time::Duration;

use amp_rpc::{
    Amp, Answer, Command, CommandError, Compat, Peer, Responders, Server, SwitchedStream,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than the test takes.
const LONG: Duration = Duration::from_secs(60);

const ROUNDS: usize = 1000;

#[derive(Debug, Command)]
#[amp(switches, error = SwitchError)]
struct Switch {
    name: String,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum SwitchError {
    #[error("no such protocol")]
    #[amp(code = "NO_SUCH_PROTOCOL")]
    NoSuchProtocol,
}

/// A call that is still under way when everything ends.
#[derive(Debug, Command)]
struct Hang {}

async fn switch(command: Switch, peer: Peer) -> Answer<Switch> {
    match command.name.as_str() {
        "echo" => peer.on_switch(echo),
        "drop" => peer.on_switch(async |stream| drop(stream)),
        _ => {
            // What would have gone on is forgotten with the refusal.
            peer.on_switch(echo);
            return Err(SwitchError::NoSuchProtocol.into());
        }
    }
    Ok(())
}

async fn echo(stream: SwitchedStream) {
    let (mut from, mut to) = tokio::io::split(stream);
    // It ends with the other side, which may go without a word.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

fn serving() -> Amp {
    let hang = async |_: Hang| -> Answer<Hang> { pending().await };
    Amp::new().locator(Responders::new().on_with_peer(switch).on(hang))
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn to(name: &str) -> Switch {
    Switch { name: name.into() }
}

/// Uses the other protocol to its end.
async fn use_it(peer: Peer) {
    let under_way = peer.call(Hang {}).start();
    let ((), mut stream) = peer.switch(to("echo")).await.unwrap();
    stream.write_all(b"there and back").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"there and back");
    drop(stream);
    under_way.await.unwrap_err();
}

/// Leaves in the four other ways there are.
async fn leave(peer: Peer, how: usize) {
    match how % 4 {
        // With a stream that nobody reads any more.
        0 => drop(peer.switch(to("echo")).await.unwrap()),
        // Behind a refusal.
        1 => drop(peer.switch(to("nonsense")).await.unwrap_err()),
        // Before there is an answer.
        2 => {
            drop(peer.switch(to("echo")).start());
            peer.closed().await;
        }
        // From a side that has gone already.
        _ => {
            let ((), mut stream) = peer.switch(to("drop")).await.unwrap();
            // It may be a reset, or an end without TLS's farewell.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
}

#[cfg(feature = "_tls")]
mod secure {
    use amp_rpc::{Amp, Identity, Peer, Tls, Trust};

    pub(super) fn serving() -> Amp {
        let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
        let pem = made.cert.pem() + &made.signing_key.serialize_pem();
        super::serving().tls(Tls::new().identity(Identity::from_pem(pem).unwrap()))
    }

    pub(super) async fn begin(peer: &Peer) {
        let tls = Tls::new().trust(Trust::anyone());
        peer.start_tls(tls).await.unwrap();
    }
}

async fn connect(server: &Server, round: usize) -> Peer {
    // In Twisted's mode what is under way outlives the switch.
    let compat = [Compat::default(), Compat::twisted()][round % 2];
    let amp = Amp::new().compat(compat);
    amp.connect_to(server.endpoint()).await.unwrap()
}

/// Waits until no more are open than before. Who has switched has no connection any more that could be asked.
async fn settles(before: usize) {
    let are_closed = async {
        while descriptors() > before {
            tokio::task::yield_now().await;
        }
    };
    let result = tokio::time::timeout(LONG, are_closed).await;
    result.unwrap_or_else(|_| panic!("{} are open instead of {before}", descriptors()));
    assert_eq!(descriptors(), before);
}

#[tokio::test]
async fn no_descriptors() {
    let endpoint = "tcp:0:interface=127.0.0.1";
    let plain = serving().listen(endpoint).await.unwrap();
    #[cfg(feature = "_tls")]
    let tls = secure::serving().listen(endpoint).await.unwrap();
    // What is opened once, such as for the runtime, is open now.
    let before = descriptors();
    for round in 0..ROUNDS {
        use_it(connect(&plain, round).await).await;
        leave(connect(&plain, round).await, round / 2).await;
        #[cfg(feature = "_tls")]
        {
            let peer = connect(&tls, round).await;
            secure::begin(&peer).await;
            use_it(peer).await;
            let peer = connect(&tls, round).await;
            secure::begin(&peer).await;
            leave(peer, round / 2).await;
        }
    }
    settles(before).await;
}
