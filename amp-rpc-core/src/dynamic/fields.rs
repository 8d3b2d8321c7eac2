use super::codec;
use super::values::Values;
use crate::context::Context;
use crate::error::EncodeError;
use crate::excerpt::Excerpt;
use crate::fields::WriteFields;
use crate::schema::FieldSchema;
use crate::shared::Shared;
use crate::wire::BoxWriter;

/// Values on their way into a box, with the schema that says how they are written.
#[derive(Debug, Clone, Copy)]
pub struct DynamicFields<'a> {
    schema: &'a [FieldSchema],
    values: &'a Values,
}

impl<'a> DynamicFields<'a> {
    /// Fields that are written as `schema` says.
    pub const fn new(schema: &'a [FieldSchema], values: &'a Values) -> Self {
        Self { schema, values }
    }
}

impl WriteFields for DynamicFields<'_> {
    /// # Errors
    ///
    /// Also when a required field has no value, when a value is not of the field's type, and when
    /// there is a value that the schema does not have (Twisted's `InvalidSignature`).
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        let mut written = 0;
        for field in self.schema {
            let key = field.name.key();
            match self.values.get(key.name()) {
                Some(value) => {
                    written += 1;
                    out.pair(key, |out| codec::encode(&field.ty, value, out, cx))?;
                }
                None if field.optional => {}
                None => return Err(EncodeError::missing().at(key)),
            }
        }
        if written < self.values.len() {
            return Err(self.unknown_field());
        }
        Ok(())
    }
}

impl DynamicFields<'_> {
    #[cold]
    fn unknown_field(&self) -> EncodeError {
        let has = |name: &[u8]| self.schema.iter().any(|f| f.name.as_bytes() == name);
        let unknown = self.values.iter().find(|(name, _)| !has(name));
        let name = unknown.map_or(&[][..], |(name, _)| name);
        EncodeError::unencodable(alloc::format!("there is no field {}", Excerpt(name)))
    }
}

/// The same, owned: what a call takes along.
#[derive(Debug, Clone)]
pub struct OwnedFields {
    schema: Shared<[FieldSchema]>,
    values: Values,
}

impl OwnedFields {
    /// Fields that are written as `schema` says.
    pub const fn new(schema: Shared<[FieldSchema]>, values: Values) -> Self {
        Self { schema, values }
    }
}

impl WriteFields for OwnedFields {
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        DynamicFields::new(&self.schema, &self.values).write_fields(out, cx)
    }
}
