//! Other protocols than AMP, told by their first bytes.

use core::fmt;

/// Another protocol than AMP, told by the first bytes of a connection.
///
/// The first byte of AMP is always zero, that of each of these never is: no box is ever taken for one.
///
/// ```
/// use amp_rpc_core::wire::Stranger;
///
/// let first = b"GET / HTTP/1.1\r\n";
/// assert_eq!(Stranger::recognize(first), Some(Stranger::HttpRequest));
/// assert_eq!(Stranger::recognize(b"\0\x08_command"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stranger {
    /// A request of HTTP/1, or its newer versions' preface: a browser, a health checker, a scanner.
    HttpRequest,
    /// An answer of HTTP: this side has connected to a web server.
    HttpResponse,
    /// A record of TLS: a `ClientHello` to a port without TLS, or the alert of a server that wants TLS.
    Tls,
    /// The line that a side of SSH begins with.
    Ssh,
    /// A header of the PROXY protocol, of version 1 or 2.
    ProxyHeader,
}

/// How strangers begin, whole words of theirs.
///
/// The methods are those of RFC 9110, section 9.3, and `PATCH`; `PRI * HTTP/2.0` is the preface of RFC
/// 9113, section 3.4. SSH's line is that of RFC 4253, section 4.2. The last two are from haproxy's
/// document "The PROXY protocol", section 2; of version 2's signature enough to leave no doubt.
const BEGINNINGS: &[(&[u8], Stranger)] = &[
    (b"GET ", Stranger::HttpRequest),
    (b"HEAD ", Stranger::HttpRequest),
    (b"POST ", Stranger::HttpRequest),
    (b"PUT ", Stranger::HttpRequest),
    (b"DELETE ", Stranger::HttpRequest),
    (b"CONNECT ", Stranger::HttpRequest),
    (b"OPTIONS ", Stranger::HttpRequest),
    (b"TRACE ", Stranger::HttpRequest),
    (b"PATCH ", Stranger::HttpRequest),
    (b"PRI * HT", Stranger::HttpRequest),
    (b"HTTP/", Stranger::HttpResponse),
    (b"SSH-", Stranger::Ssh),
    (b"PROXY ", Stranger::ProxyHeader),
    (b"\r\n\r\n\0\r\nQ", Stranger::ProxyHeader),
];

/// How much of a record of TLS tells that it is one: its type and its version.
const TLS_BYTES: usize = 3;

impl Stranger {
    /// How many bytes are enough to recognize every one.
    pub const BYTES: usize = 8;

    /// Which protocol it is whose first bytes these are, if it is one of these.
    ///
    /// `None` may also mean that there are too few bytes: see [`may_follow`](Self::may_follow).
    pub fn recognize(first: &[u8]) -> Option<Self> {
        if first.len() >= TLS_BYTES && is_tls(first) {
            return Some(Self::Tls);
        }
        let known = |(beginning, _): &&(&[u8], _)| first.starts_with(beginning);
        BEGINNINGS.iter().find(known).map(|(_, stranger)| *stranger)
    }

    /// Whether these bytes are too few to tell, and with more behind them may be one of these protocols.
    pub fn may_follow(first: &[u8]) -> bool {
        if first.is_empty() {
            return true;
        }
        let is_begun =
            |beginning: &[u8]| first.len() < beginning.len() && beginning.starts_with(first);
        (first.len() < TLS_BYTES && is_tls(first))
            || BEGINNINGS.iter().any(|(beginning, _)| is_begun(beginning))
    }

    /// The protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpRequest | Self::HttpResponse => "HTTP",
            Self::Tls => "TLS",
            Self::Ssh => "SSH",
            Self::ProxyHeader => "PROXY",
        }
    }
}

/// Whether bytes are a record of TLS, as far as they go: one of its four types, and a version from SSL
/// 3.0 to TLS 1.3 (RFC 8446, section 5.1). No alert or handshake of TLS in use has another one.
fn is_tls(first: &[u8]) -> bool {
    matches!(first, [20..=23] | [20..=23, 3] | [20..=23, 3, 0..=4, ..])
}

