//! Inherited descriptors by their numbers.

use std::fmt;
use std::io;
use std::os::fd::RawFd;

use super::super::description::{Arguments, Description, Options, digits};
use super::super::error::EndpointError;
use super::super::listener::Listener;
use super::super::{ConnectEndpoint, tcp, unix};
use super::claim::claim;
use super::single::Single;
use super::stream::{File, Socket, over_one, over_two};
use crate::transport::{Side, Transport};

/// What to read from and what to write to; the same number for a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Descriptors {
    pub(in super::super) reads: RawFd,
    pub(in super::super) writes: RawFd,
}

impl Descriptors {
    /// `common` are the options that the purpose has beside these.
    pub(in super::super) fn read(
        description: Description,
        all: &'static [&'static str],
    ) -> Result<(Self, Arguments), EndpointError> {
        let mut arguments = description.assign(&Options {
            all,
            positional: &["reads", "writes"],
            example: "fd:3",
        })?;
        let expected = "the number of a descriptor";
        let reads = arguments.require_as("reads", expected, digits)?;
        let writes = arguments.take_as("writes", expected, digits)?;
        let writes = writes.unwrap_or(reads);
        Ok((Self { reads, writes }, arguments))
    }

    pub(in super::super) fn connect(self) -> io::Result<Transport> {
        self.claim(|files, names| Self::transport(files, names, Side::Connecting))
    }

    /// Listens on a socket that listens; otherwise, what there is is the one connection to accept.
    pub(in super::super) fn listen(self) -> io::Result<Listener> {
        self.claim(|files, names| match files {
            Files::One(File::Socket(Socket::TcpListener(listener))) => {
                tcp::Listener::adopt(listener).map(Listener::Tcp)
            }
            Files::One(File::Socket(Socket::UnixListener(listener))) => {
                unix::Listener::adopt(listener).map(Listener::Unix)
            }
            files => {
                let transport = Self::transport(files, names, Side::Accepting)?;
                let endpoint = ConnectEndpoint::descriptors(self.reads, self.writes);
                Ok(Listener::Single(Single::new(transport, endpoint)))
            }
        })
    }

    fn claim<T>(self, make: impl FnOnce(Files, [&str; 2]) -> io::Result<T>) -> io::Result<T> {
        let name = |number| format!("descriptor {number}");
        let (reads, writes) = (name(self.reads), name(self.writes));
        let names = [reads.as_str(), writes.as_str()];
        if self.reads == self.writes {
            return claim([self.reads], |[descriptor]| {
                make(Files::One(File::new(descriptor, names[0])?), names)
            });
        }
        claim([self.reads, self.writes], |[reading, writing]| {
            let reading = File::new(reading, names[0])?;
            let writing = File::new(writing, names[1])?;
            make(Files::Two(reading, writing), names)
        })
    }

    fn transport(files: Files, names: [&str; 2], side: Side) -> io::Result<Transport> {
        match files {
            Files::One(file) => over_one(file, names[0], side),
            Files::Two(reading, writing) => {
                over_two((reading, names[0]), (writing, names[1]), side)
            }
        }
    }
}

enum Files {
    One(File),
    Two(File, File),
}

impl fmt::Display for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fd:{}", self.reads)?;
        if self.writes != self.reads {
            write!(f, ":{}", self.writes)?;
        }
        Ok(())
    }
}
