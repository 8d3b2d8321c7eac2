//! Unix sockets.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::ConnectEndpoint;
use super::lock_file::{self, LockFile};
use super::socket_file::{SocketFile, remove_stale};
use super::unix_path::{UnixPlace, UnixTarget, is_abstract};
use crate::transport::{Address, Addresses, Side, Transport};

/// How long to wait for room in a listener's backlog before asking again. Where a TCP connection would
/// wait, the system refuses one to a Unix socket, and tells nobody when there is room.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn connect(target: &UnixTarget) -> io::Result<Transport> {
    let path = &*target.path;
    if target.lockfile && !is_abstract(path) && !lock_file::is_locked(path)? {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "nobody holds the lock file beside the socket",
        ));
    }
    let stream = loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(PAUSE).await;
            }
            connected => break connected?,
        }
    };
    let addresses = Addresses {
        local: stream.local_addr().ok().map(address),
        remote: Some(Address::Unix(Some(path.to_owned()))),
    };
    Ok(transport(stream, addresses, Side::Connecting))
}

pub(super) fn transport(stream: UnixStream, addresses: Addresses, side: Side) -> Transport {
    Transport::over_unix(stream, addresses, side)
}

/// Both ends of a connection, as the system knows them.
pub(crate) fn addresses(socket: &UnixStream) -> Addresses {
    Addresses {
        local: socket.local_addr().ok().map(address),
        remote: socket.peer_addr().ok().map(address),
    }
}

pub(super) fn address(address: tokio::net::unix::SocketAddr) -> Address {
    Address::Unix(path_of(&address))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn path_of(address: &tokio::net::unix::SocketAddr) -> Option<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let name = address.as_abstract_name();
    let name = name.map(|name| OsStr::from_bytes(&[b"\0", name].concat()).into());
    name.or_else(|| address.as_pathname().map(Path::to_owned))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn path_of(address: &tokio::net::unix::SocketAddr) -> Option<PathBuf> {
    address.as_pathname().map(Path::to_owned)
}

pub(super) async fn listen(place: &UnixPlace, backlog: u32) -> io::Result<Listener> {
    let path = &*place.path;
    let has_file = !is_abstract(path);
    let lock = (has_file && place.lockfile).then(|| LockFile::acquire(path));
    let lock = lock.transpose()?;
    let mut socket = UnixSocket::new_stream()?;
    if let Err(error) = socket.bind(path) {
        let is_taken = error.kind() == io::ErrorKind::AddrInUse;
        if !(is_taken && lock.is_some() && remove_stale(path).await) {
            return Err(error);
        }
        socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
    }
    let file = has_file.then(|| SocketFile::new(path)).transpose()?;
    if has_file {
        // Nobody can connect between the binding and the listening: when they can, the file has its
        // mode.
        fs::set_permissions(path, Permissions::from_mode(place.mode))?;
    }
    // The system takes a signed number, and lowers it to its own bound.
    let inner = socket.listen(backlog.min(i32::MAX as u32))?;
    Ok(Listener {
        inner,
        path: place.path.clone(),
        _file: file,
        _lock: lock,
    })
}

#[derive(Debug)]
pub(crate) struct Listener {
    inner: UnixListener,
    path: PathBuf,
    /// None where there is no file, or somebody else has made it.
    _file: Option<SocketFile>,
    /// Goes after the file.
    _lock: Option<LockFile>,
}

impl Listener {
    /// A listener that somebody else has made, who also removes its file.
    #[cfg(all(unix, feature = "process"))]
    pub(super) fn adopt(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let inner = UnixListener::from_std(listener)?;
        let path = match address(inner.local_addr()?) {
            Address::Unix(Some(path)) => path,
            _ => PathBuf::new(),
        };
        Ok(Self {
            inner,
            path,
            _file: None,
            _lock: None,
        })
    }

    pub(super) async fn accept(&self) -> io::Result<Transport> {
        let (stream, remote) = self.inner.accept().await?;
        let addresses = Addresses {
            local: Some(Address::Unix(Some(self.path.clone()))),
            remote: Some(address(remote)),
        };
        Ok(transport(stream, addresses, Side::Accepting))
    }

    pub(super) fn endpoint(&self) -> ConnectEndpoint {
        ConnectEndpoint::unix(self.path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connecting_waits_for_room_in_the_backlog() {
        let name = format!("amp-rpc-backlog-{}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = listen(&UnixPlace::new(path.clone()), 0).await.unwrap();
        let target = UnixTarget::new(path.clone());
        let mut connected = Vec::new();
        let refused = loop {
            match UnixStream::connect(&path).await {
                Ok(stream) => connected.push(stream),
                Err(error) => break error,
            }
        };
        if refused.kind() != io::ErrorKind::WouldBlock {
            // Only Linux tells a full backlog from a closed one.
            assert_ne!(std::env::consts::OS, "linux", "{refused}");
            return;
        }
        let mut waiting = Box::pin(connect(&target));
        let early = tokio::time::timeout(PAUSE * 3, &mut waiting).await;
        assert!(early.is_err());
        listener.accept().await.unwrap();
        let late = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        late.unwrap().unwrap();
    }
}
