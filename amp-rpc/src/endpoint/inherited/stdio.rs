//! Standard input and output as a connection: being somebody's child.

use std::fs::OpenOptions;
use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::fs::fstat;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};

use super::super::ConnectEndpoint;
use super::super::description::{Arguments, Description, Options};
use super::super::error::EndpointError;
use super::super::listener::Listener;
use super::single::Single;
use super::stream::{File, invalid, over_one, over_two};
use crate::transport::{Side, Transport};

const INPUT: &str = "standard input";
const OUTPUT: &str = "standard output";

/// Whether they have been taken.
static TAKEN: Mutex<bool> = Mutex::new(false);

pub(in super::super) fn connect() -> io::Result<Transport> {
    take(Side::Connecting)
}

pub(in super::super) fn listen() -> io::Result<Listener> {
    let transport = take(Side::Accepting)?;
    Ok(Listener::Single(Single::new(
        transport,
        ConnectEndpoint::stdio(),
    )))
}

/// Reads `stdio:`, which is an empty argument behind the kind. Twisted takes any argument and ignores
/// it.
pub(in super::super) fn read(
    mut description: Description,
    all: &'static [&'static str],
) -> Result<Arguments, EndpointError> {
    if description.positional == [""] {
        description.positional.clear();
    }
    description.assign(&Options {
        all,
        positional: &[],
        example: "stdio:",
    })
}

/// Takes both and puts something else in their places, so that nothing that this program prints gets
/// into the conversation, and no program that it starts reads from it.
fn take(side: Side) -> io::Result<Transport> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if *taken {
        return Err(invalid(
            "standard input and output have been taken before in this process".to_owned(),
        ));
    }
    let (input, output) = (stdin(), stdout());
    // What starts servers for single connections gives one socket as all three.
    let (input_file, output_file) = (fstat(input)?, fstat(output)?);
    let is_one = is_same(&input_file, &output_file);
    let input = File::new(input.try_clone_to_owned()?, INPUT)?;
    let transport = match input {
        File::Socket(_) if is_one => over_one(input, INPUT, side)?,
        _ => {
            let output = File::new(output.try_clone_to_owned()?, OUTPUT)?;
            over_two((input, INPUT), (output, OUTPUT), side)?
        }
    };
    let nowhere = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    let is_error_free = fstat(stderr()).is_ok_and(|error| !is_same(&error, &output_file));
    dup2_stdin(&nowhere)?;
    if is_error_free {
        dup2_stdout(stderr())?;
    } else {
        dup2_stdout(&nowhere)?;
        dup2_stderr(&nowhere)?;
    }
    *taken = true;
    Ok(transport)
}

fn is_same(one: &rustix::fs::Stat, other: &rustix::fs::Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}
