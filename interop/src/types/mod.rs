//! The commands of `types_peer.py`: every argument type, every kind of error, both directions.

pub mod commands;
pub mod echoes;
pub mod service;
