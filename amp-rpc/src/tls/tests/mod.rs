//! Handshakes in memory, with certificates made on the spot.

mod files;
mod identities;
mod no_tls;
mod refusals;
mod sessions;
mod support;
