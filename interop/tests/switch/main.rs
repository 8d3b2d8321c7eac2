//! Connections that become something else, with live Twisted on the other end: its own HTTP and its own
//! lines, in plain text, over TLS from the first byte, and behind `StartTLS`.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod asking;
mod protocols;
mod same_write;
mod transports;
mod twisted;
