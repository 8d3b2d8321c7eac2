//! A child of a process pool of Python's `ampoule`, for work that Python is too slow for.
//!
//!     cargo build --features process --example ampoule_child
//!     python interop/python/ampoule_pool.py target/debug/examples/ampoule_child
//!
//! The pool starts it, speaks AMP with it over the descriptors 3 and 4, and expects the commands
//! `Echo`, `Ping` and `Shutdown` of every child. `CountPrimes` is this child's own work. `ampoule_pool.py`
//! is a pool whose children are this program.
//!
//! It ends with the code 0 after `Shutdown`. When the connection ends in another way, the code is 255, as
//! with children in Python, which is how the pool sees that something was wrong.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use amp_rpc::{Amp, Answer, Command, Failure, Fields};
use tokio::task::spawn_blocking;

/// Gives back what it gets.
#[derive(Debug, Command)]
#[amp(response = Response)]
struct Echo {
    data: Vec<u8>,
}

/// Shows that the child is there.
#[derive(Debug, Command)]
#[amp(response = Response)]
struct Ping {}

#[derive(Debug, Fields)]
struct Response {
    response: Vec<u8>,
}

/// Ends the child: its answer is the last thing on the connection.
#[derive(Debug, Command)]
#[amp(closes)]
struct Shutdown {}

/// Counts the primes below a number.
#[derive(Debug, Command)]
#[amp(response = Primes)]
struct CountPrimes {
    below: u64,
}

#[derive(Debug, Fields)]
struct Primes {
    count: u64,
}

/// This child: the responders, and whether it is to end.
#[derive(Default)]
struct Child {
    is_told_to_end: AtomicBool,
}

#[amp_rpc::responders]
impl Child {
    async fn echo(self: Arc<Self>, Echo { data }: Echo) -> Answer<Echo> {
        Ok(Response { response: data })
    }

    async fn ping(self: Arc<Self>, _: Ping) -> Answer<Ping> {
        let response = b"pong".to_vec();
        Ok(Response { response })
    }

    async fn shutdown(self: Arc<Self>, _: Shutdown) -> Answer<Shutdown> {
        self.is_told_to_end.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Where computing does not keep the connection from reading and answering.
    async fn count_primes(self: Arc<Self>, command: CountPrimes) -> Answer<CountPrimes> {
        let numbers = 2..command.below;
        let count = move || numbers.filter(|number| is_prime(*number)).count() as u64;
        let count = spawn_blocking(count).await.map_err(Failure::unexpected)?;
        Ok(Primes { count })
    }
}

fn is_prime(number: u64) -> bool {
    (2..=number.isqrt()).all(|divisor| number % divisor != 0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let child = Arc::new(Child::default());
    let amp = Amp::new().locator(Arc::clone(&child).responders());
    let server = amp.drop_responders_at_end().listen("fd:3:4").await?;
    // Returns when the connection has ended and all answers have left.
    server.run().await;
    let code = match child.is_told_to_end.load(Ordering::Relaxed) {
        true => 0,
        false => 255,
    };
    // To return would be to wait for what is still computed, although nobody gets it any more.
    std::process::exit(code)
}
