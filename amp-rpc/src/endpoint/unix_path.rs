//! Unix sockets, as strings.
//!
//! In Rust as in Twisted, the path of an abstract socket begins with a zero byte. In strings it is
//! `unix:abstract=NAME`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::description::{Arguments, Description, Escaped, Options, flag, is_digits};
use super::error::EndpointError;

/// As in Twisted: everybody may connect.
const DEFAULT_MODE: u32 = 0o666;

const EXAMPLE: &str = "unix:/run/example.sock";

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnixPlace {
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    /// As in Twisted's strings, there is a lock file unless it is switched off.
    pub(super) lockfile: bool,
}

impl UnixPlace {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            mode: DEFAULT_MODE,
            lockfile: true,
        }
    }

    pub(super) fn read(description: Description) -> Result<(Self, Arguments), EndpointError> {
        if description.names("abstract") {
            let (path, arguments) = read_abstract(description, &["abstract", "backlog"])?;
            return Ok((Self::new(path), arguments));
        }
        let mut arguments = description.assign(&Options {
            all: &["address", "mode", "backlog", "lockfile", "abstract"],
            positional: &["address", "mode", "backlog", "lockfile"],
            example: EXAMPLE,
        })?;
        let mut place = Self::new(arguments.require_text("address", "a path")?.into());
        let expected = "octal digits from 0 to 777, such as 660";
        if let Some(mode) = arguments.take_as("mode", expected, octal)? {
            place.mode = mode;
        }
        if let Some(lockfile) = arguments.take_as("lockfile", "0 or 1", flag)? {
            place.lockfile = lockfile;
        }
        Ok((place, arguments))
    }
}

fn octal(text: &str) -> Option<u32> {
    let mode = is_digits(text).then(|| u32::from_str_radix(text, 8).ok())?;
    mode.filter(|mode| *mode <= 0o777)
}

impl fmt::Display for UnixPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_path(&self.path, f)?;
        // An abstract socket has no file, and so neither permissions nor a lock beside it.
        if is_abstract(&self.path) {
            return Ok(());
        }
        if self.mode != DEFAULT_MODE {
            write!(f, ":mode={:o}", self.mode)?;
        }
        if !self.lockfile {
            f.write_str(":lockfile=0")?;
        }
        Ok(())
    }
}

/// Where to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnixTarget {
    pub(super) path: PathBuf,
    /// Connect only while somebody holds the lock file.
    pub(super) lockfile: bool,
}

impl UnixTarget {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            lockfile: false,
        }
    }

    pub(super) fn read(description: Description) -> Result<(Self, Arguments), EndpointError> {
        if description.names("abstract") {
            let (path, arguments) = read_abstract(description, &["abstract", "timeout"])?;
            return Ok((Self::new(path), arguments));
        }
        let mut arguments = description.assign(&Options {
            all: &["path", "timeout", "lockfile", "abstract"],
            positional: &["path"],
            example: EXAMPLE,
        })?;
        let mut target = Self::new(arguments.require_text("path", "a path")?.into());
        if let Some(lockfile) = arguments.take_as("lockfile", "0 or 1", flag)? {
            target.lockfile = lockfile;
        }
        Ok((target, arguments))
    }
}

impl fmt::Display for UnixTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_path(&self.path, f)?;
        if self.lockfile && !is_abstract(&self.path) {
            f.write_str(":lockfile=1")?;
        }
        Ok(())
    }
}

fn read_abstract(
    description: Description,
    all: &'static [&'static str],
) -> Result<(PathBuf, Arguments), EndpointError> {
    let mut arguments = description.assign(&Options {
        all,
        positional: &[],
        example: "unix:abstract=example",
    })?;
    let name = arguments.require_text("abstract", "a name")?;
    Ok((format!("\0{name}").into(), arguments))
}

fn write_path(path: &Path, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = path.to_string_lossy();
    match text.strip_prefix('\0') {
        Some(name) => write!(f, "unix:abstract={}", Escaped(name)),
        None => write!(f, "unix:{}", Escaped(text)),
    }
}

/// Whether it is a name without a file.
pub(super) fn is_abstract(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().first() == Some(&0)
}
