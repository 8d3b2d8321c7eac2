//! Connections that were used once and are kept: what they take is measured from outside.

use std::io::BufRead as _;

use crate::{Error, Peer};

/// Connections that are opened first, so that what the first ones take does not count.
const FIRST: usize = 100;

/// Opens some connections, prints `open`, waits for a line, opens the others, prints `open`, and ends with standard input.
pub(crate) async fn keep<P: Peer>(port: u16, connections: usize) -> Result<(), Error> {
    let mut kept = Vec::new();
    for count in [FIRST, connections] {
        for _ in 0..count {
            let peer = P::connect(port).await?;
            peer.sum(1, 2).await?;
            kept.push(peer);
        }
        println!("open");
        // In a thread of its own: what connections do when they become idle has to happen meanwhile.
        tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new()))
            .await??;
    }
    Ok(())
}
