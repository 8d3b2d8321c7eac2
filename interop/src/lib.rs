//! What the programs and tests against live Twisted have in common.
//!
//! * [`commands`] and [`json`]: the two programs of the contract (COMMANDS.md);
//! * [`types`]: the commands of `types_peer.py`.

pub mod commands;
pub mod json;
pub mod lines;
pub mod types;
