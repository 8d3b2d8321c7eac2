//! The folder that a run has to itself.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What shows that a folder was made by trial, and may be removed by its next run.
const MARKER: &str = "_trial_marker";

/// A folder such as `_trial_temp`, which is made anew for each run and locked while it lasts. The marker
/// and the lock are those of trial, so that neither takes the other's folder.
pub(crate) struct Folder {
    path: PathBuf,
    lock: PathBuf,
}

impl Folder {
    /// Takes the folder, or `NAME-1`, `NAME-2` and so on when other runs have it.
    pub(crate) fn take(base: &Path) -> io::Result<Self> {
        let base = std::path::absolute(base)?;
        let pid = std::process::id().to_string();
        let mut number = 0;
        loop {
            let path = match number {
                0 => base.clone(),
                _ => with_suffix(&base, &format!("-{number}")),
            };
            let lock = with_suffix(&path, ".lock");
            match symlink(&pid, &lock) {
                Ok(()) => return Self { path, lock }.renew(),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(at(&lock, &error)),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the log of all workers.
    pub(crate) fn log(&self) -> io::Result<File> {
        let path = self.path.join("test.log");
        let log = File::options().create(true).append(true).open(&path);
        log.map_err(|error| at(&path, &error))
    }

    fn renew(self) -> io::Result<Self> {
        if self.path.try_exists()? {
            if !self.path.join(MARKER).exists() {
                let path = self.path.display();
                return Err(io::Error::other(format!(
                    "{path} is not removed, since it was not made by trial: it has no {MARKER}"
                )));
            }
            fs::remove_dir_all(&self.path).map_err(|error| at(&self.path, &error))?;
        }
        fs::create_dir(&self.path).map_err(|error| at(&self.path, &error))?;
        fs::write(self.path.join(MARKER), "")?;
        Ok(self)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A lock that is left behind makes later runs use another folder, which does no harm.
        let _ = fs::remove_file(&self.lock);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
