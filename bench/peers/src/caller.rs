//! Who calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;

use crate::{Error, Peer};

/// A task that makes one call after the other.
#[derive(Debug)]
pub struct Caller {
    number: i64,
    bytes: Option<Bytes>,
    is_over: Arc<AtomicBool>,
    pub(crate) calls: i64,
    pub(crate) latencies: Option<Vec<u32>>,
}

impl Caller {
    /// `bytes` is the length of what it echoes; without one it adds numbers.
    pub(crate) fn new(
        number: i64,
        bytes: Option<usize>,
        takes_latency: bool,
        is_over: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            number,
            bytes: bytes.map(|length| Bytes::from(vec![number as u8; length])),
            is_over: Arc::clone(is_over),
            calls: 0,
            latencies: takes_latency.then(Vec::new),
        }
    }

    /// Calls until time is over; every answer is checked.
    ///
    /// # Errors
    ///
    /// The first call that fails, or has a wrong answer.
    pub async fn run<P: Peer>(mut self, peer: P) -> Result<Self, Error> {
        while !self.is_over.load(Ordering::Relaxed) {
            let start = self.latencies.is_some().then(Instant::now);
            let is_right = match &self.bytes {
                None => peer.sum(self.number, self.calls).await? == self.number + self.calls,
                Some(bytes) => {
                    let data = peer.echo(bytes.clone()).await?;
                    let data = data.as_ref();
                    data.len() == bytes.len() && data.last() == bytes.last()
                }
            };
            if !is_right {
                return Err("a wrong answer".into());
            }
            self.calls += 1;
            if let (Some(start), Some(latencies)) = (start, &mut self.latencies) {
                latencies.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
            }
        }
        Ok(self)
    }
}
