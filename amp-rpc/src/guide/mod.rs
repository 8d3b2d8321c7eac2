//! The guide: from setting up to the wire format.
//!
//! It follows the guide of the original, `twisted.protocols.amp`: setting up, commands, locators, box
//! receivers. Then come the types of arguments and what can go wrong; how connections are kept (deadlines, silence, reconnecting) and
//! watched; what a connection can become or carry: TLS, another
//! protocol, open files, pipes to a child; testing, performance and promises; and two pages for those who come from Twisted.

#[doc = include_str!("setting_up.md")]
pub mod setting_up {}

#[doc = include_str!("servers.md")]
pub mod servers {}

#[doc = include_str!("commands.md")]
pub mod commands {}

#[doc = include_str!("locators.md")]
pub mod locators {}

#[doc = include_str!("box_receivers.md")]
pub mod box_receivers {}

#[doc = include_str!("argument_types.md")]
pub mod argument_types {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("reconnecting.md")]
pub mod reconnecting {}

#[doc = include_str!("deadlines.md")]
pub mod deadlines {}

#[doc = include_str!("silence.md")]
pub mod silence {}

#[doc = include_str!("observing.md")]
pub mod observing {}

#[cfg_attr(feature = "_tls", doc = include_str!("tls.md"))]
#[cfg_attr(
    not(feature = "_tls"),
    doc = "TLS and identity: with the feature `tls`."
)]
pub mod tls {}

#[cfg_attr(feature = "_tls", doc = include_str!("start_tls.md"))]
#[cfg_attr(
    not(feature = "_tls"),
    doc = "TLS from the middle of a connection: with the feature `tls`. Without it, a peer that asks for `StartTLS` is answered `TLS_ERROR`."
)]
pub mod start_tls {}

#[doc = include_str!("switching_protocols.md")]
pub mod switching_protocols {}

#[cfg_attr(unix, doc = include_str!("file_descriptors.md"))]
#[cfg_attr(not(unix), doc = "File descriptors: on systems of the Unix family.")]
pub mod file_descriptors {}

#[cfg_attr(all(unix, feature = "process"), doc = include_str!("child_processes.md"))]
#[cfg_attr(
    not(all(unix, feature = "process")),
    doc = "Child processes: on systems of the Unix family, with the feature `process`."
)]
pub mod child_processes {}

#[cfg_attr(feature = "test-util", doc = include_str!("testing.md"))]
#[cfg_attr(
    not(feature = "test-util"),
    doc = "Testing programs that use this crate: with the feature `test-util`."
)]
pub mod testing {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("promises.md")]
pub mod promises {}

#[doc = include_str!("coming_from_twisted.md")]
pub mod coming_from_twisted {}

#[doc = include_str!("differences_from_twisted.md")]
pub mod differences_from_twisted {}

#[doc = include_str!("wire_format.md")]
pub mod wire_format {}
