//! Counts instructions, which no other program on the machine changes.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use crate::failure::Failure;
use crate::step;
use crate::workspace::Workspace;

/// The version that `bench/Cargo.toml` has, too: both have to be the same.
const RUNNER: &str = "0.20.0";

/// Installs the runner of the benchmarks under the target directory, and runs them.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let has_valgrind = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !has_valgrind.is_ok_and(|status| status.success()) {
        return Err(Failure::new(
            "instructions are counted by valgrind, and there is none: install the package `valgrind`",
        ));
    }
    let root = workspace.target().join("gungraun");
    step::run(
        Command::new(Workspace::cargo())
            .args(["install", "--quiet", "--locked", "gungraun-runner"])
            .args(["--version", RUNNER, "--root"])
            .arg(&root),
        "The benchmarks need their runner.",
    )?;
    let status = step::status(
        Command::new(Workspace::cargo())
            .args(["bench", "--profile", "measured", "--package", "bench"])
            .args(["--bench", "instructions", "--"])
            .args(arguments)
            .env("GUNGRAUN_RUNNER", root.join("bin").join("gungraun-runner"))
            .current_dir(workspace.root()),
    )?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
