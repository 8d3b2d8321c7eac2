//! Programs to start, as strings.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::RawFd;

use tokio::io::AsyncRead;

use super::description::{
    Arguments, Description, Escaped, Options, SECONDS, Seconds, digits, flag, seconds,
};
use super::error::EndpointError;
use crate::process::{DEFAULT_GRACE, Output, Program};
use crate::transport::Transport;

/// Starts the program. Its output that carries no AMP has nobody else to read it.
pub(super) fn connect(program: &Program) -> io::Result<Transport> {
    let (transport, child) = program.start()?;
    if let Some(stdout) = child.stdout {
        drain(stdout);
    }
    if let Some(stderr) = child.stderr {
        drain(stderr);
    }
    Ok(transport)
}

fn drain(mut output: impl AsyncRead + Send + Unpin + 'static) {
    tokio::spawn(async move {
        // Whatever ends it, there is nothing more to read.
        let _ = tokio::io::copy(&mut output, &mut tokio::io::sink()).await;
    });
}

pub(super) fn read(mut description: Description) -> Result<(Program, Arguments), EndpointError> {
    // All arguments without a name belong to the program, but the first may be its name.
    let mut words = std::mem::take(&mut description.positional).into_iter();
    if !description.names("program") {
        description.positional.extend(words.next());
    }
    let variables = description.take_all("env");
    let mut arguments = description.assign(&Options {
        all: &[
            "program",
            "descriptors",
            "env",
            "clearEnv",
            "directory",
            "stdout",
            "stderr",
            "grace",
            "timeout",
        ],
        positional: &["program"],
        example: "process:python3:worker.py:descriptors=3,4",
    })?;
    let mut program = Program::new(arguments.require_text("program", "a program")?).args(words);
    for variable in variables {
        let (name, value) = arguments.read("env", variable, "NAME=VALUE", |variable| {
            let (name, value) = variable.split_once('=')?;
            (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        })?;
        program = program.env(name, value);
    }
    if arguments.take_as("clearEnv", "0 or 1", flag)? == Some(true) {
        program = program.env_clear();
    }
    program.directory = arguments.take("directory").map(Into::into);
    let expected = "two numbers, such as 3,4, or one of a socket";
    if let Some(numbers) = arguments.take_as("descriptors", expected, descriptors)? {
        program.descriptors = numbers;
    }
    let expected = "inherit, null or piped";
    program.stdout = arguments
        .take_as("stdout", expected, output)?
        .unwrap_or_default();
    program.stderr = arguments
        .take_as("stderr", expected, output)?
        .unwrap_or_default();
    if let Some(grace) = arguments.take_as("grace", SECONDS, seconds)? {
        program.grace = grace;
    }
    Ok((program, arguments))
}

fn descriptors(text: &str) -> Option<(RawFd, RawFd)> {
    match text.split_once(',') {
        Some((reads, writes)) => Some((digits(reads)?, digits(writes)?)),
        None => digits(text).map(|number| (number, number)),
    }
}

fn output(text: &str) -> Option<Output> {
    match text {
        "inherit" => Some(Output::Inherit),
        "null" => Some(Output::Null),
        "piped" => Some(Output::Piped),
        _ => None,
    }
}

fn output_name(output: Output) -> &'static str {
    match output {
        Output::Inherit => "inherit",
        Output::Null => "null",
        Output::Piped => "piped",
    }
}

pub(super) fn write(program: &Program, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let escaped = |text: &OsString| Escaped(text.to_string_lossy().into_owned());
    write!(f, "process:{}", Escaped(program.program.display()))?;
    for argument in &program.args {
        write!(f, ":{}", escaped(argument))?;
    }
    match program.descriptors {
        (0, 1) => {}
        (reads, writes) if reads == writes => write!(f, ":descriptors={reads}")?,
        (reads, writes) => write!(f, ":descriptors={reads},{writes}")?,
    }
    for (name, value) in &program.env {
        write!(f, ":env={}\\={}", escaped(name), escaped(value))?;
    }
    if program.env_clear {
        f.write_str(":clearEnv=1")?;
    }
    if let Some(directory) = &program.directory {
        write!(f, ":directory={}", Escaped(directory.display()))?;
    }
    for (name, output) in [("stdout", program.stdout), ("stderr", program.stderr)] {
        if output != Output::default() {
            write!(f, ":{name}={}", output_name(output))?;
        }
    }
    if program.grace != DEFAULT_GRACE {
        write!(f, ":grace={}", Seconds(program.grace))?;
    }
    Ok(())
}
