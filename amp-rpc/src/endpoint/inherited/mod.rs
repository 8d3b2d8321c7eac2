//! Descriptors that this process has from the one that started it.

mod claim;
mod fd;
mod single;
mod stdio;
mod stream;
mod systemd;

pub(super) use fd::Descriptors;
pub(super) use single::Single;
pub(super) use stdio::{connect as connect_stdio, listen as listen_stdio, read as read_stdio};
pub(super) use systemd::{Activated, Which};
