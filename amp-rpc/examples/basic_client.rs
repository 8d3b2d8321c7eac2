//! The guide's basic client: it connects, and that is all.
//!
//!     cargo run --example basic_client [ENDPOINT]
//!
//! The endpoint is `tcp:127.0.0.1:8750` unless another is given, which is where `basic_server`
//! listens. Prints whom it is connected to.

use std::error::Error;

use amp_rpc::Amp;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = std::env::args().nth(1);
    let endpoint = endpoint.as_deref().unwrap_or("tcp:127.0.0.1:8750");
    let peer = Amp::new().connect(endpoint).await?;
    match &peer.addresses().remote {
        Some(address) => println!("connected to {address}"),
        None => println!("connected"),
    }
    peer.close();
    peer.closed().await;
    Ok(())
}
