//! Bytes of a peer, made fit for a message or a log line.

use core::fmt;

/// How many bytes of somebody else's data a message shows.
pub(crate) const EXCERPT_BYTES: usize = 64;

/// Shows the first bytes of a name or value as text in quotes, escaped, and says how long the rest is.
///
/// Used wherever a message quotes what a peer sent: the output is ASCII, on one line and short,
/// whatever the peer sent.
#[derive(Clone, Copy)]
pub struct Excerpt<'a>(pub &'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(EXCERPT_BYTES)];
        write!(f, "\"{}\"", shown.escape_ascii())?;
        let hidden = self.0.len() - shown.len();
        if hidden > 0 {
            write!(f, " and {hidden} bytes more")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Excerpt;

    #[test]
    fn short_text_is_shown_whole() {
        assert_eq!(Excerpt(b"x\n\xff\"").to_string(), r#""x\n\xff\"""#);
    }

    #[test]
    fn long_text_is_cut() {
        let text = Excerpt(&[b'a'; 100]).to_string();
        assert!(text.ends_with("a\" and 36 bytes more"), "{text}");
    }
}
