//! Headers as haproxy's document shows and describes them, and what is none.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::AsyncWriteExt;

use super::header::{Ends, HeaderError, parse};
use super::read;
use crate::transport::{Address, BoxedStream};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn tcp(source: &str, destination: &str) -> Option<Ends> {
    let end = |text: &str| Address::Tcp(text.parse::<SocketAddr>().unwrap());
    Some(Ends {
        source: end(source),
        destination: end(destination),
    })
}

/// It is a header with these addresses, whatever follows, and no part of it is one.
#[track_caller]
fn check(bytes: &[u8], addresses: Option<Ends>) {
    let followed = [bytes, b"\0\x04_ask"].concat();
    let header = parse(&followed).unwrap().unwrap();
    assert_eq!(header.length, bytes.len());
    assert_eq!(header.addresses, addresses);
    let enough = bytes.len().min(16 + 216);
    for length in 0..enough {
        let part = parse(&bytes[..length]).unwrap();
        // Of version 2, only the addresses are needed.
        assert!(part.is_none_or(|part| part.length == bytes.len() && length >= 16));
    }
}

#[track_caller]
fn check_error(bytes: &[u8], expected: &str) {
    assert_eq!(parse(bytes).unwrap_err().to_string(), expected);
}

#[test]
fn lines() {
    let addresses = tcp("192.168.0.1:56324", "192.168.0.11:443");
    check(
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        addresses,
    );
    // The longest ones of the document.
    let four = b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
    check(four, tcp("255.255.255.255:65535", "255.255.255.255:65535"));
    let six = b"PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
    let ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let six = String::from_utf8(six.to_vec()).unwrap();
    let six = six.replace("ffff:f...f:ffff", ones);
    let end = format!("[{ones}]:65535");
    check(six.as_bytes(), tcp(&end, &end));
    check(
        b"PROXY TCP6 ::1 2001:db8::2 0 1\r\n",
        tcp("[::1]:0", "[2001:db8::2]:1"),
    );
    check(b"PROXY UNKNOWN\r\n", None);
    let longest = format!("PROXY UNKNOWN {ones} {ones} 65535 65535\r\n");
    assert_eq!(longest.len(), 107);
    check(longest.as_bytes(), None);
    check(b"PROXY UNKNOWN whatever \xff\r\n", None);
}

#[test]
fn lines_that_are_none() {
    for line in [
        "PROXY ",
        "PROXY TCP4",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 2",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2",
        "PROXY tcp4 1.2.3.4 1.2.3.4 1 2",
        "PROXY UNKNOWNX",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 ",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 2",
        "PROXY TCP4 ::1 ::1 1 2",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2",
        "PROXY TCP4 1.2.3 1.2.3.4 1 2",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2",
        "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 2",
        "PROXY TCP4 1.2.3.4 1.2.3.4 x 2",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
    ] {
        let expected = HeaderError::Line(line.as_bytes().to_vec());
        assert_eq!(parse(format!("{line}\r\n").as_bytes()), Err(expected));
    }
    check_error(b"PROXY \xff\r\n", "\"PROXY \\xff\" is no PROXY header");
    let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 93]].concat();
    assert_eq!(parse(&long[..106]), Ok(None));
    check_error(
        &long,
        "the line of its PROXY header is longer than 107 bytes",
    );
    check_error(
        &[&long, b"\r\n".as_slice()].concat(),
        "the line of its PROXY header is longer than 107 bytes",
    );
}

#[test]
fn binary_headers() {
    let four = [127, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80];
    let addresses = || tcp("127.0.0.1:4660", "10.0.0.2:80");
    check(&binary(0x21, 0x11, &four), addresses());
    check(&binary(0x21, 0x12, &four), addresses());
    // What follows within the header is skipped.
    check(
        &binary(0x21, 0x11, &[four.as_slice(), b"\x04\0\x01x"].concat()),
        addresses(),
    );
    check(
        &binary(0x21, 0x11, &[four.as_slice(), &[0; 65_523]].concat()),
        addresses(),
    );
    let mut six = [0; 36];
    (six[15], six[31], six[33], six[35]) = (1, 2, 3, 4);
    check(&binary(0x21, 0x21, &six), tcp("[::1]:3", "[::2]:4"));
    check(&binary(0x21, 0x22, &six), tcp("[::1]:3", "[::2]:4"));
    let mut names = [0; 216];
    names[..4].copy_from_slice(b"/a/b");
    let ends = Ends {
        source: Address::Unix(Some(PathBuf::from("/a/b"))),
        destination: Address::Unix(None),
    };
    check(&binary(0x21, 0x31, &names), Some(ends));
}

