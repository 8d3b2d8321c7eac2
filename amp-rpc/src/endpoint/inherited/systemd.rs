//! Sockets that systemd has opened for this program: socket activation.
//!
//! The variables are those of `sd_listen_fds(3)`. They stay in the environment, where Twisted removes
//! them: a second use of a socket is refused all the same, and another process is not meant by them,
//! since `LISTEN_PID` names this one.

use std::fmt;
use std::io;
use std::os::fd::RawFd;

use super::super::description::{Arguments, Description, Escaped, Options, digits};
use super::super::error::EndpointError;
use super::super::listener::Listener;
use super::super::{tcp, unix};
use super::claim::claim;
use super::stream::{Socket, invalid};

/// The number of the first one.
const START: RawFd = 3;

const EXAMPLE: &str = "systemd:domain=INET:name=amp";

/// A socket of those that systemd has opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Activated {
    /// What it has to be; if nothing is said, what it is.
    domain: Option<Domain>,
    which: Which,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Which {
    Index(u16),
    Name(String),
}

/// A family of addresses, by the name that Python gives it behind `AF_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    Inet,
    Inet6,
    Unix,
}

impl Domain {
    fn new(name: &str) -> Option<Self> {
        match name {
            "INET" => Some(Self::Inet),
            "INET6" => Some(Self::Inet6),
            "UNIX" => Some(Self::Unix),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Inet => "INET",
            Self::Inet6 => "INET6",
            Self::Unix => "UNIX",
        }
    }
}

impl Activated {
    pub(in super::super) fn new(which: Which) -> Self {
        Self {
            domain: None,
            which,
        }
    }

    pub(in super::super) fn read(
        description: Description,
    ) -> Result<(Self, Arguments), EndpointError> {
        let mut arguments = description.assign(&Options {
            all: &["domain", "index", "name"],
            positional: &["domain", "index", "name"],
            example: EXAMPLE,
        })?;
        let domain = arguments.take_as("domain", "INET, INET6 or UNIX", Domain::new)?;
        let index = arguments.take_as("index", "a number from 0", digits)?;
        let which = match (index, arguments.take("name")) {
            (Some(index), None) => Which::Index(index),
            (None, Some(name)) => Which::Name(name),
            (None, None) => {
                return Err(EndpointError::Missing {
                    kind: "systemd",
                    option: "name",
                    example: EXAMPLE,
                });
            }
            (Some(_), Some(value)) => {
                return Err(EndpointError::Invalid {
                    kind: "systemd",
                    option: "name",
                    value,
                    expected: "either a name or an index",
                });
            }
        };
        Ok((Self { domain, which }, arguments))
    }

    pub(in super::super) fn listen(&self) -> io::Result<Listener> {
        let variable = |name: &str| std::env::var(name).ok();
        let number = self.which.number(variable, std::process::id())?;
        let name = format!("the socket of systemd with the descriptor {number}");
        claim([number], |[descriptor]| {
            let socket = Socket::new(descriptor, &name)?;
            let domain = socket.domain()?;
            if self.domain.is_some_and(|expected| expected != domain) {
                let domain = domain.name();
                return Err(invalid(format!("{name} is of the domain {domain}")));
            }
            match socket {
                Socket::TcpListener(listener) => tcp::Listener::adopt(listener).map(Listener::Tcp),
                Socket::UnixListener(listener) => {
                    unix::Listener::adopt(listener).map(Listener::Unix)
                }
                Socket::Tcp(_) | Socket::Unix(_) => Err(invalid(format!(
                    "{name} does not listen; a unit with Accept=yes passes a connection, which is \
                     \"fd:{number}\""
                ))),
            }
        })
    }
}

impl Socket {
    fn domain(&self) -> io::Result<Domain> {
        Ok(match self {
            Self::Unix(_) | Self::UnixListener(_) => Domain::Unix,
            Self::Tcp(socket) if socket.local_addr()?.is_ipv4() => Domain::Inet,
            Self::TcpListener(socket) if socket.local_addr()?.is_ipv4() => Domain::Inet,
            Self::Tcp(_) | Self::TcpListener(_) => Domain::Inet6,
        })
    }
}