/// Says what the peer speaks, and what to do about it.
impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpRequest => {
                "the peer speaks HTTP, as a browser or a health checker does, and this port is for AMP: give \
                 it another port, or let it be answered with Amp::answer_http"
            }
            Self::HttpResponse => {
                "the peer answers in HTTP: this is the port of a web server, not of an AMP server"
            }
            Self::Tls => {
                "the peer speaks TLS, and this side AMP in plain text: use TLS on this side as well (the \
                 endpoints ssl: and tls:, or a Tls given to the endpoint), or switch it off on the peer's"
            }
            Self::Ssh => "the peer speaks SSH: one of the two has the wrong port",
            Self::ProxyHeader => {
                "the peer sends a header of the PROXY protocol, as a load balancer does: listen with the \
                 endpoint haproxy: in front (ListenEndpoint::haproxy), or switch the header off there"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{BEGINNINGS, Stranger};

    /// It is recognized from `needed` bytes on, and until then it may follow.
    #[track_caller]
    fn check(bytes: &[u8], needed: usize, expected: Stranger) {
        assert!(needed <= Stranger::BYTES);
        for length in 0..=bytes.len() {
            let first = &bytes[..length];
            let recognized = (length >= needed).then_some(expected);
            assert_eq!(Stranger::recognize(first), recognized, "{first:?}");
            assert_eq!(Stranger::may_follow(first), length < needed, "{first:?}");
        }
    }

    #[test]
    fn http() {
        check(
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            4,
            Stranger::HttpRequest,
        );
        check(b"HEAD /health HTTP/1.0\r\n\r\n", 5, Stranger::HttpRequest);
        check(b"POST /a HTTP/1.1\r\n", 5, Stranger::HttpRequest);
        check(b"PUT /a HTTP/1.1\r\n", 4, Stranger::HttpRequest);
        check(b"DELETE /a HTTP/1.1\r\n", 7, Stranger::HttpRequest);
        check(b"CONNECT a:443 HTTP/1.1\r\n", 8, Stranger::HttpRequest);
        check(b"OPTIONS * HTTP/1.1\r\n", 8, Stranger::HttpRequest);
        check(b"TRACE / HTTP/1.1\r\n", 6, Stranger::HttpRequest);
        check(b"PATCH /a HTTP/1.1\r\n", 6, Stranger::HttpRequest);
        check(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            8,
            Stranger::HttpRequest,
        );
        check(b"HTTP/1.1 400 Bad Request\r\n", 5, Stranger::HttpResponse);
    }

    #[test]
    fn tls() {
        // A ClientHello of TLS 1.3 as OpenSSL begins it, and of a client of TLS 1.0.
        check(
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            3,
            Stranger::Tls,
        );
        check(b"\x16\x03\x03\0\xa5\x01\0\0\xa1\x03\x03", 3, Stranger::Tls);
        // What a server of TLS says to one who speaks otherwise: a fatal alert, unexpected_message.
        check(b"\x15\x03\x03\0\x02\x02\x0a", 3, Stranger::Tls);
        check(b"\x15\x03\x01\0\x02\x02\x46", 3, Stranger::Tls);
    }

    #[test]
    fn ssh() {
        check(b"SSH-2.0-OpenSSH_9.6\r\n", 4, Stranger::Ssh);
        check(b"SSH-1.99-x\n", 4, Stranger::Ssh);
    }

    #[test]
    fn proxy_headers() {
        let line = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
        check(line, 6, Stranger::ProxyHeader);
        check(b"PROXY UNKNOWN\r\n", 6, Stranger::ProxyHeader);
        let binary = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21\x11\0\x0c";
        check(binary, 8, Stranger::ProxyHeader);
    }

    #[test]
    fn others_are_not_taken_for_one() {
        for bytes in [
            b"\0".as_slice(),
            b"\0\x04_ask\0\x011",
            b"\0\0",
            b"\xff\xff",
            b"GETTING",
            b"PROXIES",
            b"PRIVMSG a",
            b"SSH2",
            b"\x16\x04\x01",
            b"\x16\x03\x05",
            b"\x18\x03\x03",
            b"\r\n\r\nQUIT",
            b"HELO example.com\r\n",
        ] {
            assert_eq!(Stranger::recognize(bytes), None, "{bytes:?}");
            assert!(!Stranger::may_follow(bytes), "{bytes:?}");
        }
    }

    /// Twisted's and ours: the first byte of a box is the upper half of a key's length.
    #[test]
    fn no_box_is_one() {
        for (beginning, _) in BEGINNINGS {
            assert_ne!(beginning[0], 0);
            assert!(beginning.len() <= Stranger::BYTES);
        }
        for second in 0..=255 {
            assert!(!Stranger::may_follow(&[0, second]));
        }
    }

    #[test]
    fn each_says_what_it_is_and_what_to_do() {
        for (stranger, words) in [
            (Stranger::HttpRequest, ["speaks HTTP", "Amp::answer_http"]),
            (Stranger::HttpResponse, ["in HTTP", "web server"]),
            (Stranger::Tls, ["speaks TLS", "ssl: and tls:"]),
            (Stranger::Ssh, ["speaks SSH", "wrong port"]),
            (Stranger::ProxyHeader, ["PROXY", "haproxy:"]),
        ] {
            let text = stranger.to_string();
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
    }
}
