use core::time::Duration;

use crate::wire::{Key, RawValue};

/// What an ask may carry beside its arguments. It goes only to peers that said they know it, or
/// that the program vouches for; others ignore it as any key that is not declared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Metadata<'a> {
    /// How long the caller still waits: decimal milliseconds.
    pub deadline: Option<RawValue<'a>>,
    /// The caller's span, as in the header `traceparent` of W3C's Trace Context.
    pub traceparent: Option<RawValue<'a>>,
}

/// The key of [`Metadata::deadline`].
pub const DEADLINE: Key<'static> = Key::from_prefixed(b"\0\x09_deadline");
/// The key of [`Metadata::traceparent`].
pub const TRACEPARENT: Key<'static> = Key::from_prefixed(b"\0\x0c_traceparent");

/// The most digits of a number of milliseconds.
const DIGITS: usize = 20;

impl Metadata<'_> {
    /// How long the caller still waits; `None` where it does not say so.
    ///
    /// # Errors
    ///
    /// When it is no number of milliseconds: one to twenty digits, within 64 bits. It is to be ignored.
    pub fn time_left(&self) -> Result<Option<Duration>, BadMetadata> {
        let Some(text) = self.deadline else {
            return Ok(None);
        };
        let text = text.as_bytes();
        if text.is_empty() || text.len() > DIGITS {
            return Err(BadMetadata);
        }
        let mut millis = 0_u64;
        for byte in text {
            let digit = byte.wrapping_sub(b'0');
            let next = (millis.checked_mul(10)).and_then(|it| it.checked_add(digit.into()));
            millis = next.filter(|_| digit < 10).ok_or(BadMetadata)?;
        }
        Ok(Some(Duration::from_millis(millis)))
    }
}

impl Metadata<'_> {
    /// Whether everything that is there can be read.
    pub fn is_sound(&self) -> bool {
        self.time_left().is_ok() && (self.traceparent.is_none() || self.span().is_some())
    }
}

/// The longest span that is taken. Version 00 of the header has 55 bytes; later ones may have more.
const LONGEST_SPAN: usize = 256;

impl<'a> Metadata<'a> {
    /// The caller's span; `None` where it does not say so, or where it is no text of visible ASCII of at most 256
    /// bytes. What the text means is not looked at.
    pub fn span(&self) -> Option<&'a str> {
        let span = self.traceparent?.as_bytes();
        let is_text =
            !span.is_empty() && span.len() <= LONGEST_SPAN && span.iter().all(u8::is_ascii_graphic);
        core::str::from_utf8(span).ok().filter(|_| is_text)
    }
}

/// Metadata that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadMetadata;

/// A time left as it travels. What is left of a millisecond counts as one, so that it is never zero
/// before it is over.
#[derive(Debug, Clone, Copy)]
pub struct TimeLeft {
    digits: [u8; DIGITS],
    start: usize,
}

impl TimeLeft {
    /// Writes it down. More than 64 bits of milliseconds are cut to that.
    pub fn new(left: Duration) -> Self {
        let millis = left.as_nanos().div_ceil(1_000_000);
        let mut millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let mut digits = [0; DIGITS];
        let mut start = DIGITS;
        loop {
            start -= 1;
            digits[start] = b'0' + (millis % 10) as u8;
            millis /= 10;
            if millis == 0 {
                return Self { digits, start };
            }
        }
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Option<Duration>, BadMetadata> {
        let deadline = Some(RawValue::new(text));
        Metadata {
            deadline,
            ..Metadata::default()
        }
        .time_left()
    }

    #[test]
    fn times_read_back() {
        for millis in [0, 1, 9, 10, 1_500, u64::MAX] {
            let left = Duration::from_millis(millis);
            assert_eq!(read(TimeLeft::new(left).as_bytes()), Ok(Some(left)));
        }
        assert_eq!(TimeLeft::new(Duration::from_nanos(1)).as_bytes(), b"1");
        assert_eq!(
            TimeLeft::new(Duration::MAX).as_bytes(),
            b"18446744073709551615"
        );
    }

    #[test]
    fn a_span_is_short_and_visible() {
        let long = "x".repeat(LONGEST_SPAN + 1);
        for (text, is_span) in [
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                true,
            ),
            (&long[1..], true),
            (&long, false),
            ("", false),
            ("00-\n", false),
            ("\u{e9}", false),
        ] {
            let traceparent = Some(RawValue::new(text.as_bytes()));
            let metadata = Metadata {
                traceparent,
                ..Metadata::default()
            };
            assert_eq!(metadata.span(), is_span.then_some(text));
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            " 1",
            "1s",
            "18446744073709551616",
            "000000000000000000001",
        ] {
            assert_eq!(read(text.as_bytes()), Err(BadMetadata), "{text:?}");
        }
        assert_eq!(Metadata::default().time_left(), Ok(None));
    }
}
