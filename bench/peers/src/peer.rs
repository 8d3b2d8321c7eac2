//! What a compared program implements.

use std::future::Future;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{Caller, Error};

/// A client's connection, and by `serve` the other end of it.
pub trait Peer: Clone + 'static {
    /// Whether its tasks have to stay on one thread.
    const IS_LOCAL: bool = false;

    /// What `echo` returns.
    type Data: AsRef<[u8]>;

    /// Listens on a free port of 127.0.0.1, calls [`listening`](crate::listening), and serves until the process is killed.
    fn serve() -> impl Future<Output = Result<(), Error>>;

    /// Opens a connection to a port of 127.0.0.1.
    fn connect(port: u16) -> impl Future<Output = Result<Self, Error>>;

    /// Lets the peer add two numbers.
    fn sum(&self, a: i64, b: i64) -> impl Future<Output = Result<i64, Error>>;

    /// Lets the peer return some bytes.
    fn echo(&self, data: Bytes) -> impl Future<Output = Result<Self::Data, Error>>;

    /// Lets the peer add as many numbers as one of [`with_commands!`](crate::with_commands) has arguments. Only those who take part in the
    /// curve over arguments have it.
    fn add(&self, numbers: &[i64]) -> impl Future<Output = Result<i64, Error>> {
        let count = numbers.len();
        async move { Err(format!("it has no command with {count} arguments").into()) }
    }

    /// Runs a caller in a task: `tokio::spawn(caller.run(self))`, or `spawn_local` where that has to be.
    fn spawn(self, caller: Caller) -> JoinHandle<Result<Caller, Error>>;
}
