//! Functions in a block of responders that are none.

use std::sync::Arc;

use amp_rpc::{Answer, Command, Peer, responders};

#[derive(Command)]
struct Ping;

struct Server;

#[responders]
impl Server {
    pub fn new() -> Self {
        Self
    }

    fn not_async(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }

    async fn by_reference(&self, _: Ping) -> Answer<Ping> {
        Ok(())
    }

    async fn by_value(self, _: Ping) -> Answer<Ping> {
        Ok(())
    }

    async fn in_a_box(self: Box<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }

    async fn without_command(self: Arc<Self>) -> Answer<Ping> {
        Ok(())
    }

    async fn with_more(self: Arc<Self>, _: Ping, _: Peer, _more: i64) -> Answer<Ping> {
        Ok(())
    }

    async fn without_answer(self: Arc<Self>, _: Ping) {}

    async fn generic<C: Command>(self: Arc<Self>, _: C) -> Answer<C> {
        std::future::pending().await
    }

    async unsafe fn dangerous(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }

    async fn ping(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        Ok(())
    }
}

fn main() {
    // The method is there all the same.
    let _ = Arc::new(Server).responders();
}
