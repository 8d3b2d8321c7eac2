//! Errors for the log.

use std::error::Error;
use std::fmt;

/// An error, which in the alternate form (`{:#}`) is printed with everything behind it, in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source().filter(|_| f.alternate());
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] fmt::Error);

    #[test]
    fn the_alternate_form_has_what_is_behind() {
        let error = Outer(fmt::Error);
        assert_eq!(Chain(&error).to_string(), "outer");
        assert_eq!(
            format!("{:#}", Chain(&error)),
            format!("outer: {}", fmt::Error)
        );
    }
}
