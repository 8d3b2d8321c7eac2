//! TLS from the middle of a connection, with live Twisted on the other end in all roles: either side may
//! have connected, and either may ask. What both programs do with the plain command is in `contract`.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod asking;
mod commands;
mod pair;
mod relay;
mod the_server_asks;
mod world;
