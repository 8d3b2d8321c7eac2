//! Boxes as bytes: the framing of AMP.
//!
//! A box is a sequence of pairs of key and value, each preceded by its length as a big-endian
//! 16-bit number, and ends with a key length of zero:
//!
//! ```text
//! 00 01 61  00 02 31 33   00 01 62  00 02 38 31   00 00
//! └─ "a" ─┘ └── "13" ───┘ └─ "b" ─┘ └── "81" ───┘ └ end ┘
//! ```
//!
//! Keys have 1 to 255 bytes, values 0 to 65,535.

mod at_once;
mod command_pair;
mod decode;
mod front;
mod key;
mod limits;
mod prefix;
mod protocol_pairs;
mod room;
mod short;
mod stranger;
mod value_writer;
mod view;
mod write;

#[doc(hidden)]
pub use at_once::AtOnce;
pub use command_pair::CommandPair;
pub use decode::{BoxLength, Decoder, Frame, FrameError, Frames, parse};
#[doc(hidden)]
pub use front::Found;
pub use front::Front;
pub use key::{InvalidName, Key, Name};
pub use limits::Limits;
#[doc(hidden)]
pub use prefix::Prefix;
pub(crate) use protocol_pairs::ProtocolPairs;
#[doc(hidden)]
pub use room::{Need, Room};
pub(crate) use short::Short;
pub use stranger::Stranger;
pub use value_writer::ValueWriter;
pub use view::{BoxView, Outline, Pairs, RawValue};
pub use write::BoxWriter;

/// The longest key, in bytes: the first byte of its length is always zero.
pub const MAX_KEY: usize = 255;

/// The longest value, in bytes, that the 16-bit length of AMP's framing can express.
pub const MAX_VALUE: usize = 65_535;

/// Values from this size on, in bytes, are handed out as slices of the buffer that was read, where that is one that can be shared.
/// Smaller ones are copied: to keep one does not keep a whole buffer, and up to here a copy takes less time.
pub const SHARED_FROM: usize = 4 * 1024;

/// The six keys that carry the conversation itself; no argument may use them.
pub mod protocol {
    use super::Key;

    /// The tag that the peer is to give back with its answer.
    pub const ASK: Key<'static> = Key::from_prefixed(b"\0\x04_ask");
    /// The tag of the ask that this box answers.
    pub const ANSWER: Key<'static> = Key::from_prefixed(b"\0\x07_answer");
    /// The name of the command.
    pub const COMMAND: Key<'static> = Key::from_prefixed(b"\0\x08_command");
    /// The tag of the ask that failed.
    pub const ERROR: Key<'static> = Key::from_prefixed(b"\0\x06_error");
    /// The error's code.
    pub const ERROR_CODE: Key<'static> = Key::from_prefixed(b"\0\x0b_error_code");
    /// The error's description, UTF-8.
    pub const ERROR_DESCRIPTION: Key<'static> = Key::from_prefixed(b"\0\x12_error_description");

    /// All six.
    pub const KEYS: [Key<'static>; 6] =
        [ANSWER, ASK, COMMAND, ERROR, ERROR_CODE, ERROR_DESCRIPTION];
}
