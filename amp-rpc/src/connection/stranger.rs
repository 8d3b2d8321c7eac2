//! Whoever else comes to a port of AMP's.

use amp_rpc_core::conversation::CloseReason;
use amp_rpc_core::wire::Stranger;

use super::log;
use crate::transport::Addresses;

/// Waits for the first bytes of a connection, which tell whether they are a stranger's.
#[derive(Debug, Default)]
pub(crate) struct Doorway {
    passed: bool,
}

/// What the first bytes say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// No stranger: the bytes are for the decoder.
    Peer,
    /// More bytes are needed to tell. There are never many: none of AMP's are kept waiting.
    Unknown,
    Stranger(Stranger),
}

impl Doorway {
    /// Whether the first bytes were looked at, and were a peer's.
    #[inline]
    pub(crate) fn has_passed(&self) -> bool {
        self.passed
    }

    /// Looks at the bytes that are there, of which the first are the connection's first as long as nobody
    /// has passed.
    #[inline]
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Visitor {
        if self.passed {
            return Visitor::Peer;
        }
        self.look_first(bytes)
    }

    #[cold]
    fn look_first(&mut self, bytes: &[u8]) -> Visitor {
        if Stranger::may_follow(bytes) {
            return Visitor::Unknown;
        }
        self.passed = true;
        Stranger::recognize(bytes).map_or(Visitor::Peer, Visitor::Stranger)
    }
}

/// Reports a stranger, and gives the reason that its connection ends with.
pub(crate) fn turn_away(stranger: Stranger, addresses: &Addresses) -> CloseReason {
    log::stranger(addresses, stranger);
    CloseReason::Stranger(stranger)
}

/// What to answer in HTTP, if that is asked for: so that a human or a health checker can read it. To a
/// `HEAD`, no content may be sent (RFC 9110, section 9.3.2). The preface of newer versions than HTTP/1 has no
/// answer that their clients could read.
pub(crate) fn answer_in_http(request: &[u8]) -> Option<String> {
    const CONTENT: &str = "This port speaks AMP (Asynchronous Messaging Protocol), not HTTP.\n";
    if request.starts_with(b"PRI ") {
        return None;
    }
    let content = if request.starts_with(b"HEAD ") {
        ""
    } else {
        CONTENT
    };
    Some(format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{content}",
        CONTENT.len(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_bytes_are_looked_at() {
        let mut doorway = Doorway::default();
        assert_eq!(doorway.look(b""), Visitor::Unknown);
        assert_eq!(doorway.look(b"G"), Visitor::Unknown);
        assert_eq!(doorway.look(b"GET"), Visitor::Unknown);
        let http = Visitor::Stranger(Stranger::HttpRequest);
        assert_eq!(doorway.look(b"GET / HTTP/1.1"), http);
        let mut doorway = Doorway::default();
        assert_eq!(doorway.look(b"\0"), Visitor::Peer);
        assert_eq!(doorway.look(b"GET / HTTP/1.1"), Visitor::Peer);
        let mut doorway = Doorway::default();
        assert_eq!(doorway.look(b"GO"), Visitor::Peer);
    }

    #[test]
    fn the_answer_is_http() {
        let answer = answer_in_http(b"GET / HTTP/1.1\r\n").unwrap();
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        let length = format!("\r\nContent-Length: {}\r\n", content.len());
        assert!(head.contains(&length), "{head}");
        assert!(content.contains("AMP"), "{content}");
        let to_head = answer_in_http(b"HEAD / HTTP/1.1\r\n").unwrap();
        assert_eq!(to_head, format!("{head}\r\n\r\n"));
        assert_eq!(answer_in_http(b"PRI * HTTP/2.0\r\n"), None);
    }
}
