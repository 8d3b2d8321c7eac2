//! The limit's bytes: those of AMP calls, prepared, and as little as can be done with them.

use crate::Call;
use crate::commands::COUNTS;
use crate::numbers::Numbers;

/// What a client's and a server's buffer hold.
pub const BUFFER: usize = 256 * 1024;

/// The call that is prepared where many numbers are added: neither the least nor the greatest numbers.
const SOME: i64 = 350;

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

/// One ask: of 40 bytes for a sum, of 11 bytes for each argument and some more where many are added.
#[must_use]
pub fn ask(call: Call) -> Vec<u8> {
    let command = match call {
        Call::Sum => "Sum".to_owned(),
        Call::Echo(_) => "Echo".to_owned(),
        Call::Add(count) => format!("Add{count}"),
    };
    let mut ask = Vec::new();
    put(&mut ask, "_ask", b"1");
    put(&mut ask, "_command", command.as_bytes());
    match call {
        Call::Sum => {
            put(&mut ask, "a", b"13");
            put(&mut ask, "b", b"81");
        }
        Call::Echo(length) => put(&mut ask, "data", &vec![b'x'; length]),
        Call::Add(count) => {
            for (place, number) in Numbers::new(count).set(SOME).iter().enumerate() {
                put(&mut ask, &format!("a{place:03}"), &digits(*number));
            }
        }
    }
    ask.extend([0, 0]);
    ask
}

/// The answer to such an ask.
#[must_use]
pub fn answer(call: Call) -> Vec<u8> {
    let mut answer = Vec::new();
    put(&mut answer, "_answer", b"1");
    match call {
        Call::Sum => put(&mut answer, "total", b"94"),
        Call::Echo(length) => put(&mut answer, "data", &vec![b'x'; length]),
        Call::Add(count) => {
            let mut numbers = Numbers::new(count);
            numbers.set(SOME);
            put(&mut answer, "total", &digits(numbers.total()));
        }
    }
    answer.extend([0, 0]);
    answer
}

fn digits(number: i64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn put(bytes: &mut Vec<u8>, key: &str, value: &[u8]) {
    for part in [key.as_bytes(), value] {
        let length = u16::try_from(part.len()).expect("a value has at most 65,535 bytes");
        bytes.extend(length.to_be_bytes());
        bytes.extend(part);
    }
}

/// Which call an ask is.
fn call_of(ask: &[u8]) -> Call {
    let is = |call: &Call| self::ask(*call) == ask;
    let adding = COUNTS.iter().map(|&count| Call::Add(count));
    let known = adding.chain([Call::Sum]).find(is);
    // An echo is the one that is of any length.
    known.unwrap_or_else(|| Call::Echo(ask.len() - self::ask(Call::Echo(0)).len()))
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
            let answer = answer(call_of(&asks[..bytes]));
            self.length = answer.len();
            self.prepared = answer.repeat(BUFFER / bytes + 1);
        }
        &self.prepared[..boxes * self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_amp() {
        let sum: &[u8] =
            b"\0\x04_ask\0\x011\0\x08_command\0\x03Sum\0\x01a\0\x0213\0\x01b\0\x0281\0\0";
        assert_eq!(ask(Call::Sum), sum);
        assert_eq!(sum.len(), 40);
        let add: &[u8] = b"\0\x04_ask\0\x011\0\x08_command\0\x04Add1\0\x04a000\0\x03450\0\0";
        assert_eq!(ask(Call::Add(1)), add);
        let total: &[u8] = b"\0\x07_answer\0\x011\0\x05total\0\x042260\0\0";
        assert_eq!(answer(Call::Add(5)), total);
    }

    #[test]
    fn an_ask_tells_which_call_it_is() {
        let calls = COUNTS.iter().map(|&count| Call::Add(count));
        for call in calls.chain([Call::Sum, Call::Echo(0), Call::Echo(60_000)]) {
            let asks = ask(call).repeat(3);
            assert_eq!(walk(&asks), (3, asks.len()));
            assert_eq!(call_of(&asks[..asks.len() / 3]), call);
            let three = answer(call).repeat(3);
            assert_eq!(Answers::default().to(&asks, 3), three);
        }
    }
}
