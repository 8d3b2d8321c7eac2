//! Connections within this process, by name.

use std::collections::HashMap;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::ConnectEndpoint;
use crate::transport::{Address, Addresses, Side, Transport};

/// How many bytes are under way in each direction before writing waits.
const CAPACITY: usize = 64 * 1024;

/// Who listens, for the whole process.
static LISTENERS: LazyLock<Mutex<HashMap<String, mpsc::Sender<DuplexStream>>>> =
    LazyLock::new(Mutex::default);

fn listeners() -> MutexGuard<'static, HashMap<String, mpsc::Sender<DuplexStream>>> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects; waits while the listener's backlog is full.
pub(super) async fn connect(name: &str) -> io::Result<Transport> {
    let listener = listeners().get(name).cloned().ok_or_else(refused)?;
    let (left, right) = tokio::io::duplex(CAPACITY);
    listener.send(right).await.map_err(|_| refused())?;
    let addresses = Addresses {
        local: None,
        remote: Some(Address::Memory(name.to_owned())),
    };
    Ok(Transport::new(left, addresses, Side::Connecting))
}

fn refused() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionRefused,
        "nobody listens on this name",
    )
}

pub(super) fn listen(name: &str, backlog: u32) -> io::Result<Listener> {
    let backlog = usize::try_from(backlog).unwrap_or(usize::MAX);
    let (sender, waiting) = mpsc::channel(backlog.clamp(1, tokio::sync::Semaphore::MAX_PERMITS));
    let mut listeners = listeners();
    if listeners.contains_key(name) {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "somebody listens on this name already",
        ));
    }
    listeners.insert(name.to_owned(), sender);
    Ok(Listener {
        name: name.to_owned(),
        waiting,
    })
}

#[derive(Debug)]
pub(crate) struct Listener {
    name: String,
    waiting: mpsc::Receiver<DuplexStream>,
}

impl Listener {
    pub(super) async fn accept(&mut self) -> io::Result<Transport> {
        // One sender is in the register until this listener is dropped.
        let stream = self.waiting.recv().await.ok_or_else(refused)?;
        let addresses = Addresses {
            local: Some(Address::Memory(self.name.clone())),
            remote: None,
        };
        Ok(Transport::new(stream, addresses, Side::Accepting))
    }

    pub(super) fn endpoint(&self) -> ConnectEndpoint {
        ConnectEndpoint::memory(self.name.clone())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        listeners().remove(&self.name);
    }
}
