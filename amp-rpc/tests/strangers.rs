//! Peers that speak something else than AMP.

use std::error::Error;
use std::time::Duration;

use amp_rpc::wire::Stranger;
use amp_rpc::{
    Amp, AmpBox, BoxReceiver, BoxSender, CloseReason, EndReason, Failure, Peer, Responders,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::oneshot;

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("waited for ever")
}

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

const ALL: [(&[u8], Stranger); 6] = [
    (HTTP, Stranger::HttpRequest),
    (b"HTTP/1.1 200 OK\r\n\r\n", Stranger::HttpResponse),
    (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", Stranger::Tls),
    (b"SSH-2.0-OpenSSH_9.6\r\n", Stranger::Ssh),
    (
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n",
        Stranger::ProxyHeader,
    ),
    (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", Stranger::ProxyHeader),
];

fn duplex(amp: &Amp) -> (Peer, DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 16);
    (amp.over(one), other)
}

#[track_caller]
fn check(reason: &EndReason, expected: Stranger) {
    let EndReason::Ended(reason) = reason else {
        panic!("{reason:?}");
    };
    assert_eq!(**reason, CloseReason::Stranger(expected));
    assert_eq!(reason.to_string(), expected.to_string());
}

async fn read_all(stream: &mut DuplexStream) -> String {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn each_is_the_reason_for_the_end() {
    for (bytes, expected) in ALL {
        let (peer, mut stream) = duplex(&Amp::new());
        stream.write_all(bytes).await.unwrap();
        check(&soon(peer.closed()).await, expected);
        assert_eq!(read_all(&mut stream).await, "");
    }
}

#[tokio::test]
async fn however_the_bytes_come() {
    for (bytes, expected) in ALL {
        let (one, mut stream) = tokio::io::duplex(1);
        let peer = Amp::new().over(one);
        // It may not read all of it.
        let _ = soon(stream.write_all(bytes)).await;
        check(&soon(peer.closed()).await, expected);
    }
}

/// A call of this side's learns it too: it has connected to a port where something else is.
#[tokio::test]
async fn callers_learn_who_is_there() {
    let (peer, mut stream) = duplex(&Amp::new());
    let call = tokio::spawn(peer.call_box("Hello", AmpBox::new()).owned());
    stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    let error = soon(call).await.unwrap().unwrap_err();
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    assert!(texts.contains(&Stranger::Ssh.to_string()), "{texts:?}");
}

/// Behind a box there are no strangers, only garbage.
#[tokio::test]
async fn only_a_beginning_is_recognized() {
    let (peer, mut stream) = duplex(&Amp::new().answer_http(true));
    let ask = b"\0\x04_ask\0\x011\0\x08_command\0\x01x\0\0";
    stream.write_all(&[ask, HTTP].concat()).await.unwrap();
    let reason = soon(peer.closed()).await;
    let EndReason::Ended(reason) = reason else {
        panic!("{reason:?}");
    };
    assert!(matches!(*reason, CloseReason::Frame(_)), "{reason}");
    assert!(!read_all(&mut stream).await.contains("HTTP/1.1"));
}

#[tokio::test]
async fn http_is_answered_if_asked_for() {
    let (peer, mut stream) = duplex(&Amp::new().answer_http(true));
    stream.write_all(HTTP).await.unwrap();
    check(&soon(peer.closed()).await, Stranger::HttpRequest);
    let answer = read_all(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("not HTTP.\n"), "{answer}");
    // Nobody else is.
    for (bytes, _) in &ALL[1..] {
        let (_peer, mut stream) = duplex(&Amp::new().answer_http(true));
        stream.write_all(bytes).await.unwrap();
        assert_eq!(read_all(&mut stream).await, "");
    }
}

/// Over TCP, where an end with unread bytes would be a reset that takes the answer along.
#[tokio::test]
async fn a_browser_can_read_the_answer() {
    let amp = Amp::new().answer_http(true);
    let server = amp.listen("tcp:0:interface=127.0.0.1").await.unwrap();
    let endpoint = server.endpoint().to_string();
    let address = endpoint.strip_prefix("tcp:").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = [HTTP, &[b'x'; 100_000]].concat();
    stream.write_all(&request).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nConnection: close"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", content.len())));
}

