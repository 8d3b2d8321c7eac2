//! What the starter of a program holds of it.

use std::io;
use std::process::ExitStatus;

use tokio::process::{ChildStderr, ChildStdout};

use super::reaper::Reaper;

/// A program that [`Amp::spawn`](crate::Amp::spawn) has started.
///
/// Dropping it changes nothing: what ends the program is the end of its connection, and it is reaped
/// in any case.
#[derive(Debug)]
pub struct Child {
    reaper: Reaper,
    /// Its standard output, where that is [`Output::Piped`](super::Output::Piped). When nobody reads
    /// it, the program waits as soon as the pipe is full; when it is dropped, the program gets an error.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, likewise.
    pub stderr: Option<ChildStderr>,
}

impl Child {
    pub(super) fn new(
        reaper: Reaper,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
    ) -> Self {
        Self {
            reaper,
            stdout,
            stderr,
        }
    }

    /// The process's id. Once the process has ended, the system may give it to another one.
    pub fn pid(&self) -> u32 {
        self.reaper.pid()
    }

    /// Waits until the program has ended, and says how. It does not make it end: close the connection
    /// for that. Cancel-safe; it may be called again.
    ///
    /// # Errors
    ///
    /// Somebody else in this process has reaped it, or the runtime has been shut down.
    pub async fn wait(&self) -> io::Result<ExitStatus> {
        self.reaper.wait().await
    }

    /// How the program ended; `None` while it runs.
    ///
    /// # Errors
    ///
    /// Somebody else in this process has reaped it.
    pub fn status(&self) -> io::Result<Option<ExitStatus>> {
        self.reaper.status().transpose()
    }

    /// Kills the program at once, without asking it to end. Its connection ends too. Does nothing when
    /// it has ended.
    pub fn kill(&self) {
        self.reaper.kill();
    }
}
