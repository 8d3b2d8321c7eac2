//! Plays conformance vectors, facts recorded from Twisted, against `amp-rpc-core`.
//!
//! The player translates the notation of the vectors (each file's `about`) into calls of the library
//! and compares; it decides nothing that a program would leave to the library. Notation that it does
//! not know is a failure. In reading order:
//!
//! * [`report`]: what becomes of each case, and how that is printed;
//! * [`notation`]: the files as Rust types;
//! * [`types`], [`boxes`], [`conversations`], [`traffic`]: one module for each kind of file;
//! * [`rules`]: which cases may differ from Twisted, and why.

pub mod boxes;
mod context;
pub mod conversations;
mod folder;
pub mod notation;
pub mod report;
pub mod rules;
pub mod traffic;
mod translate;
mod typed_forms;
pub mod types;

pub use folder::play;
