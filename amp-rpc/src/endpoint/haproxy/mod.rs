//! Listening behind a proxy that says who has connected to it: the PROXY protocol. In Twisted it is
//! `twisted.protocols.haproxy`.

mod checksum;
mod header;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use self::checksum::Checksum;
use self::header::{Header, HeaderError};
use super::ListenEndpoint;
use super::description::{Description, POSITIVE_SECONDS, Seconds, seconds};
use super::error::EndpointError;
use super::listener::Listener;
use crate::transport::{BoxedStream, Opening, Prefixed, Transport};

/// How long the proxy may take for its header. It has it at hand.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How much is read at a time. What is kept of a header is never more than this and its addresses.
const CHUNK: usize = 512;

/// Another endpoint, behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxied {
    pub(super) inner: ListenEndpoint,
    pub(super) timeout: Duration,
}

impl Proxied {
    /// Reads `haproxy:` before any other listening endpoint.
    pub(super) fn read(mut description: Description) -> Result<Self, EndpointError> {
        let kind = "haproxy";
        let option = "headerTimeout";
        let mut timeout = DEFAULT_TIMEOUT;
        let mut given = description.take_all(option).into_iter();
        if let Some(value) = given.next() {
            let read = seconds(&value).filter(|timeout| !timeout.is_zero());
            timeout = read.ok_or(EndpointError::Invalid {
                kind,
                option,
                value,
                expected: POSITIVE_SECONDS,
            })?;
        }
        if given.next().is_some() {
            return Err(EndpointError::Repeated { kind, option });
        }
        let inner = ListenEndpoint::read(description.inner(super::kinds::BEHIND_PROXY)?)?;
        Ok(Self { inner, timeout })
    }
}

impl fmt::Display for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "haproxy:{}", self.inner)?;
        if self.timeout != DEFAULT_TIMEOUT {
            write!(f, ":headerTimeout={}", Seconds(self.timeout))?;
        }
        Ok(())
    }
}

/// Listens behind a proxy.
#[derive(Debug)]
pub(crate) struct ProxiedListener {
    pub(super) inner: Box<Listener>,
    pub(super) timeout: Duration,
}

impl ProxiedListener {
    /// The next connection; its header is read by its own future.
    pub(super) async fn accept(&mut self) -> io::Result<Option<Opening>> {
        let limit = self.timeout;
        let opening = Box::pin(self.inner.accept()).await?;
        Ok(opening.map(|opening| Box::pin(behind(opening, limit)) as Opening))
    }
}

async fn behind(opening: Opening, limit: Duration) -> io::Result<Transport> {
    let mut transport = opening.await?;
    let read = timeout(limit, read(&mut transport.stream)).await;
    let read = read.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("it has not sent a PROXY header within {limit:?}"),
        ))
    });
    let (header, front) = read.map_err(|error| match &transport.addresses.remote {
        Some(proxy) => io::Error::new(error.kind(), format!("{proxy}: {error}")),
        None => error,
    })?;
    if let Some(ends) = header.addresses {
        transport.addresses.remote = Some(ends.source);
        transport.addresses.local = Some(ends.destination);
    }
    if !front.is_empty() {
        transport.stream = BoxedStream::new(Prefixed::new(front, transport.stream));
    }
    Ok(transport)
}

/// Reads a header, and gives what came behind it.
async fn read(stream: &mut BoxedStream) -> io::Result<(Header, Bytes)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; CHUNK];
    let header = loop {
        match header::parse(&bytes) {
            Ok(Some(header)) => break header,
            Ok(None) => {}
            Err(error) => return Err(invalid(error)),
        }
        let length = read_some(stream, &mut chunk).await?;
        bytes.extend_from_slice(&chunk[..length]);
    };
    // What stands behind the addresses is for others, but for a checksum.
    let mut checksum = header.vectors.map(Checksum::new);
    let mut pass = |bytes: &[u8]| match &mut checksum {
        Some(checksum) => checksum.pass(bytes).map_err(invalid),
        None => Ok(()),
    };
    let mut missing = header.length.saturating_sub(bytes.len());
    pass(&bytes[..header.length.min(bytes.len())])?;
    while missing > 0 {
        let wanted = missing.min(CHUNK);
        let length = read_some(stream, &mut chunk[..wanted]).await?;
        pass(&chunk[..length])?;
        missing -= length;
    }
    if let Some(checksum) = checksum {
        checksum.check().map_err(invalid)?;
    }
    bytes.drain(..header.length.min(bytes.len()));
    Ok((header, bytes.into()))
}

fn invalid(error: HeaderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

async fn read_some(stream: &mut BoxedStream, chunk: &mut [u8]) -> io::Result<usize> {
    match stream.read(chunk).await? {
        0 => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it was closed before its PROXY header was complete",
        )),
        length => Ok(length),
    }
}
