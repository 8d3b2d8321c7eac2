//! The guide's basic server: it listens, and has no commands.
//!
//!     cargo run --example basic_server [ENDPOINT]
//!
//! The endpoint is `tcp:8750:interface=127.0.0.1` unless another is given. Prints where it listens
//! and runs until it is stopped; `basic_client` connects to it.

use amp_rpc::{Amp, ListenError};

#[tokio::main]
async fn main() -> Result<(), ListenError> {
    let endpoint = std::env::args().nth(1);
    let endpoint = endpoint
        .as_deref()
        .unwrap_or("tcp:8750:interface=127.0.0.1");
    let server = Amp::new().listen(endpoint).await?;
    println!("listening on {}", server.endpoint());
    server.run().await;
    Ok(())
}
