//! Servers behind a proxy that speaks the PROXY protocol.

use std::time::Duration;

use amp_rpc::{Address, Addresses, Amp, AmpBox, EndReason, Failure, Peer, Responders, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
#[cfg(feature = "temporary-certificate")]
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(20);

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

/// Answers with the addresses of the connection.
async fn who(_: AmpBox, peer: Peer) -> Result<AmpBox, Failure> {
    let Addresses { local, remote, .. } = peer.addresses();
    let text = |address: &Option<Address>| address.as_ref().map(ToString::to_string);
    let (local, remote) = (text(local), text(remote));
    Ok(AmpBox::from([
        ("local", local.unwrap_or_default()),
        ("remote", remote.unwrap_or_default()),
    ]))
}

async fn listen(endpoint: &str) -> Server {
    let amp = Amp::new().locator(Responders::new().on_box("Who", who));
    amp.listen(endpoint).await.unwrap()
}

async fn connect(server: &Server) -> TcpStream {
    let endpoint = server.endpoint().to_string();
    let port = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

/// What the server says of a connection: its remote and its local address.
async fn ask(stream: TcpStream) -> (String, String) {
    let peer = Amp::new().over(stream);
    let answer = soon(peer.call_box("Who", AmpBox::new())).await.unwrap();
    let text = |key| String::from_utf8(answer.get(key).unwrap().to_vec()).unwrap();
    (text("remote"), text("local"))
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n";

fn from_line() -> (String, String) {
    ("192.0.2.1:1000".to_owned(), "192.0.2.2:80".to_owned())
}

#[tokio::test]
async fn the_addresses_are_the_header_s() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let mut stream = connect(&server).await;
    stream.write_all(LINE).await.unwrap();
    assert_eq!(ask(stream).await, from_line());
    let mut stream = connect(&server).await;
    let header =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\x01\x02\x03\x04\x05\x06\x07\x08\0\x09\0\x0a\x04\0\0";
    stream.write_all(header).await.unwrap();
    let expected = ("1.2.3.4:9".to_owned(), "5.6.7.8:10".to_owned());
    assert_eq!(ask(stream).await, expected);
}

#[tokio::test]
async fn without_addresses_they_are_the_socket_s() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    for header in [
        b"PROXY UNKNOWN\r\n".as_slice(),
        b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    ] {
        let mut stream = connect(&server).await;
        let own = stream.local_addr().unwrap().to_string();
        let remote = stream.peer_addr().unwrap().to_string();
        stream.write_all(header).await.unwrap();
        assert_eq!(ask(stream).await, (own, remote));
    }
}

/// Byte for byte, and with the first box in the same write.
#[tokio::test]
async fn however_the_header_comes() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let mut stream = connect(&server).await;
    stream.set_nodelay(true).unwrap();
    for byte in LINE {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(stream).await, from_line());
    let mut stream = connect(&server).await;
    let ask = b"\0\x04_ask\0\x011\0\x08_command\0\x03Who\0\0";
    stream.write_all(&[LINE, ask].concat()).await.unwrap();
    let mut answer = [0; 14];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"\0\x07_answer\0\x011\0\x05"[..14].as_ref());
}

#[tokio::test]
async fn a_long_header_is_skipped() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let mut stream = connect(&server).await;
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".to_vec();
    header.extend([1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0, 10]);
    header.resize(16 + 65_535, 0);
    stream.write_all(&header).await.unwrap();
    let expected = ("1.2.3.4:9".to_owned(), "5.6.7.8:10".to_owned());
    assert_eq!(ask(stream).await, expected);
}

/// A header as a network load balancer of AWS sends it.
const WITH_CHECKSUM: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x54\xac\x1f\x07\x71\xac\x1f\x0a\x1f\xc8\xf2\0\x50\
    \x03\0\x04\xe8\xd6\x89\x2d\xea\0\x17\x01vpce-08d2bf15fac5001c9\x04\0\x24\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[tokio::test]
