//! Many handshakes, one after the other: no descriptor is left of them. In a file of its own, since it counts
//! what the whole process has.
#![cfg(all(target_os = "linux", feature = "_tls"))]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use amp_rpc::{Address, Amp, AmpBox, Failure, Identities, Peer, Responders, Server, Tls, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than the test takes.
const LONG: Duration = Duration::from_secs(60);

const START_TLS: &[u8] = b"\0\x04_ask\0\x011\0\x08_command\0\x08StartTLS\0\0";

/// A folder with a certificate for `localhost`, which is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("amp-rpc-tls-leaks-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
        let pem = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(path.join("localhost.pem"), pem).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    Ok(message)
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn connect(server: &Server) -> Peer {
    Amp::new().connect_to(server.endpoint()).await.unwrap()
}

async fn succeed(server: &Server) {
    let peer = connect(server).await;
    let tls = Tls::new().trust(Trust::anyone());
    peer.start_tls(tls).await.unwrap();
    peer.call_box("Echo", AmpBox::new()).await.unwrap();
    assert!(peer.tls().is_some());
}

async fn distrust(server: &Server) {
    let peer = connect(server).await;
    let tls = Tls::new().trust(Trust::key([0; 32]));
    peer.start_tls(tls).await.unwrap_err();
    peer.closed().await;
}

/// A peer that is granted TLS and says something else, and is put out or goes.
async fn say(address: SocketAddr, bytes: &[u8], goes: bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(START_TLS).await.unwrap();
    // The answer's length is no matter here, only that it has come.
    stream.read_u8().await.unwrap();
    stream.write_all(bytes).await.unwrap();
    if !goes {
        let mut rest = Vec::new();
        // It ends by a reset where bytes were left unread.
        let _ = stream.read_to_end(&mut rest).await;
    }
}

#[tokio::test]
async fn no_descriptors() {
    let folder = Folder::new();
    let identities = Identities::from_folder(&folder.0).unwrap();
    let amp = Amp::new()
        .locator(Responders::new().on_box("Echo", echo))
        .tls(Tls::new().identities(identities.clone()));
    let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let Some(Address::Tcp(address)) = connect(&server).await.addresses().remote.clone() else {
        panic!("no address");
    };
    let mut before = 0;
    for round in 0..200 {
        succeed(&server).await;
        distrust(&server).await;
        say(address, b"GET / HTTP/1.1\r\n\r\n", false).await;
        say(address, b"\x16\x03\x01\x00\x04nope", false).await;
        say(address, b"\x16\x03\x01", true).await;
        identities.reload().unwrap();
        if round == 0 {
            // What is opened once, such as for the runtime, is open.
            before = settled(&server).await;
        }
    }
    assert_eq!(settled(&server).await, before);
}

/// How many descriptors are open once all connections have ended.
async fn settled(server: &Server) -> usize {
    let are_gone = async {
        while !server.peers().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, are_gone).await.unwrap();
    descriptors()
}
