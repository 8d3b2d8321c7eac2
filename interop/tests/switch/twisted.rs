//! The process on the other end, and the commands that it knows.

use std::process::Stdio;
use std::time::Duration;

use amp_rpc::{Command, CommandError};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command as Process};

use crate::support::python;
use crate::transports::Files;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Command)]
#[amp(switches, error = BecomeError)]
pub(crate) struct Become {
    pub(crate) name: String,
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
pub(crate) enum BecomeError {
    #[error("no such protocol")]
    #[amp(code = "NO_SUCH_PROTOCOL")]
    NoSuchProtocol,
}

/// Has Twisted ask for `Become`.
#[derive(Debug, Command)]
pub(crate) struct Go {
    pub(crate) name: String,
    /// Whether it asks for TLS first.
    pub(crate) secure: bool,
}

pub(crate) fn to(name: &str) -> Become {
    Become { name: name.into() }
}

/// `switch_peer.py`; it ends with its owner.
pub(crate) struct Twisted {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Twisted {
    /// It listens, and on this port.
    pub(crate) async fn serve(files: &Files, endpoint: &str) -> (Self, String) {
        let mut twisted = Self::start("serve", files, endpoint);
        let line = twisted.line().await;
        let port = line.strip_prefix("listening ").expect("a port").to_owned();
        (twisted, port)
    }

    pub(crate) fn connect(files: &Files, endpoint: &str) -> Self {
        Self::start("connect", files, endpoint)
    }

    fn start(mode: &str, files: &Files, endpoint: &str) -> Self {
        let mut process = python("switch_peer.py");
        process.args([mode, endpoint]);
        process.args(["--certificate", &files.certificate]);
        process.args(["--authority", &files.authority]);
        let mut process = Process::from(process);
        let process = process.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = process.spawn().expect("it starts");
        let out = child.stdout.take().expect("it is piped");
        Self {
            _child: child,
            lines: BufReader::new(out).lines(),
        }
    }

    async fn line(&mut self) -> String {
        let line = soon(self.lines.next_line()).await.expect("it can be read");
        line.expect("it goes on")
    }

    /// What it says of the protocol that it has switched to.
    pub(crate) async fn tells(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }
}

/// Fails a test that waits for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}