async fn a_checksum_is_checked() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let mut stream = connect(&server).await;
    stream.write_all(WITH_CHECKSUM).await.unwrap();
    let expected = (
        "172.31.7.113:51442".to_owned(),
        "172.31.10.31:80".to_owned(),
    );
    assert_eq!(ask(stream).await, expected);
    // Another port, and another byte in what is skipped.
    for at in [24, WITH_CHECKSUM.len() - 1] {
        let mut stream = connect(&server).await;
        let mut header = WITH_CHECKSUM.to_vec();
        header[at] ^= 1;
        stream.write_all(&header).await.unwrap();
        check_ended(stream).await;
    }
}

/// The connection ends, without an answer.
async fn check_ended(mut stream: TcpStream) {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    assert_eq!(bytes, b"");
}

#[tokio::test]
async fn what_is_no_header_ends_its_own_connection_only() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let mut good = connect(&server).await;
    good.write_all(LINE).await.unwrap();
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        b"\0\x04_ask\0\x011\0\x08_command\0\x03Who\0\0",
        b"PROXY TCP4 nonsense\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
        &[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 1000]].concat(),
    ] {
        let mut stream = connect(&server).await;
        stream.write_all(bytes).await.unwrap();
        check_ended(stream).await;
    }
    let mut cut = connect(&server).await;
    cut.write_all(b"PROXY TCP4").await.unwrap();
    cut.shutdown().await.unwrap();
    check_ended(cut).await;
    assert_eq!(ask(good).await, from_line());
}

#[tokio::test]
async fn a_slow_header_ends_its_own_connection_only() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1:headerTimeout=0.2").await;
    let mut slow = connect(&server).await;
    slow.write_all(b"PROXY").await.unwrap();
    let mut good = connect(&server).await;
    good.write_all(LINE).await.unwrap();
    assert_eq!(ask(good).await, from_line());
    check_ended(slow).await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_headers() {
    let server = listen("haproxy:tcp:0:interface=127.0.0.1").await;
    let mut slow = connect(&server).await;
    slow.write_all(b"PROXY").await.unwrap();
    // It has been accepted when a later one is served.
    let mut good = connect(&server).await;
    good.write_all(LINE).await.unwrap();
    let peer = Amp::new().over(good);
    soon(peer.call_box("Who", AmpBox::new())).await.unwrap();
    assert_eq!(soon(server.shutdown(LONG)).await, 0);
    check_ended(slow).await;
    assert!(matches!(soon(peer.closed()).await, EndReason::ClosedByPeer));
}

/// The address of whoever connects to memory is known from nowhere else.
#[tokio::test]
async fn any_endpoint_can_be_behind_a_proxy() {
    let server = listen("haproxy:memory:proxied").await;
    assert_eq!(server.endpoint().to_string(), "memory:proxied");
    // Nothing here writes headers: an AMP peer is no proxy.
    let peer = Amp::new().connect("memory:proxied").await.unwrap();
    let call = peer.call_box("Who", AmpBox::new());
    soon(call).await.unwrap_err();
}

/// As most proxies do it: the header first, and TLS behind it.
#[cfg(feature = "temporary-certificate")]
#[tokio::test]
async fn a_header_before_tls() {
    use amp_rpc::{ConnectEndpoint, Identity, ListenEndpoint, Tls, Trust};

    let tls = Tls::new().identity(Identity::temporary().unwrap());
    let proxied = ListenEndpoint::haproxy(ListenEndpoint::tcp("127.0.0.1", 0));
    let amp = Amp::new().locator(Responders::new().on_box("Who", who));
    let server = amp.listen_on(&proxied.tls(tls)).await.unwrap();
    // The proxy: it writes its header, and hands bytes on.
    let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = port.local_addr().unwrap();
    let mut inner = connect(&server).await;
    tokio::spawn(async move {
        let (mut outer, _) = port.accept().await.unwrap();
        inner.write_all(LINE).await.unwrap();
        // It ends as the test does.
        let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
    });
    let endpoint = ConnectEndpoint::tcp("127.0.0.1", address.port());
    let endpoint = endpoint.tls(Tls::new().trust(Trust::anyone()));
    let peer = Amp::new().connect_to(&endpoint).await.unwrap();
    let answer = soon(peer.call_box("Who", AmpBox::new())).await.unwrap();
    assert_eq!(answer.get("remote"), Some(&b"192.0.2.1:1000"[..]));
}
