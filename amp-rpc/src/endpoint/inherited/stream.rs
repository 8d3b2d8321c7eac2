//! What kinds of files a connection can go over.

use std::io::{self, IoSlice};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{FileType, fstat};
use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{AddressFamily, SocketType, getsockname};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;

use super::super::{tcp, unix};
use crate::transport::{Addresses, Side, Transport};

/// A descriptor by what it can be used for.
pub(super) enum File {
    Pipe(OwnedFd),
    Socket(Socket),
}

/// A stream socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    TcpListener(TcpListener),
    UnixListener(UnixListener),
}

impl File {
    /// `name` is how error messages call it.
    pub(super) fn new(descriptor: OwnedFd, name: &str) -> io::Result<Self> {
        match FileType::from_raw_mode(fstat(&descriptor)?.st_mode) {
            FileType::Fifo => Ok(Self::Pipe(descriptor)),
            FileType::Socket => Socket::new(descriptor, name).map(Self::Socket),
            FileType::RegularFile => Err(no_stream(name, "a file")),
            FileType::CharacterDevice => Err(no_stream(name, "a terminal or another device")),
            _ => Err(no_stream(name, "something else")),
        }
    }
}

impl Socket {
    pub(super) fn new(descriptor: OwnedFd, name: &str) -> io::Result<Self> {
        if FileType::from_raw_mode(fstat(&descriptor)?.st_mode) != FileType::Socket {
            return Err(invalid(format!("{name} is no socket")));
        }
        if socket_type(&descriptor)? != SocketType::STREAM {
            return Err(no_stream(name, "a socket of another type"));
        }
        let family = getsockname(&descriptor)?.address_family();
        // Some systems do not tell; connections are the usual case.
        let listens = socket_acceptconn(&descriptor).unwrap_or(false);
        match (family, listens) {
            (AddressFamily::UNIX, false) => Ok(Self::Unix(descriptor.into())),
            (AddressFamily::UNIX, true) => Ok(Self::UnixListener(descriptor.into())),
            (AddressFamily::INET | AddressFamily::INET6, false) => Ok(Self::Tcp(descriptor.into())),
            (AddressFamily::INET | AddressFamily::INET6, true) => {
                Ok(Self::TcpListener(descriptor.into()))
            }
            _ => Err(no_stream(name, "a socket of another family")),
        }
    }
}

fn no_stream(name: &str, what: &str) -> io::Error {
    invalid(format!(
        "{name} is {what}; AMP goes over pipes and stream sockets"
    ))
}

pub(super) fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A connection over one socket.
pub(super) fn over_one(file: File, name: &str, side: Side) -> io::Result<Transport> {
    match file {
        File::Socket(Socket::Tcp(socket)) => tcp::adopt(socket, side),
        File::Socket(Socket::Unix(socket)) => {
            socket.set_nonblocking(true)?;
            let socket = tokio::net::UnixStream::from_std(socket)?;
            let addresses = unix::addresses(&socket);
            Ok(unix::transport(socket, addresses, side))
        }
        File::Socket(_) => Err(invalid(format!(
            "{name} is a socket that listens; it is no connection"
        ))),
        File::Pipe(_) => Err(invalid(format!(
            "{name} is a pipe, which goes in one direction only; another one has to go in the other"
        ))),
    }
}

/// A connection that reads from one descriptor and writes to another.
pub(super) fn over_two(
    reading: (File, &str),
    writing: (File, &str),
    side: Side,
) -> io::Result<Transport> {
    let (file, name) = reading;
    let reading: Reading = match file {
        File::Pipe(pipe) => Box::new(pipe::Receiver::from_owned_fd(pipe).map_err(|error| {
            io::Error::new(error.kind(), format!("{name} cannot be read: {error}"))
        })?),
        socket => Box::new(over_one(socket, name, side)?.into_stream()),
    };
    let (file, name) = writing;
    let is_pipe = matches!(file, File::Pipe(_));
    let writing: Writing = match file {
        File::Pipe(pipe) => Box::new(pipe::Sender::from_owned_fd(pipe).map_err(|error| {
            io::Error::new(error.kind(), format!("{name} cannot be written: {error}"))
        })?),
        socket => Box::new(over_one(socket, name, side)?.into_stream()),
    };
    let pair = Pair {
        reading,
        writing: Some(writing),
    };
    let transport = Transport::new(pair, Addresses::default(), side);
    Ok(match is_pipe {
        true => transport.without_resets(),
        false => transport,
    })
}

type Reading = Box<dyn AsyncRead + Send + Unpin>;
type Writing = Box<dyn AsyncWrite + Send + Unpin>;

/// A stream of two files.
struct Pair {
    reading: Reading,
    /// A pipe is closed by dropping it.
    writing: Option<Writing>,
}

impl Pair {
    fn writing(&mut self) -> io::Result<Pin<&mut Writing>> {
        let writing = self.writing.as_mut();
        Ok(Pin::new(writing.ok_or(io::ErrorKind::BrokenPipe)?))
    }
}

impl AsyncRead for Pair {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reading).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pair {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writing()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing()?.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        (self.writing.as_ref()).is_some_and(|writing| writing.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Ok(writing) = self.writing() {
            let shut = ready!(writing.poll_shutdown(cx));
            self.writing = None;
            return Poll::Ready(shut);
        }
        Poll::Ready(Ok(()))
    }
}
