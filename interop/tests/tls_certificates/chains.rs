//! Certificates of authorities in between, which the server sends along.

use super::support::certificates::{Authority, Folder};
use super::{amp, connect, port, twisted_calls, twisted_serves};

/// What to listen on, with an authority in between, and where its authority lies.
fn server(folder: &Folder) -> (String, String) {
    let authority = Authority::new("authority");
    let between = authority.below("between");
    let chain = folder.file("chain.pem", &between.pem());
    let own = folder.file("server.pem", &between.issue(&["localhost"]));
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let listen = format!("ssl:0:privateKey={own}:extraCertChain={chain}:interface=127.0.0.1");
    (listen, trusted)
}

#[tokio::test]
async fn we_follow_twisted_s() {
    let folder = Folder::new("chain-of-twisted");
    let (listen, trusted) = server(&folder);
    let server = twisted_serves(&listen);
    let peer = connect(&format!(
        "tls:localhost:{}:trustRoots={trusted}",
        server.port
    ))
    .await;
    let session = peer.tls().expect("it has TLS");
    let chain = &session.peer().expect("servers have a certificate").chain;
    assert_eq!(chain.len(), 2);
}

#[tokio::test]
async fn twisted_follows_ours() {
    let folder = Folder::new("chain-of-ours");
    let (listen, trusted) = server(&folder);
    let server = amp().listen(&listen).await.expect("a free port");
    let endpoint = format!("tls:localhost:{}:trustRoots={trusted}", port(&server));
    let found = twisted_calls(&endpoint).await;
    assert_eq!(found["total"], 94, "{found}");
}
