//! One program that is run to its end.

use std::io;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::Failure;

/// Runs a program whose output goes to standard error, since standard output belongs to results.
pub(crate) fn run(command: &mut Command, advice: &str) -> Result<(), Failure> {
    let status = status(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::from(io::stderr())),
    )?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` failed ({status}); its own words are above. {advice}",
        shown(command)
    )))
}

/// Runs a program and tells how it ended; an error when it cannot be started.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, Failure> {
    eprintln!("xtask: {}", shown(command));
    command
        .status()
        .map_err(|error| Failure::new(format!("cannot run `{}`: {error}", shown(command))))
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
