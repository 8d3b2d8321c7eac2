//! The file of a Unix socket.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

/// The file of a socket, removed when this is dropped unless another one has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    /// Absolute: the process may change its directory.
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let metadata = fs::symlink_metadata(&path)?;
        Ok(Self {
            path,
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|now| now.dev() == self.device && now.ino() == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_there() {
            // Whoever listens there next gets an error that names the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the file of a socket on which nobody listens, and says whether it did. To be used under the
/// lock of the path: otherwise somebody else who does the same may listen there by now.
pub(super) async fn remove_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    // A full backlog, and a socket of another type, are other errors.
    let refuses = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket
        && UnixStream::connect(path).await.is_err_and(refuses)
        && fs::remove_file(path).is_ok()
}
