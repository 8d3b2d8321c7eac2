//! Live Twisted for the tests.

pub(crate) mod certificates;

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The Python that has Twisted.
#[allow(dead_code, reason = "not every test file needs everything")]
pub(crate) fn interpreter() -> OsString {
    std::env::var_os("AMP_INTEROP_PYTHON").expect(
        "these tests need a Python with Twisted: run `cargo xtask test`, or set \
         AMP_INTEROP_PYTHON to what `cargo xtask python` prints",
    )
}

/// A Python program of `interop/python`.
#[allow(dead_code, reason = "not every test file needs everything")]
pub(crate) fn python(script: &str) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(script);
    let mut command = Command::new(interpreter());
    command.arg(script).stdin(Stdio::null());
    command
}

/// An example of amp-rpc. `cargo test --workspace --all-features` builds them beside the tests.
#[allow(dead_code, reason = "not every test file needs everything")]
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().and_then(|deps| deps.parent());
    let folder = folder.expect("cargo's layout").join("examples");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "there is no {}: run `cargo build -p amp-rpc --examples --all-features`",
        path.display()
    );
    Command::new(path)
}

/// Runs a program to its end and fails with all it printed when it does not end well.
#[allow(dead_code, reason = "not every test file needs everything")]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}\n{out}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    out
}

/// A server that prints `listening PORT`; it ends with its owner.
#[allow(dead_code, reason = "not every test file needs everything")]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

#[allow(dead_code, reason = "not every test file needs everything")]
impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("it is piped");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("a line of the program");
        let port = line.trim().strip_prefix("listening ");
        let port = port.and_then(|port| port.parse().ok());
        Self {
            child,
            port: port.unwrap_or_else(|| panic!("no port in {line:?}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
