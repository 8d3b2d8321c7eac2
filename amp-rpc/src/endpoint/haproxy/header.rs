//! The header of the PROXY protocol, in both of its versions.
//!
//! What is read here is what haproxy's document "The PROXY protocol" says a receiver has to read, and it
//! is stricter than Twisted: a line of version 1 has to be exactly of its form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::super::description::digits;
use crate::transport::Address;

/// How every header of version 1 begins.
const LINE: &[u8] = b"PROXY ";

/// The longest header of version 1, with the end of its line.
const LONGEST_LINE: usize = 107;

/// How every header of version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The fixed part of version 2: the signature, the command, the family, and the length of the rest.
const FIXED: usize = 16;

/// The two names of Unix sockets in version 2.
const UNIX_NAME: usize = 108;

/// A header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// How many bytes it has. They may not all be there yet; in what is missing only a checksum matters.
    pub(super) length: usize,
    /// Where in it begins what may have a checksum, in version 2.
    pub(super) vectors: Option<usize>,
    /// Who has connected to the proxy, and to what. `None`: the proxy speaks for itself, or does not
    /// know.
    pub(super) addresses: Option<Ends>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) source: Address,
    pub(super) destination: Address,
}

/// What is wrong with the beginning of a connection.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("it begins with \"{}\", not with a header of the PROXY protocol", .0.escape_ascii())]
    Missing(Vec<u8>),
    #[error("the line of its PROXY header is longer than {LONGEST_LINE} bytes")]
    TooLong,
    #[error("\"{}\" is no PROXY header", .0.escape_ascii())]
    Line(Vec<u8>),
    #[error("its PROXY header has the version {0}, which is not 2")]
    Version(u8),
    #[error("its PROXY header has the unknown command {0}")]
    Command(u8),
    #[error("its PROXY header has the unknown family {0:#04x}")]
    Family(u8),
    #[error("its PROXY header has {length} bytes of addresses, where {needed} are needed")]
    TooShort { length: usize, needed: usize },
    #[error("the checksum in its PROXY header is {sent:#010x}, where {computed:#010x} is right")]
    Checksum { sent: u32, computed: u32 },
    #[error("its PROXY header has a checksum that is not one of four bytes")]
    BadChecksum,
}

/// Reads the header that bytes begin with. `None`: more are needed.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    if begins(bytes, SIGNATURE) {
        return binary(bytes);
    }
    if begins(bytes, LINE) {
        return line(bytes);
    }
    let begin = &bytes[..bytes.len().min(LINE.len())];
    Err(HeaderError::Missing(begin.to_vec()))
}

/// Whether bytes begin like this, as far as they go.
fn begins(bytes: &[u8], expected: &[u8]) -> bool {
    let length = bytes.len().min(expected.len());
    bytes[..length] == expected[..length]
}

fn line(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    let within = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        if bytes.len() < LONGEST_LINE {
            return Ok(None);
        }
        return Err(HeaderError::TooLong);
    };
    let line = &bytes[..end];
    let addresses = line_addresses(line).ok_or_else(|| HeaderError::Line(line.to_vec()))?;
    Ok(Some(Header {
        length: end + 2,
        vectors: None,
        addresses,
    }))
}

fn line_addresses(line: &[u8]) -> Option<Option<Ends>> {
    let text = std::str::from_utf8(line.strip_prefix(LINE)?).ok();
    let unknown = b"UNKNOWN";
    if let Some(rest) = line[LINE.len()..].strip_prefix(unknown) {
        // Whatever stands behind it is to be ignored.
        return (rest.is_empty() || rest[0] == b' ').then_some(None);
    }
    let words: Vec<&str> = text?.split(' ').collect();
    let [family, source, destination, source_port, destination_port] = words[..] else {
        return None;
    };
    let address: fn(&str) -> Option<IpAddr> = match family {
        "TCP4" => |text| text.parse().ok().map(|address: Ipv4Addr| address.into()),
        "TCP6" => |text| text.parse().ok().map(|address: Ipv6Addr| address.into()),
        _ => return None,
    };
    let end = |ip, number| Some(Address::Tcp((address(ip)?, port(number)?).into()));
    Some(Some(Ends {
        source: end(source, source_port)?,
        destination: end(destination, destination_port)?,
    }))
}

fn port(text: &str) -> Option<u16> {
    let has_zeros = text.len() > 1 && text.starts_with('0');
    digits(text).filter(|_| !has_zeros)
}

fn binary(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    let Some(fixed) = bytes.first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let [.., command, family, high, low] = *fixed;
    let rest = usize::from(u16::from_be_bytes([high, low]));
    let header = |vectors, addresses| {
        Ok(Some(Header {
            length: FIXED + rest,
            vectors,
            addresses,
        }))
    };
    match (command >> 4, command & 0xf) {
        // Of what the proxy says for itself, all is to be skipped.
        (2, 0) => return header(None, None),
        (2, 1) => {}
        (2, command) => return Err(HeaderError::Command(command)),
        (version, _) => return Err(HeaderError::Version(version)),
    }
    let needed = match (family >> 4, family & 0xf) {
        (0, 0) => return header(Some(FIXED), None),
        // As in Twisted, either one that is not specified is as good as both; but then it is not known how
        // long the addresses are.
        (0, 1 | 2) | (1..=3, 0) => return header(None, None),
        (1, 1 | 2) => 2 * (4 + 2),
        (2, 1 | 2) => 2 * (16 + 2),
        (3, 1 | 2) => 2 * UNIX_NAME,
        _ => return Err(HeaderError::Family(family)),
    };
    if rest < needed {
        return Err(HeaderError::TooShort {
            length: rest,
            needed,
        });
    }
    match bytes.get(FIXED..FIXED + needed) {
        Some(addresses) => header(Some(FIXED + needed), binary_addresses(addresses)),
        None => Ok(None),
    }
}

/// The addresses, whose length is that of their family.
fn binary_addresses(bytes: &[u8]) -> Option<Ends> {
    let (source, destination) = match bytes.len() {
        12 => inet::<4>(bytes)?,
        36 => inet::<16>(bytes)?,
        _ => {
            let (source, destination) = bytes.split_at(UNIX_NAME);
            (unix(source), unix(destination))
        }
    };
    Some(Ends {
        source,
        destination,
    })
}

/// Two addresses of IP, then their ports.
fn inet<const N: usize>(bytes: &[u8]) -> Option<(Address, Address)>
where
    IpAddr: From<[u8; N]>,
{
    let (source, bytes) = bytes.split_first_chunk::<N>()?;
    let (destination, bytes) = bytes.split_first_chunk::<N>()?;
    let (source_port, bytes) = bytes.split_first_chunk()?;
    let (destination_port, _) = bytes.split_first_chunk()?;
    let end = |ip: &[u8; N], port: &[u8; 2]| {
        let ip = IpAddr::from(*ip);
        Address::Tcp(SocketAddr::new(ip, u16::from_be_bytes(*port)))
    };
    Some((end(source, source_port), end(destination, destination_port)))
}

/// A name, filled up with zeros.
fn unix(bytes: &[u8]) -> Address {
    let length = bytes.iter().rposition(|byte| *byte != 0);
    let name = length.map(|last| &bytes[..=last]);
    Address::Unix(name.map(path))
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;

    std::ffi::OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
