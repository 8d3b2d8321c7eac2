//! What threads do to each other in `amp-rpc`, checked in every order that the memory model allows.
//!
//! The tests compile the file of `amp-rpc` by which threads wake responders (`connection/woken`) a second time, with the primitives of
//! [loom](https://docs.rs/loom) in place of the standard library's.
