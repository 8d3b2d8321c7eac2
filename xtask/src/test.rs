//! The project's one test command.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{step, venv};

/// Runs every test of the workspace in one `cargo test`, whose exit code becomes ours.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let python = venv::ready(workspace)?;
    let status = step::status(
        Command::new(Workspace::cargo())
            .args(["test", "--workspace", "--all-features"])
            .args(arguments)
            .env("AMP_INTEROP_PYTHON", python)
            .current_dir(workspace.root()),
    )?;
    // Without a code a signal ended cargo; 101 is what cargo uses for failed tests.
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(101);
    Ok(ExitCode::from(code))
}
