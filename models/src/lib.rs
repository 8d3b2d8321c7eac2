//! What threads do to each other in `amp-rpc`, checked in every order that the memory model allows.
//!
//! The tests compile the files of `amp-rpc` that synchronize threads a second time, with the primitives of
//! [loom](https://docs.rs/loom) in place of the standard library's.
