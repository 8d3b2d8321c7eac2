//! What can be wrong with the fields of a box, on the way out and on the way in.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::excerpt::{EXCERPT_BYTES, Excerpt};
use crate::wire::Key;

/// Where in the fields of a command something is wrong, outermost first.
#[derive(Clone, PartialEq, Eq, Default)]
struct Path(Vec<Step>);

#[derive(Clone, PartialEq, Eq)]
enum Step {
    Key(Box<[u8]>),
    Element(usize),
}

impl Path {
    fn key(&self) -> Option<&[u8]> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }
}

/// Prints `rows, element 3, name: `; steps are stored innermost first.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match step {
                Step::Key(key) => write!(f, "`{}`", key.escape_ascii())?,
                Step::Element(index) => write!(f, "element {index}")?,
            }
        }
        if !self.0.is_empty() {
            f.write_str(": ")?;
        }
        Ok(())
    }
}

/// A value of this program's own that cannot be sent. Nothing was sent.
///
/// Prints the key, the problem, and the sizes where there are any: `` `data`: the value has 70000
/// bytes, the limit is 65535``.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodeError(Box<EncodeErrorParts>);

#[derive(Clone, PartialEq, Eq)]
struct EncodeErrorParts {
    path: Path,
    problem: EncodeProblem,
}

/// What is wrong with a value that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeProblem {
    /// The value, or an element of a list, is longer than the framing or the limit allows.
    ValueTooLong {
        /// Its length in bytes.
        size: usize,
        /// The most it may have.
        limit: usize,
    },
    /// All fields together are larger than the limit on a box.
    BoxTooLarge {
        /// The length of the box in bytes.
        size: usize,
        /// The most it may have.
        limit: usize,
    },
    /// A required field was not given. Typed commands cannot lack one.
    Missing,
    /// The value has no form on the wire, for the reason given.
    Unencodable(Cow<'static, str>),
}

impl EncodeError {
    #[cold]
    fn new(problem: EncodeProblem) -> Self {
        Self(Box::new(EncodeErrorParts {
            path: Path::default(),
            problem,
        }))
    }

    #[cold]
    pub(crate) fn value_too_long(size: usize, limit: usize) -> Self {
        Self::new(EncodeProblem::ValueTooLong { size, limit })
    }

    #[cold]
    pub(crate) fn box_too_large(size: usize, limit: usize) -> Self {
        Self::new(EncodeProblem::BoxTooLarge { size, limit })
    }

    /// A required field was not given.
    #[cold]
    pub fn missing() -> Self {
        Self::new(EncodeProblem::Missing)
    }

    /// The value has no form on the wire; `reason` says why, as in "a path with bytes that are no UTF-8".
    #[cold]
    pub fn unencodable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(EncodeProblem::Unencodable(reason.into()))
    }

    /// The same error, of the field `key`.
    #[must_use]
    pub fn at(mut self, key: Key<'_>) -> Self {
        self.0.path.0.push(Step::Key(key.name().into()));
        self
    }

    /// The same error, of the element `index` of a list.
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        self.0.path.0.push(Step::Element(index));
        self
    }

    /// The outermost key whose value is wrong.
    pub fn key(&self) -> Option<&[u8]> {
        self.0.path.key()
    }

    /// How many keys and indices lead to the value: 1 for a value of the box itself.
    pub(crate) fn depth(&self) -> usize {
        self.0.path.0.len()
    }

    /// What is wrong.
    pub fn problem(&self) -> &EncodeProblem {
        &self.0.problem
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.path.fmt(f)?;
        match &self.0.problem {
            EncodeProblem::ValueTooLong { size, limit } => {
                write!(f, "the value has {size} bytes, the limit is {limit}")
            }
            EncodeProblem::BoxTooLarge { size, limit } => {
                write!(f, "the box has {size} bytes, the limit is {limit}")
            }
            EncodeProblem::Missing => f.write_str("a value is required, and there is none"),
            EncodeProblem::Unencodable(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodeError({})", self)
    }
}

impl core::error::Error for EncodeError {}

/// A field that a peer sent, or left out, and that is not what the command's schema says.
///
/// Prints the key, what was expected, and the beginning of what was there:
/// `` `total`: expected an integer, got "x"``.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<DecodeErrorParts>);

#[derive(Clone, PartialEq, Eq)]
struct DecodeErrorParts {
    path: Path,
    expected: Cow<'static, str>,
    found: Found,
}

#[derive(Clone, PartialEq, Eq)]
enum Found {
    Nothing,
    Value { start: Box<[u8]>, size: usize },
    Told(String),
}

impl DecodeError {
    #[cold]
    fn new(expected: impl Into<Cow<'static, str>>, found: Found) -> Self {
        Self(Box::new(DecodeErrorParts {
            path: Path::default(),
            expected: expected.into(),
            found,
        }))
    }

    /// The value is not of the type; `expected` says what would be, as in "an integer".
    #[cold]
    pub fn expected(expected: impl Into<Cow<'static, str>>, found: &[u8]) -> Self {
        let start = &found[..found.len().min(EXCERPT_BYTES)];
        let found = Found::Value {
            start: start.into(),
            size: found.len(),
        };
        Self::new(expected, found)
    }

    /// There is no such key in the box; `expected` says what its value would be.
    #[cold]
    pub fn missing(expected: impl Into<Cow<'static, str>>) -> Self {
        Self::new(expected, Found::Nothing)
    }

    /// The value is refused for a reason that is better told in words than by showing the value,
    /// as in `DecodeError::refused("a port number", "0 is reserved")`.
    #[cold]
    pub fn refused(expected: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self::new(expected, Found::Told(found.into()))
    }

    /// The same error, of the field `key`.
    #[must_use]
    pub fn at(mut self, key: Key<'_>) -> Self {
        self.0.path.0.push(Step::Key(key.name().into()));
        self
    }

    /// The same error, of the element `index` of a list.
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        self.0.path.0.push(Step::Element(index));
        self
    }

    /// The outermost key whose value is wrong.
    pub fn key(&self) -> Option<&[u8]> {
        self.0.path.key()
    }

    /// What would have been right.
    pub fn expectation(&self) -> &str {
        &self.0.expected
    }

    /// Whether the key was not there at all.
    pub fn is_missing(&self) -> bool {
        self.0.found == Found::Nothing
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}expected {}, ", self.0.path, self.0.expected)?;
        match &self.0.found {
            Found::Nothing => f.write_str("but the key is missing"),
            Found::Value { start, size } if *size > start.len() => {
                let more = size - start.len();
                write!(f, "got {} and {more} bytes more", Excerpt(start))
            }
            Found::Value { start, .. } => write!(f, "got {}", Excerpt(start)),
            Found::Told(found) => f.write_str(found),
        }
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({})", self)
    }
}

impl core::error::Error for DecodeError {}
