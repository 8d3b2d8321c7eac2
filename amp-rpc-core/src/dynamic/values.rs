use alloc::collections::BTreeMap;
use alloc::collections::btree_map;
use alloc::vec::Vec;

use super::codec;
use super::value::Value;
use crate::argument::missing;
use crate::context::Context;
use crate::error::DecodeError;
use crate::schema::FieldSchema;
use crate::wire::BoxView;

/// The fields of a command, of its answer, or of one row of an AmpList, by their names.
///
/// An optional field that is absent is not in the map.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    fields: BTreeMap<Vec<u8>, Value>,
}

impl Values {
    /// No fields.
    pub const fn new() -> Self {
        Self {
            fields: BTreeMap::new(),
        }
    }

    /// Reads the fields of a box that the schema has; others are ignored.
    ///
    /// # Errors
    ///
    /// When a required field is missing, or a value is not of its type.
    pub fn from_box(
        schema: &[FieldSchema],
        view: &BoxView<'_>,
        cx: &mut dyn Context,
    ) -> Result<Self, DecodeError> {
        let mut values = Self::new();
        for field in schema {
            let key = field.name.key();
            match view.get(key.name()) {
                Some(value) => {
                    let value = codec::decode(&field.ty, value, cx).map_err(|e| e.at(key))?;
                    values.insert(key.name(), value);
                }
                None if field.optional => {}
                None => return Err(missing(&field.ty).at(key)),
            }
        }
        Ok(values)
    }

    /// Sets a field and returns the value it had.
    pub fn insert(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Value>) -> Option<Value> {
        self.fields.insert(name.into(), value.into())
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) -> Option<Value> {
        self.fields.remove(name.as_ref())
    }

    /// The value of a field.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&Value> {
        self.fields.get(name.as_ref())
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in ascending order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.fields.iter().map(|(name, value)| (&name[..], value))
    }
}

impl<K: Into<Vec<u8>>, V: Into<Value>> FromIterator<(K, V)> for Values {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        Self {
            fields: fields.map(|(k, v)| (k.into(), v.into())).collect(),
        }
    }
}

impl<K: Into<Vec<u8>>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Values {
    fn from(fields: [(K, V); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl IntoIterator for Values {
    type Item = (Vec<u8>, Value);
    type IntoIter = btree_map::IntoIter<Vec<u8>, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}
