//! File descriptors that travel beside the bytes of a Unix socket.
//!
//! ```text
//! a field is encoded ──► Sending ──► Exchange ──► CarryingStream ──► sendmsg
//!                                       ▲ │
//!                              recvmsg ─┘ └──► a field is decoded
//! ```

#[cfg_attr(not(unix), allow(dead_code, reason = "no stream carries any"))]
mod exchange;
mod marks;
mod sending;
#[cfg(unix)]
mod stream;

pub(crate) use exchange::{Exchange, MAX_UNCLAIMED, Reading};
pub(crate) use marks::{Mark, Marks};
pub(crate) use sending::Sending;
#[cfg(unix)]
pub(crate) use stream::CarryingStream;

#[cfg(unix)]
pub(crate) use std::os::fd::OwnedFd;

/// There are none.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) enum OwnedFd {}
