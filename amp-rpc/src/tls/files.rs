//! Files in a folder, and whether they have changed.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file is like from outside. Two times alike, it is taken not to have changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    path: PathBuf,
    /// `None` where it cannot be looked at.
    state: Option<(Option<SystemTime>, u64, u64)>,
}

pub(super) fn seen(path: PathBuf) -> Seen {
    let state = fs::metadata(&path).ok();
    let state = state.map(|it| (it.modified().ok(), it.len(), number(&it)));
    Seen { path, state }
}

/// Tells a file from one that was put in its place.
#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_metadata: &Metadata) -> u64 {
    0
}

/// All files of a folder and the folders in it whose names end in `.pem`, in the order of their paths.
pub(super) fn pem_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    // Links may lead in circles.
    let mut visited = HashSet::new();
    while let Some(folder) = folders.pop() {
        if !visited.insert(fs::canonicalize(&folder)?) {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "pem") && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
