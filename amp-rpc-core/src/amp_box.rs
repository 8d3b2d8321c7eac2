use alloc::collections::BTreeMap;
use alloc::collections::btree_map;
use alloc::vec::Vec;
use core::fmt;

use crate::context::Context;
use crate::error::EncodeError;
use crate::excerpt::Excerpt;
use crate::fields::WriteFields;
use crate::wire::{BoxWriter, Limits, Name};

/// A box of its own: a map from keys to values, both bytes. Twisted's `AmpBox`.
///
/// Keys are in ascending order, as they are sent; setting a key again replaces its value. A box
/// takes any bytes; that its keys have 1 to 255 bytes and its values at most 65,535 is checked when
/// it is written.
///
/// ```
/// use amp_rpc_core::AmpBox;
///
/// let mut hello = AmpBox::new();
/// hello.insert("greeting", "hello");
/// assert_eq!(hello.to_bytes()?, b"\0\x08greeting\0\x05hello\0\0");
/// # Ok::<(), amp_rpc_core::EncodeError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmpBox {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl AmpBox {
    /// A box without pairs.
    pub const fn new() -> Self {
        Self {
            pairs: BTreeMap::new(),
        }
    }

    /// Sets a key and returns the value it had.
    pub fn insert(
        &mut self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        self.pairs.insert(key.into(), value.into())
    }

    /// Takes a key out and returns the value it had.
    pub fn remove(&mut self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.pairs.remove(key.as_ref())
    }

    /// The value of a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.pairs.get(key.as_ref()).map(Vec::as_slice)
    }

    /// Whether the box has the key.
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> bool {
        self.pairs.contains_key(key.as_ref())
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether the box has no pairs.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs in ascending order of their keys.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.pairs.iter())
    }

    /// The box as it stands on the wire.
    ///
    /// # Errors
    ///
    /// When a key has no bytes or more than 255, or a value has more than 65,535.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes, Limits::DEFAULT)?;
        Ok(bytes)
    }

    /// Appends the box to `out`; on an error `out` is as before.
    ///
    /// # Errors
    ///
    /// When a key has no bytes or more than 255, or when a value or the box is over the limits.
    pub fn write_to(&self, out: &mut Vec<u8>, limits: Limits) -> Result<(), EncodeError> {
        let mut writer = BoxWriter::new(out, limits, &[]);
        self.write_pairs(&mut writer)?;
        writer.finish()
    }

    fn write_pairs(&self, out: &mut BoxWriter<'_>) -> Result<(), EncodeError> {
        for (key, value) in &self.pairs {
            let name = Name::new(key).map_err(|error| {
                EncodeError::unencodable(alloc::format!("{}: {error}", Excerpt(key)))
            })?;
            out.put(name.key(), value)?;
        }
        Ok(())
    }
}

impl WriteFields for AmpBox {
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        _cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        self.write_pairs(out)
    }
}

impl<K: Into<Vec<u8>>, V: Into<Vec<u8>>> FromIterator<(K, V)> for AmpBox {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut new = Self::new();
        new.extend(pairs);
        new
    }
}

impl<K: Into<Vec<u8>>, V: Into<Vec<u8>>> Extend<(K, V)> for AmpBox {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<K: Into<Vec<u8>>, V: Into<Vec<u8>>, const N: usize> From<[(K, V); N]> for AmpBox {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a AmpBox {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for AmpBox {
    type Item = (Vec<u8>, Vec<u8>);
    type IntoIter = btree_map::IntoIter<Vec<u8>, Vec<u8>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}

/// Iterator over the pairs of an [`AmpBox`].
#[derive(Debug, Clone)]
pub struct Iter<'a>(btree_map::Iter<'a, Vec<u8>, Vec<u8>>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&key[..], &value[..]))
    }
}

/// Shows keys and the lengths of values: values may be secret. Iterate to see them.
impl fmt::Debug for AmpBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_pairs(self.iter().map(|(key, value)| (key, value.len())), f)
    }
}

pub(crate) fn fmt_pairs<'a>(
    pairs: impl Iterator<Item = (&'a [u8], usize)>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut map = f.debug_map();
    for (key, size) in pairs {
        map.entry(&Excerpt(key), &format_args!("<{size} bytes>"));
    }
    map.finish()
}
