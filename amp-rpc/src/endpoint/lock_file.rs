//! The lock beside a Unix socket, as Twisted makes it: `PATH.lock`, a symbolic link that "points" to the
//! id of the process that holds it. In Twisted it is `twisted.python.lockfile`.
//!
//! Making a symbolic link is atomic, and fails where one is. The lock of a process that is gone is
//! broken, and so is nobody's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// How often to try when the lock changes hands meanwhile.
const TRIES: usize = 16;

/// A lock that this process holds until this is dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    /// Absolute: the process may change its directory.
    path: PathBuf,
}

impl LockFile {
    /// Locks a socket's path.
    pub(super) fn acquire(socket: &Path) -> io::Result<Self> {
        let path = std::path::absolute(lock_path(socket))?;
        for _ in 0..TRIES {
            match symlink(process::id().to_string(), &path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            match holder(&path)? {
                Some(pid) => {
                    return Err(io::Error::new(
                        io::ErrorKind::AddrInUse,
                        format!("process {pid} holds the lock file {}", path.display()),
                    ));
                }
                // Somebody else may be as fast; the next turn tells.
                None => unlink(&path)?,
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let is_ours = fs::read_link(&self.path)
            .is_ok_and(|target| target.as_os_str() == process::id().to_string().as_str());
        if is_ours {
            // Whoever wants it next finds that this process is gone.
            let _ = unlink(&self.path);
        }
    }
}

/// Whether a process holds the lock of a socket's path.
pub(super) fn is_locked(socket: &Path) -> io::Result<bool> {
    Ok(holder(&lock_path(socket))?.is_some())
}

/// The process that holds a lock; `None` when there is no such process, or no lock.
fn holder(path: &Path) -> io::Result<Option<Pid>> {
    let target = match fs::read_link(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(no_lock(path)),
    };
    let pid = target.to_str().and_then(|text| text.parse().ok());
    let pid = pid.filter(|pid| *pid > 0).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| no_lock(path))?;
    match test_kill_process(pid) {
        Err(Errno::SRCH) => Ok(None),
        // It may be another user's.
        _ => Ok(Some(pid)),
    }
}

fn no_lock(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{} is there and is no lock file, which is a symbolic link to the id of a process",
            path.display()
        ),
    )
}

fn unlink(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn lock_path(socket: &Path) -> PathBuf {
    let mut path = OsString::from(socket);
    path.push(".lock");
    path.into()
}
