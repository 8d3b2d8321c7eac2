//! What is no block of responders, and words that the attribute does not know.

use std::sync::Arc;

use amp_rpc::{Answer, Command, responders};

#[derive(Command)]
struct Ping;

struct Server;

#[responders]
struct NoBlock;

trait Pings {
    async fn ping(self: Arc<Self>, _: Ping) -> Answer<Ping>;
}

#[responders]
impl Pings for Server {
    async fn ping(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }
}

#[responders(names = all, name = "some", crate)]
impl Server {
    async fn pong(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }
}

fn main() {}
