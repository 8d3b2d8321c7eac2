//! Where things lie.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The project's folder and cargo's target directory.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Self {
        // cargo sets the variable for `cargo run`; the built-in path serves a direct start.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir.parent().unwrap_or(&manifest_dir).to_path_buf();
        // Cargo reads a relative CARGO_TARGET_DIR from where it was started, which is where we are.
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
            || root.join("target"),
            |given| {
                env::current_dir()
                    .unwrap_or_else(|_| root.clone())
                    .join(given)
            },
        );
        Self { root, target }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Every Python package with its version.
    pub(crate) fn requirements(&self) -> PathBuf {
        self.root.join("interop").join("requirements.txt")
    }

    /// The cargo that started us, so that a toolchain chosen with `+NAME` stays chosen.
    pub(crate) fn cargo() -> OsString {
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
    }
}
