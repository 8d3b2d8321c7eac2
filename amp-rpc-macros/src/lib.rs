//! Derive macros of `amp-rpc`.