#[test]
fn where_a_checksum_may_stand() {
    let vectors = |header: &[u8]| parse(header).unwrap().unwrap().vectors;
    assert_eq!(vectors(b"PROXY UNKNOWN\r\n"), None);
    assert_eq!(vectors(&binary(0x21, 0x11, &[0; 20])), Some(16 + 12));
    assert_eq!(vectors(&binary(0x21, 0x22, &[0; 40])), Some(16 + 36));
    assert_eq!(vectors(&binary(0x21, 0x31, &[0; 220])), Some(16 + 216));
    assert_eq!(vectors(&binary(0x21, 0x00, b"")), Some(16));
    assert_eq!(vectors(&binary(0x21, 0x10, b"")), None);
    assert_eq!(vectors(&binary(0x21, 0x01, b"")), None);
    assert_eq!(vectors(&binary(0x20, 0x11, &[0; 20])), None);
}

#[test]
fn headers_without_addresses() {
    // What the proxy says for itself, such as to see whether this side lives.
    check(&binary(0x20, 0x00, b""), None);
    check(&binary(0x20, 0x11, &[1; 12]), None);
    check(&binary(0x20, 0xff, &[1; 300]), None);
    for family in [0x00, 0x01, 0x02, 0x10, 0x20, 0x30] {
        check(&binary(0x21, family, b""), None);
        check(&binary(0x21, family, &[1; 40]), None);
    }
}

#[test]
fn binary_headers_that_are_none() {
    check_error(
        &binary(0x11, 0x11, &[0; 12]),
        "its PROXY header has the version 1, which is not 2",
    );
    check_error(
        &binary(0x22, 0x11, &[0; 12]),
        "its PROXY header has the unknown command 2",
    );
    for family in [0x13, 0x41, 0x03, 0xff, 0x40] {
        let expected = format!("its PROXY header has the unknown family {family:#04x}");
        check_error(&binary(0x21, family, &[0; 300]), &expected);
    }
    for (family, needed) in [(0x11, 12), (0x22, 36), (0x31, 216)] {
        let length = needed - 1;
        let expected =
            format!("its PROXY header has {length} bytes of addresses, where {needed} are needed");
        check_error(&binary(0x21, family, &vec![0; length]), &expected);
    }
}

#[test]
fn what_begins_otherwise() {
    let missing = |begin: &str| {
        format!("it begins with \"{begin}\", not with a header of the PROXY protocol")
    };
    check_error(b"G", &missing("G"));
    check_error(b"GET / HTTP/1.1\r\n\r\n", &missing("GET / "));
    check_error(b"\0\x04_ask\0\x011", &missing(r"\x00\x04_ask"));
    check_error(b"PROXX", &missing("PROXX"));
    check_error(b"\r\n\r\n\r", &missing(r"\r\n\r\n\r"));
}

/// Each piece is read on its own, and so is what is skipped.
#[tokio::test]
async fn a_header_in_pieces_has_a_checksum_too() {
    let addresses = [127, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80];
    // Computed apart from this code, by the definition in RFC 3720, appendix B.4.
    let checksum = b"\x03\0\x04\xfd\x82\x1c\x70";
    let rest = [addresses.as_slice(), checksum, b"\x04\0\x40", &[7; 64]].concat();
    let header = binary(0x21, 0x11, &rest);
    for (change, is_right) in [(0, true), (1, false)] {
        let mut bytes = [header.as_slice(), b"box"].concat();
        bytes[header.len() - 1] ^= change;
        let (mut proxy, stream) = tokio::io::duplex(7);
        let mut stream: BoxedStream = BoxedStream::new(stream);
        let write = tokio::spawn(async move { proxy.write_all(&bytes).await });
        match read(&mut stream).await {
            Ok((header, behind)) => {
                assert!(is_right);
                assert_eq!(header.addresses, tcp("127.0.0.1:4660", "10.0.0.2:80"));
                assert!(b"box".starts_with(&behind), "{behind:?}");
            }
            Err(error) => assert!(!is_right, "{error}"),
        }
        drop(stream);
        // It may not have written what is behind.
        let _ = write.await.unwrap();
    }
}
