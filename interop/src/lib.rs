//! What the two programs of the interop contract (COMMANDS.md) have in common.

pub mod commands;
pub mod json;
