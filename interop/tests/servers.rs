//! Servers that shut down under live Twisted, and live Twisted as a stranger, in both roles.

mod support;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc::wire::Stranger;
use amp_rpc::{Amp, AmpBox, CloseReason, EndReason, Failure, Peer, Responders, Server};
use serde_json::{Value, json};
use support::python;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command as Process};
use tokio::sync::{Semaphore, mpsc};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

/// `server_peer.py`; it ends with its owner.
struct Twisted {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Twisted {
    fn start(mode: &str, place: &str) -> Self {
        let mut process = python("server_peer.py");
        process.args([mode, place]);
        let mut process = Process::from(process);
        let process = process.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = process.spawn().expect("it starts");
        let out = child.stdout.take().expect("it is piped");
        Self {
            _child: child,
            lines: BufReader::new(out).lines(),
        }
    }

    /// It listens, and on this port.
    async fn listen(endpoint: &str) -> (Self, String) {
        let mut twisted = Self::start("web", endpoint);
        let line = twisted.line().await;
        let port = line.strip_prefix("listening ").expect("a port").to_owned();
        (twisted, port)
    }

    async fn line(&mut self) -> String {
        let line = soon(self.lines.next_line()).await.expect("it can be read");
        line.expect("it goes on")
    }

    async fn tells(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }
}

fn port(server: &Server) -> String {
    let endpoint = server.endpoint().to_string();
    let (_, port) = endpoint.rsplit_once(':').expect("a port");
    port.to_owned()
}

/// What was asked before the shutdown is answered, what is asked meanwhile is refused in words, and the
/// end is a clean one.
#[tokio::test]
async fn a_shutdown_is_clear_to_twisted() {
    let gate = Arc::new(Semaphore::new(0));
    let (waits, mut waiting) = mpsc::unbounded_channel();
    let waited = Arc::clone(&gate);
    let wait = move |_: AmpBox, peer: Peer| {
        let gate = Arc::clone(&waited);
        waits.send(peer).expect("the test goes on");
        async move {
            let _permit = gate.acquire_owned().await.expect("it stays open");
            Ok::<_, Failure>(AmpBox::new())
        }
    };
    let echo = async |message: AmpBox, _: Peer| Ok::<_, Failure>(message);
    let responders = Responders::new().on_box("Wait", wait).on_box("Echo", echo);
    let amp = Amp::new().locator(responders);
    let server = amp
        .listen("tcp:0:interface=127.0.0.1")
        .await
        .expect("a port");
    let mut open = server.connections();
    let mut twisted = Twisted::start("calls", &format!("tcp:127.0.0.1:{}", port(&server)));
    let peer = soon(waiting.recv()).await.expect("a call");
    assert_eq!(open.count(), 1);
    let idle = Amp::new().connect_to(server.endpoint()).await;
    let idle = idle.expect("a connection");
    let shutdown = tokio::spawn(server.shutdown(LONG));
    // That this one is closed shows that the shutdown has begun.
    soon(idle.closed()).await;
    peer.tell_box("Go", AmpBox::new())
        .await
        .expect("it is open");
    let said = twisted.tells().await;
    assert_eq!(said["command"], json!("Echo"));
    assert_eq!(said["error"], json!("UnknownRemoteError"));
    let text = said["text"].as_str().expect("a text");
    assert!(text.contains("closing the connection"), "{text}");
    assert!(!shutdown.is_finished());
    drop(peer);
    gate.add_permits(1);
    let said = twisted.tells().await;
    assert_eq!(said, json!({"command": "Wait", "answered": true}));
    assert_eq!(twisted.tells().await, json!({"ended": "ConnectionDone"}));
    assert_eq!(soon(shutdown).await.expect("it ends"), 0);
    soon(open.none()).await;
}

#[tokio::test]
async fn twisted_s_http_is_answered() {
    let amp = Amp::new().answer_http(true);
    let server = amp
        .listen("tcp:0:interface=127.0.0.1")
        .await
        .expect("a port");
    let mut twisted = Twisted::start("http", &port(&server));
    let said = twisted.tells().await;
    assert_eq!(
        (&said["method"], &said["code"]),
        (&json!("GET"), &json!(400))
    );
    let body = said["body"].as_str().expect("a text");
    assert!(body.contains("AMP"), "{body}");
    let said = twisted.tells().await;
    assert_eq!(said, json!({"method": "HEAD", "code": 400, "body": ""}));
}

async fn check_stranger(peer: &Peer, expected: Stranger) {
    let reason = soon(peer.closed()).await;
    let EndReason::Ended(reason) = reason else {
        panic!("{reason:?}");
    };
    assert_eq!(*reason, CloseReason::Stranger(expected));
}

#[tokio::test]
async fn twisted_s_tls_is_recognized() {
    let (connected, mut peers) = mpsc::unbounded_channel();
    let amp = Amp::new().locator_for_each(move |peer| {
        connected.send(peer.clone()).expect("the test goes on");
        Responders::new()
    });
    let server = amp
        .listen("tcp:0:interface=127.0.0.1")
        .await
        .expect("a port");
    let mut twisted = Twisted::start("tls", &port(&server));
    let peer = soon(peers.recv()).await.expect("a connection");
    check_stranger(&peer, Stranger::Tls).await;
    twisted.tells().await;
}

/// This side is the one that has the wrong port. (Twisted's TLS closes such a connection without a word.)
#[tokio::test]
async fn twisted_s_web_server_is_recognized() {
    let (_twisted, port) = Twisted::listen("tcp:0:interface=127.0.0.1").await;
    let endpoint = format!("tcp:127.0.0.1:{port}");
    let peer = Amp::new().connect(&endpoint).await.expect("a connection");
    // HTTP waits for the end of a line.
    let call = soon(peer.call_box("Echo", AmpBox::from([("a", "b\r\n\r\n")])));
    call.await.expect_err("no answer in AMP");
    check_stranger(&peer, Stranger::HttpResponse).await;
}
