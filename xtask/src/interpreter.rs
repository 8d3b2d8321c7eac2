//! A Python that can make the environment.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;

const OLDEST: Version = Version {
    major: 3,
    minor: 11,
};

/// The release of an interpreter, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }

    /// Asks an interpreter. `None`: it is not there, does not run, or says something else.
    pub(crate) fn of(python: impl AsRef<Path>) -> Option<Self> {
        let output = Command::new(python.as_ref())
            .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
            .stdin(Stdio::null())
            .output()
            .ok()?;
        Self::parse(str::from_utf8(&output.stdout).ok()?)
    }
}

/// The interpreter to use; what was tried and found when there is none.
pub(crate) fn find() -> Result<OsString, Failure> {
    let candidates = match env::var_os("XTASK_PYTHON") {
        Some(chosen) => vec![chosen],
        None => ["python3.11", "python3", "python"]
            .map(OsString::from)
            .to_vec(),
    };
    choose(candidates, |candidate| Version::of(candidate))
}

fn choose(
    candidates: Vec<OsString>,
    version: impl Fn(&OsString) -> Option<Version>,
) -> Result<OsString, Failure> {
    let mut tried = Vec::new();
    for candidate in candidates {
        let name = candidate.to_string_lossy().into_owned();
        match version(&candidate) {
            Some(found) if found >= OLDEST => return Ok(candidate),
            Some(Version { major, minor }) => tried.push(format!("{name} is {major}.{minor}")),
            None => tried.push(format!("{name} is not there or does not run")),
        }
    }
    Err(Failure::new(format!(
        "the live Twisted tests need Python {}.{} or newer: {}. Install it, or name one in \
         XTASK_PYTHON",
        OLDEST.major,
        OLDEST.minor,
        tried.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(versions: &[(&str, Option<&str>)]) -> Result<OsString, String> {
        let names = versions
            .iter()
            .map(|(name, _)| OsString::from(name))
            .collect();
        choose(names, |candidate| {
            versions
                .iter()
                .find(|(name, _)| candidate == name)
                .and_then(|(_, version)| Version::parse((*version)?))
        })
        .map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_first_that_is_new_enough_is_taken() {
        let here = [
            ("python3.11", None),
            ("python3", Some("3.12")),
            ("python", Some("3.13")),
        ];
        assert_eq!(chosen(&here), Ok("python3".into()));
        assert_eq!(
            chosen(&[("python3", Some("3.9")), ("python", Some("3.11"))]),
            Ok("python".into())
        );
    }

    #[test]
    fn a_refusal_says_what_was_found() {
        let why = chosen(&[("python3.11", None), ("python3", Some("3.9"))]).unwrap_err();
        assert!(why.contains("3.11 or newer"), "{why}");
        assert!(why.contains("python3.11 is not there"), "{why}");
        assert!(why.contains("python3 is 3.9"), "{why}");
    }
}
