//! Unix sockets.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::ConnectEndpoint;
use crate::transport::{Address, Addresses, Side, Transport};

/// How long to wait for room in a listener's backlog before asking again. Where a TCP connection would
/// wait, the system refuses one to a Unix socket, and tells nobody when there is room.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn connect(path: &Path) -> io::Result<Transport> {
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
    Transport::new(stream, addresses, side)
}

pub(super) fn address(address: tokio::net::unix::SocketAddr) -> Address {
    Address::Unix(address.as_pathname().map(Path::to_owned))
}

pub(super) fn listen(path: &Path, mode: u32, backlog: u32) -> io::Result<Listener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile::new(path)?;
    // Nobody can connect between the binding and the listening: when they can, the file has its mode.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    // The system takes a signed number, and lowers it to its own bound.
    let inner = socket.listen(backlog.min(i32::MAX as u32))?;
    Ok(Listener {
        inner,
        path: path.to_owned(),
        _file: Some(file),
    })
}

#[derive(Debug)]
pub(crate) struct Listener {
    inner: UnixListener,
    path: PathBuf,
    /// None where somebody else has made it.
    _file: Option<SocketFile>,
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

/// The file of a socket, removed when this is dropped unless another one has taken its place.
#[derive(Debug)]
struct SocketFile {
    /// Absolute: the process may change its directory.
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let metadata = fs::symlink_metadata(&path)?;
        Ok(Self {
            path,
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|now| now.dev() == self.device && now.ino() == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_ours() {
            // Whoever listens there next gets an error that names the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connecting_waits_for_room_in_the_backlog() {
        let name = format!("amp-rpc-backlog-{}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = listen(&path, 0o600, 0).unwrap();
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
        let mut waiting = Box::pin(connect(&path));
        let early = tokio::time::timeout(PAUSE * 3, &mut waiting).await;
        assert!(early.is_err());
        listener.accept().await.unwrap();
        let late = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        late.unwrap().unwrap();
    }
}
