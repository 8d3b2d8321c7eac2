//! Callers that keep calling for a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{Call, Caller, Error, Peer, Report};

/// What a large call echoes: the most that Twisted users send in one value, more or less.
const LARGE: usize = 60_000;

/// How much is called, and how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// Connections that are open all the time.
    pub connections: usize,
    /// Calls under way on each of them.
    pub outstanding: usize,
    /// What is called.
    pub call: Call,
    /// Further callers, which echo much; their calls do not count.
    pub large: usize,
    /// Whether those have a connection of their own.
    pub is_beside: bool,
    /// Whether each call is timed.
    pub takes_latency: bool,
    /// How long it takes.
    pub time: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            connections: 1,
            outstanding: 1,
            call: Call::Sum,
            large: 0,
            is_beside: false,
            takes_latency: false,
            time: Duration::from_secs(1),
        }
    }
}

impl Load {
    pub(crate) async fn measure<P: Peer>(&self, port: u16) -> Result<Report, Error> {
        let mut peers = Vec::new();
        for _ in 0..self.connections {
            let peer = P::connect(port).await?;
            // The first call of a connection does things that happen once.
            peer.sum(0, 0).await?;
            peers.push(peer);
        }
        let large_peer = match peers.first() {
            Some(peer) if !self.is_beside => peer.clone(),
            _ => P::connect(port).await?,
        };
        let is_over = Arc::new(AtomicBool::new(false));
        let caller =
            |number, call, takes_latency| Caller::new(number, call, takes_latency, &is_over);
        crate::connected();
        let start = Instant::now();
        let mut counted = Vec::new();
        let mut number = 0;
        for peer in peers {
            for _ in 0..self.outstanding {
                counted.push(
                    peer.clone()
                        .spawn(caller(number, self.call, self.takes_latency)),
                );
                number += 1;
            }
        }
        let mut large = Vec::new();
        for number in 0..self.large {
            large.push(
                large_peer
                    .clone()
                    .spawn(caller(number as i64, Call::Echo(LARGE), false)),
            );
        }
        tokio::time::sleep(self.time).await;
        is_over.store(true, Ordering::Relaxed);
        let mut report = Report::default();
        for caller in counted {
            let caller = caller.await??;
            report.add(caller.calls, caller.latencies.unwrap_or_default());
        }
        report.time = start.elapsed();
        for caller in large {
            report.large += caller.await??.calls;
        }
        Ok(report)
    }
}
