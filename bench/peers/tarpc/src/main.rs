//! `Sum` calls with tarpc: bincode over TCP, as in its documentation.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tarpc::server::{BaseChannel, Channel as _};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context};

#[tarpc::service]
trait Adder {
    async fn sum(a: i64, b: i64) -> i64;
}

#[derive(Clone)]
struct Server;

impl Adder for Server {
    async fn sum(self, _: context::Context, a: i64, b: i64) -> i64 {
        a + b
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server"] => serve().await,
        ["client", port, outstanding, seconds] => {
            let port = port.parse()?;
            let transport =
                tarpc::serde_transport::tcp::connect(("127.0.0.1", port), Bincode::default);
            let transport = transport.await?;
            transport.get_ref().set_nodelay(true)?;
            let mut config = client::Config::default();
            config.max_in_flight_requests = 1 << 16;
            config.pending_request_buffer = 1 << 12;
            let client = AdderClient::new(config, transport).spawn();
            let time = Duration::from_secs_f64(seconds.parse()?);
            println!("{}", call(&client, outstanding.parse()?, time).await?);
            Ok(())
        }
        _ => Err("usage: server | client PORT OUTSTANDING SECONDS".into()),
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mut listener =
        tarpc::serde_transport::tcp::listen(("127.0.0.1", 0), Bincode::default).await?;
    println!("listening {}", listener.local_addr().port());
    while let Some(transport) = listener.next().await {
        let transport = transport?;
        transport.get_ref().set_nodelay(true)?;
        let channel = BaseChannel::with_defaults(transport);
        tokio::spawn(channel.execute(Server.serve()).for_each(|response| async {
            tokio::spawn(response);
        }));
    }
    Ok(())
}

/// Keeps calls outstanding, each in a task of its own, and returns how many end in a second.
async fn call(
    client: &AdderClient,
    outstanding: i64,
    time: Duration,
) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for caller in 0..outstanding {
        let (client, is_over) = (client.clone(), Arc::clone(&is_over));
        callers.push(tokio::spawn(async move {
            let mut calls = 0_i64;
            while !is_over.load(Ordering::Relaxed) {
                let total = client.sum(context::current(), caller, calls).await?;
                assert_eq!(total, caller + calls, "a wrong answer");
                calls += 1;
            }
            Ok::<_, client::RpcError>(calls)
        }));
    }
    tokio::time::sleep(time).await;
    is_over.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await??;
    }
    Ok(calls as f64 / start.elapsed().as_secs_f64())
}
