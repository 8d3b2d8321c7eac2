//! The limit's bytes: those of AMP calls, prepared, and as little as can be done with them.

/// What a client's and a server's buffer hold.
pub const BUFFER: usize = 256 * 1024;

const ASK: &[u8] = b"\0\x04_ask\0\x011\0\x08_command\0\x03Sum\0\x01a\0\x0213\0\x01b\0\x0281\0\0";
const ANSWER: &[u8] = b"\0\x07_answer\0\x011\0\x05total\0\x0294\0\0";

/// Counts the whole boxes at the front of `bytes` and their length.
#[must_use]
pub fn walk(bytes: &[u8]) -> (usize, usize) {
    let (mut boxes, mut end, mut at) = (0, 0, 0);
    while at + 2 <= bytes.len() {
        let length = usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]);
        at += 2 + length;
        if length == 0 {
            boxes += 1;
            end = at;
            continue;
        }
        if at + 2 > bytes.len() {
            break;
        }
        at += 2 + (usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]));
    }
    (boxes, end)
}

/// One ask: of 43 bytes for a sum, or one that echoes `bytes`.
#[must_use]
pub fn ask(bytes: Option<usize>) -> Vec<u8> {
    match bytes {
        None => ASK.to_vec(),
        Some(length) => with_data(
            b"\0\x04_ask\0\x011\0\x08_command\0\x04Echo\0\x04data",
            length,
        ),
    }
}

/// The answer to such an ask.
#[must_use]
pub fn answer(bytes: Option<usize>) -> Vec<u8> {
    match bytes {
        None => ANSWER.to_vec(),
        Some(length) => with_data(b"\0\x07_answer\0\x011\0\x04data", length),
    }
}

fn with_data(head: &[u8], length: usize) -> Vec<u8> {
    let short = u16::try_from(length).expect("a value has at most 65,535 bytes");
    let mut bytes = head.to_vec();
    bytes.extend(short.to_be_bytes());
    bytes.resize(bytes.len() + length, b'x');
    bytes.extend([0, 0]);
    bytes
}

/// What a server answers at once: it is told by the first whole ask which answer is wanted.
#[derive(Debug, Default)]
pub struct Answers {
    prepared: Vec<u8>,
    length: usize,
}

impl Answers {
    /// The answers to the boxes of `asks`, which are all alike.
    pub fn to(&mut self, asks: &[u8], boxes: usize) -> &[u8] {
        if boxes == 0 {
            return &[];
        }
        if self.prepared.is_empty() {
            let bytes = asks.len() / boxes;
            let rest = ask(Some(0)).len();
            // A sum's first box does not say how long others are; it is the one that is not an echo.
            let answer = answer((bytes != ASK.len()).then(|| bytes - rest));
            self.length = answer.len();
            self.prepared = answer.repeat(BUFFER / bytes + 1);
        }
        &self.prepared[..boxes * self.length]
    }
}
