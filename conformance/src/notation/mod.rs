//! The files of the vectors as Rust types; what they do not have is refused.

mod behavior;
mod conversation;
mod fields;
mod file;
mod text;
mod value;

pub use behavior::{Behavior, BehaviorKind, Progress, Returned};
pub use conversation::{
    CallNote, Cause, CommandNote, ConversationCase, ErrorKind, Event, Expected, Kind, Loss,
    Resolve, Seen, Split, Step,
};
pub use fields::FieldNote;
pub use file::{File, Level, cases};
pub use text::{Hex, Name, Ordered};
pub use value::{DateTimeNote, DecimalNote, Offset, Text, TypeNote, ValueNote};