impl Which {
    /// The descriptor that it means.
    fn number(&self, variable: impl Fn(&str) -> Option<String>, pid: u32) -> io::Result<RawFd> {
        let none = |message: &str| io::Error::new(io::ErrorKind::NotFound, message);
        let listen_pid = variable("LISTEN_PID");
        let count = variable("LISTEN_FDS");
        let (Some(listen_pid), Some(count)) = (listen_pid, count) else {
            return Err(none(
                "systemd has passed no sockets: LISTEN_PID and LISTEN_FDS are not set",
            ));
        };
        if digits(&listen_pid) != Some(pid) {
            return Err(none(&format!(
                "the sockets of systemd are for process {listen_pid:?} (LISTEN_PID), which is not \
                 this one, {pid}"
            )));
        }
        let count: u16 = digits(&count)
            .ok_or_else(|| invalid(format!("LISTEN_FDS is {count:?}, which is no number")))?;
        let names = variable("LISTEN_FDNAMES");
        let index = match self {
            Self::Index(index) if *index < count => *index,
            Self::Index(index) => {
                return Err(none(&format!(
                    "systemd has passed {count} sockets; there is no index {index}"
                )));
            }
            Self::Name(name) => {
                let names = names.as_deref().unwrap_or_default();
                let known = names.split(':').take(usize::from(count));
                // As in Twisted, it is the last one of several with the same name.
                let found = known.zip(0..).filter(|(known, _)| known == name).last();
                let (_, index) = found.ok_or_else(|| {
                    none(&format!(
                        "systemd has passed no socket named {name:?}; the names are {names:?} \
                         (LISTEN_FDNAMES)"
                    ))
                })?;
                index
            }
        };
        Ok(START + RawFd::from(index))
    }
}

impl fmt::Display for Activated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("systemd")?;
        if let Some(domain) = self.domain {
            write!(f, ":domain={}", domain.name())?;
        }
        match &self.which {
            Which::Index(index) => write!(f, ":index={index}"),
            Which::Name(name) => write!(f, ":name={}", Escaped(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found, with these variables, by process 7.
    fn find(which: &Which, pid: &str, count: &str, names: Option<&str>) -> Result<RawFd, String> {
        let variable = |name: &str| match name {
            "LISTEN_PID" => Some(pid.to_owned()),
            "LISTEN_FDS" => Some(count.to_owned()),
            "LISTEN_FDNAMES" => names.map(str::to_owned),
            _ => None,
        };
        which.number(variable, 7).map_err(|error| error.to_string())
    }

    fn name(name: &str) -> Which {
        Which::Name(name.to_owned())
    }

    #[test]
    fn sockets_count_from_three() {
        assert_eq!(find(&Which::Index(0), "7", "2", None), Ok(3));
        assert_eq!(find(&Which::Index(1), "7", "2", Some("a:b")), Ok(4));
        assert_eq!(find(&name("b"), "7", "2", Some("a:b")), Ok(4));
        assert_eq!(find(&name("a"), "7", "3", Some("a:b:a")), Ok(5));
        assert_eq!(find(&name(""), "7", "2", Some("a:")), Ok(4));
    }

    #[test]
    fn sockets_that_are_not_there() {
        let check = |found: Result<RawFd, String>, expected: &str| {
            assert_eq!(found.unwrap_err(), expected);
        };
        check(
            Which::Index(0)
                .number(|_| None, 7)
                .map_err(|error| error.to_string()),
            "systemd has passed no sockets: LISTEN_PID and LISTEN_FDS are not set",
        );
        for pid in ["8", "", "x"] {
            check(
                find(&Which::Index(0), pid, "1", None),
                &format!(
                    "the sockets of systemd are for process {pid:?} (LISTEN_PID), which is not \
                     this one, 7"
                ),
            );
        }
        check(
            find(&Which::Index(0), "7", "-1", None),
            "LISTEN_FDS is \"-1\", which is no number",
        );
        check(
            find(&Which::Index(2), "7", "2", None),
            "systemd has passed 2 sockets; there is no index 2",
        );
        check(
            find(&name("c"), "7", "2", Some("a:b:c")),
            "systemd has passed no socket named \"c\"; the names are \"a:b:c\" (LISTEN_FDNAMES)",
        );
        check(
            find(&name("a"), "7", "1", None),
            "systemd has passed no socket named \"a\"; the names are \"\" (LISTEN_FDNAMES)",
        );
    }
}
