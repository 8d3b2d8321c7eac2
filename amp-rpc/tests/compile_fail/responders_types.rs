//! Responders with the right shape and the wrong types.

use std::rc::Rc;
use std::sync::Arc;

use amp_rpc::{Answer, Command, Peer, responders};

#[derive(Command)]
struct Ping;

#[derive(Command)]
struct Pong;

struct Server;

#[responders]
impl Server {
    async fn no_command(self: Arc<Self>, _: i64) -> Answer<Ping> {
        Ok(())
    }

    async fn other_answer(self: Arc<Self>, _: Ping) -> i64 {
        0
    }

    async fn no_peer(self: Arc<Self>, _: Pong, _: i64) -> Answer<Pong> {
        Ok(())
    }

    async fn stays_on_its_thread(self: Arc<Self>, _: Ping, _: Peer) -> Answer<Ping> {
        let shared = Rc::new(1);
        std::future::ready(()).await;
        drop(shared);
        Ok(())
    }
}

struct Local(Rc<i64>);

#[responders]
impl Local {
    async fn ping(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }
}

fn main() {}
