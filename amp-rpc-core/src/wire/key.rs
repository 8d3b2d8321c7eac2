use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use thiserror::Error;

use super::MAX_KEY;
use crate::excerpt::Excerpt;
use crate::shared::Shared;

/// A key of a box: 1 to 255 bytes of any value.
///
/// It borrows the key as it stands on the wire, behind its length, so that writing it is one copy
/// and comparing it with received bytes one comparison. If a `Key` exists, it is legal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// Takes a key that already has its 16-bit length in front.
    ///
    /// # Panics
    ///
    /// When the length does not fit the bytes, or is 0 or over 255. In a constant, where this
    /// belongs, that is a compile error.
    pub const fn from_prefixed(prefixed: &'a [u8]) -> Self {
        assert!(
            prefixed.len() > 2
                && prefixed.len() <= MAX_KEY + 2
                && prefixed[0] == 0
                && prefixed[1] as usize == prefixed.len() - 2,
            "not a key with its 16-bit length in front"
        );
        Self(prefixed)
    }

    /// The same for what is known to be one.
    #[inline(always)]
    pub(super) fn of_legal(prefixed: &'a [u8]) -> Self {
        Self(prefixed)
    }

    /// The key itself.
    #[inline]
    pub fn name(self) -> &'a [u8] {
        &self.0[2..]
    }

    /// The first eight bytes, with zeros behind a shorter key: keys whose starts differ are in the order of these.
    // Inlined, so that it is a constant where the key is one.
    #[inline(always)]
    pub(crate) fn start(self) -> u64 {
        let name = self.name();
        let mut start = 0;
        let mut index = 0;
        while index < 8 {
            let byte = if index < name.len() { name[index] } else { 0 };
            start = start << 8 | byte as u64;
            index += 1;
        }
        start
    }

    /// The key behind its 16-bit length.
    #[inline]
    pub fn prefixed(self) -> &'a [u8] {
        self.0
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Excerpt(self.name()).fmt(f)
    }
}

/// An owned [`Key`]: the name of an argument in a schema.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(Shared<[u8]>);

/// The bytes cannot be the key of a box, since they are none or more than 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key has 1 to 255 bytes, this one has {0}")]
pub struct InvalidName(usize);

impl Name {
    /// Takes a name that already has its 16-bit length in front, as [`Key::from_prefixed`] does.
    ///
    /// # Panics
    ///
    /// When the length does not fit the bytes, or is 0 or over 255.
    pub const fn from_prefixed(prefixed: &'static [u8]) -> Self {
        Self(Shared::Static(Key::from_prefixed(prefixed).0))
    }

    /// A name made at run time.
    ///
    /// # Errors
    ///
    /// When the name is empty or longer than 255 bytes.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, InvalidName> {
        let name = name.as_ref();
        match u8::try_from(name.len()) {
            Ok(length @ 1..) => {
                let mut prefixed = Vec::with_capacity(name.len() + 2);
                prefixed.extend_from_slice(&[0, length]);
                prefixed.extend_from_slice(name);
                Ok(Self(Shared::Counted(Arc::from(prefixed))))
            }
            _ => Err(InvalidName(name.len())),
        }
    }

    /// The key that has this name.
    pub fn key(&self) -> Key<'_> {
        Key(&self.0)
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        self.key().name()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key().fmt(f)
    }
}
