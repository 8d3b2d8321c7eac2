//! What a client prints.

use std::fmt;
use std::time::Duration;

/// What was counted. It is printed as `seconds=S calls_per_second=N`, with `large_per_second=N` behind it where large calls were made, and
/// `p50_ns=N p99_ns=N` where calls were timed.
#[derive(Debug, Default)]
pub struct Report {
    /// How long it took.
    pub time: Duration,
    /// How many large calls ended.
    pub large: i64,
    calls: i64,
    latencies: Vec<u32>,
}

impl Report {
    /// Counts calls that ended, and how long each took in nanoseconds, if that was asked for.
    pub fn add(&mut self, calls: i64, latencies: Vec<u32>) {
        self.calls += calls;
        self.latencies.extend(latencies);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        write!(
            f,
            "seconds={seconds:.3} calls_per_second={:.1}",
            self.calls as f64 / seconds
        )?;
        if self.large > 0 {
            write!(f, " large_per_second={:.1}", self.large as f64 / seconds)?;
        }
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        if let Some(last) = latencies.len().checked_sub(1) {
            let p50 = latencies[last / 2];
            let p99 = latencies[last * 99 / 100];
            write!(f, " p50_ns={p50} p99_ns={p99}")?;
        }
        Ok(())
    }
}
