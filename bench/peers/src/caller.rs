//! Who calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;

use crate::numbers::Numbers;
use crate::{Call, Error, Peer};

/// A task that makes one call after the other.
#[derive(Debug)]
pub struct Caller {
    number: i64,
    call: Call,
    is_over: Arc<AtomicBool>,
    pub(crate) calls: i64,
    pub(crate) latencies: Option<Vec<u32>>,
}

impl Caller {
    pub(crate) fn new(
        number: i64,
        call: Call,
        takes_latency: bool,
        is_over: &Arc<AtomicBool>,
    ) -> Self {
        Self {
            number,
            call,
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
        match self.call {
            Call::Sum => self.sum(&peer).await?,
            Call::Echo(length) => self.echo(&peer, length).await?,
            // In a place of its own: its arguments would make the tasks of all other callers larger, too.
            Call::Add(count) => Box::pin(self.add(&peer, count)).await?,
        }
        Ok(self)
    }

    async fn sum<P: Peer>(&mut self, peer: &P) -> Result<(), Error> {
        let number = self.number;
        while !self.is_over() {
            let start = self.start();
            let total = peer.sum(number, self.calls).await?;
            self.count(start, total == number + self.calls)?;
        }
        Ok(())
    }

    async fn echo<P: Peer>(&mut self, peer: &P, length: usize) -> Result<(), Error> {
        let bytes = Bytes::from(vec![self.number as u8; length]);
        while !self.is_over() {
            let start = self.start();
            let data = peer.echo(bytes.clone()).await?;
            let data = data.as_ref();
            let is_right = data.len() == bytes.len() && data.last() == bytes.last();
            self.count(start, is_right)?;
        }
        Ok(())
    }

    async fn add<P: Peer>(&mut self, peer: &P, count: usize) -> Result<(), Error> {
        let mut numbers = Numbers::new(count);
        while !self.is_over() {
            let start = self.start();
            let total = peer.add(numbers.set(self.number + self.calls)).await?;
            self.count(start, total == numbers.total())?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn start(&self) -> Option<Instant> {
        self.latencies.is_some().then(Instant::now)
    }

    /// Counts a call that was answered.
    fn count(&mut self, start: Option<Instant>, is_right: bool) -> Result<(), Error> {
        if !is_right {
            return Err("a wrong answer".into());
        }
        self.calls += 1;
        if let (Some(start), Some(latencies)) = (start, &mut self.latencies) {
            latencies.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}
