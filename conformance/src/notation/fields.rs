use serde::Deserialize;

use super::text::Name;
use super::value::TypeNote;

/// A field of a command, of its response or of a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldNote {
    /// The key on the wire.
    pub name: Name,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: TypeNote,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
}