/// A port goes on serving its own peers.
#[tokio::test]
async fn strangers_harm_nobody_else() {
    async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
        Ok(message)
    }
    let amp = Amp::new().locator(Responders::new().on_box("Echo", echo));
    let server = amp.listen("memory:strangers").await.unwrap();
    let peer = Amp::new().connect("memory:strangers").await.unwrap();
    for (bytes, _) in ALL {
        let (stranger, mut stream) = duplex(&amp);
        stream.write_all(bytes).await.unwrap();
        soon(stranger.closed()).await;
        soon(peer.call_box("Echo", AmpBox::new())).await.unwrap();
    }
    drop(server);
}

/// This side has left TLS out, and the server says so in TLS.
#[cfg(feature = "temporary-certificate")]
#[tokio::test]
async fn a_server_that_wants_tls_is_recognized() {
    use amp_rpc::{Identity, ListenEndpoint, Tls};

    let tls = Tls::new().identity(Identity::temporary().unwrap());
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(tls);
    let server = Amp::new().listen_on(&endpoint).await.unwrap();
    let peer = Amp::new().connect_to(server.endpoint()).await.unwrap();
    let call = peer.call_box("Echo", AmpBox::new());
    soon(call).await.unwrap_err();
    check(&soon(peer.closed()).await, Stranger::Tls);
}

struct Ending(Option<oneshot::Sender<EndReason>>);

impl BoxReceiver for Ending {
    fn start_receiving_boxes(&mut self, _: BoxSender) {}

    fn box_received(&mut self, message: AmpBox) {
        panic!("{message:?}");
    }

    fn stop_receiving_boxes(&mut self, reason: EndReason) {
        let _ = self.0.take().unwrap().send(reason);
    }
}

#[tokio::test]
async fn box_receivers_learn_it_too() {
    for (bytes, expected) in ALL {
        let (one, mut stream) = tokio::io::duplex(1 << 16);
        let (tell, told) = oneshot::channel();
        Amp::new().receive_boxes(one, Ending(Some(tell)));
        stream.write_all(bytes).await.unwrap();
        check(&soon(told).await.unwrap(), expected);
        assert_eq!(read_all(&mut stream).await, "");
    }
}

#[cfg(feature = "tracing")]
mod logged {
    use std::fmt::Debug;
    use std::sync::{Mutex, OnceLock};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    /// Keeps the warnings of the whole process.
    struct Keeper;

    #[derive(Default)]
    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.push_str(&format!("{}={value:?} ", field.name()));
        }
    }

    impl Subscriber for Keeper {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == Level::WARN
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut line = Line::default();
            event.record(&mut line);
            LINES.lock().unwrap().push(line.0);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    fn keep() {
        static ONCE: OnceLock<()> = OnceLock::new();
        ONCE.get_or_init(|| tracing::subscriber::set_global_default(Keeper).unwrap());
    }

    fn lines_about(what: &str) -> Vec<String> {
        let lines = LINES.lock().unwrap();
        let about = lines.iter().filter(|line| line.contains(what));
        about.cloned().collect()
    }

    /// However many are refused until there is room again, there is one line.
    #[tokio::test]
    async fn a_full_server_says_so_once() {
        keep();
        let amp = Amp::new().max_connections(1);
        let server = amp.listen("memory:full").await.unwrap();
        let mut open = server.connections();
        let connect = async || Amp::new().connect("memory:full").await.unwrap();
        for lines in 1..=2 {
            let peer = connect().await;
            soon(open.changed()).await;
            for _ in 0..3 {
                soon(connect().await.closed()).await;
            }
            assert_eq!(lines_about("maximum of connections").len(), lines);
            drop(peer);
            soon(open.none()).await;
        }
    }

    /// One line for each, with who it was, however much is sent.
    #[tokio::test]
    async fn each_is_logged_once() {
        keep();
        let server = Amp::new().listen("tcp:0:interface=127.0.0.1").await;
        let server = server.unwrap();
        let endpoint = server.endpoint().to_string();
        let address = endpoint.strip_prefix("tcp:").unwrap();
        for (bytes, expected) in ALL {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let own = stream.local_addr().unwrap().to_string();
            stream.write_all(&bytes.repeat(100)).await.unwrap();
            // A reset is an end too.
            let _ = soon(stream.read_to_end(&mut Vec::new())).await;
            let about = lines_about(&own);
            assert_eq!(about.len(), 1, "{about:?}");
            assert!(about[0].contains(&expected.to_string()), "{about:?}");
        }
    }
}
