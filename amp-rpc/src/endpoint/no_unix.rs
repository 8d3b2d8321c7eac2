//! Unix sockets where there are none: such endpoints can be written and read, but not used.

use std::convert::Infallible;
use std::io;

use super::ConnectEndpoint;
use super::unix_path::{UnixPlace, UnixTarget};
use crate::transport::Transport;

pub(super) async fn connect(_target: &UnixTarget) -> io::Result<Transport> {
    Err(unsupported())
}

pub(super) async fn listen(_place: &UnixPlace, _backlog: u32) -> io::Result<Listener> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no Unix sockets",
    )
}

/// There is none.
#[derive(Debug)]
pub(crate) struct Listener(Infallible);

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Transport> {
        match self.0 {}
    }

    pub(super) fn endpoint(&self) -> ConnectEndpoint {
        match self.0 {}
    }
}
