//! File descriptors over Unix sockets, this crate with itself and with a peer that breaks the rules.
#![cfg(unix)]

mod bounds;
mod fields;
mod support;
#[cfg(feature = "temporary-certificate")]
mod tls;
mod travel;
