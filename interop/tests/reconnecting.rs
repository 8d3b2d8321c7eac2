//! A reconnecting peer whose server is live Twisted, killed and started again.
#![cfg(unix)]

mod support;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use amp_rpc::{Amp, Backoff, CallError, Command, ConnectEndpoint, Fields, Peer, ReconnectingPeer};
use support::python;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command as Process};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

#[derive(Debug, Command)]
struct LogIn {
    number: i64,
}

#[derive(Debug, Command)]
#[amp(response = Number)]
struct Once {
    number: i64,
}

#[derive(Debug, Command)]
#[amp(response = Number, idempotent)]
struct Again {
    number: i64,
}

#[derive(Debug, Fields)]
struct Number {
    number: i64,
}

/// `reconnecting_peer.py`; it is killed with its owner.
struct Twisted {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Twisted {
    async fn listen(path: &Socket, options: &[&str]) -> Self {
        let mut process = python("reconnecting_peer.py");
        process.arg(format!("unix:{}", path.0.display()));
        process.args(options);
        let mut process = Process::from(process);
        let process = process.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = process.spawn().expect("it starts");
        let out = child.stdout.take().expect("it is piped");
        let lines = BufReader::new(out).lines();
        let mut twisted = Self { child, lines };
        assert_eq!(twisted.line().await, "listening");
        twisted
    }

    async fn line(&mut self) -> String {
        let line = soon(self.lines.next_line()).await.expect("it can be read");
        line.expect("it goes on")
    }

    async fn kill(mut self) {
        soon(self.child.kill()).await.expect("it runs");
    }
}

/// A path for a Unix socket, where nothing is left behind.
struct Socket(PathBuf);

impl Socket {
    fn new(name: &str) -> Self {
        let name = format!("amp-rpc-{name}-{}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Tries again at once, and logs in on each connection.
    fn reconnecting(&self) -> ReconnectingPeer {
        let moment = Duration::from_millis(10);
        Amp::new()
            .reconnecting_to(&ConnectEndpoint::unix(&self.0))
            .backoff(Backoff::default().initial(moment).maximum(moment))
            .on_connect(|peer: Peer| async move { peer.call(LogIn { number: 0 }).await })
            .start()
            .expect("its options make sense")
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Twisted keeps a lock beside it.
        for path in [self.0.clone(), self.0.with_extension("sock.lock")] {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[tokio::test]
async fn twisted_is_killed_and_started_again() {
    let socket = Socket::new("reconnecting");
    // It is not there yet.
    let peer = socket.reconnecting();
    let early = tokio::spawn(peer.call(Once { number: 1 }).start());
    let mut first = Twisted::listen(&socket, &[]).await;
    let answer = soon(early).await.expect("no panic").expect("an answer");
    assert_eq!(answer.number, 1);
    assert_eq!(first.line().await, "LogIn 0");
    assert_eq!(first.line().await, "Once 1");
    first.kill().await;

    // This one is killed while it carries both out.
    let mut second = Twisted::listen(&socket, &["--silent"]).await;
    let once = tokio::spawn(peer.call(Once { number: 2 }));
    assert_eq!(second.line().await, "LogIn 0");
    assert_eq!(second.line().await, "Once 2");
    let again = tokio::spawn(peer.call(Again { number: 3 }));
    assert_eq!(second.line().await, "Again 3");
    second.kill().await;
    let error = soon(once).await.expect("no panic").expect_err("no answer");
    assert!(matches!(error, CallError::Ended(_)), "{error:?}");

    let mut third = Twisted::listen(&socket, &[]).await;
    let answer = soon(again).await.expect("no panic").expect("an answer");
    assert_eq!(answer.number, 3);
    soon(peer.call(Once { number: 4 }))
        .await
        .expect("an answer");
    for line in ["LogIn 0", "Again 3", "Once 4"] {
        assert_eq!(third.line().await, line);
    }
    assert!(peer.finish_within(LONG).await);
}
