//! The guide's box receiver: it sends every box back.
//!
//!     cargo run --example box_reflector
//!     cargo run --example box_reflector -- ENDPOINT
//!
//! With an endpoint, such as `tcp:8750:interface=127.0.0.1`, it listens there until it is stopped.
//! Without one it also sends a box, and prints:
//!
//!     sent {"greeting": <5 bytes>}
//!     came back {"greeting": <5 bytes>}

use std::error::Error;
use std::time::Duration;

use amp_rpc::{Amp, AmpBox, BoxReceiver, BoxSender, EndReason};

/// Sends back what it receives.
#[derive(Default)]
struct BoxReflector {
    sender: Option<BoxSender>,
}

impl BoxReceiver for BoxReflector {
    fn start_receiving_boxes(&mut self, sender: BoxSender) {
        self.sender = Some(sender);
    }

    fn box_received(&mut self, message: AmpBox) {
        if let Some(sender) = &self.sender {
            // What has come can be sent; only the connection may have ended meanwhile.
            let _ = sender.send(&message);
        }
    }

    fn stop_receiving_boxes(&mut self, _reason: EndReason) {
        self.sender = None;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some(endpoint) = std::env::args().nth(1) {
        let server = Amp::new()
            .listen_for_boxes(&endpoint, BoxReflector::default)
            .await?;
        println!("listening on {}", server.endpoint());
        server.run().await;
        return Ok(());
    }

    let server = Amp::new()
        .listen_for_boxes("tcp:0:interface=127.0.0.1", BoxReflector::default)
        .await?;
    let endpoint = server.endpoint().to_string();
    let (mut boxes, sender) = Amp::new().connect_for_boxes(&endpoint).await?;
    let hello = AmpBox::from([("greeting", "hello")]);
    sender.send(&hello)?;
    println!("sent {hello:?}");
    let back = boxes.next().await.ok_or("the connection has ended")?;
    println!("came back {back:?}");
    if back != hello {
        return Err("another box came back".into());
    }
    drop(boxes);
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
