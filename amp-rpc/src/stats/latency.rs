use std::time::Duration;

/// How many buckets there are: up to a minute, and more.
const BUCKETS: usize = 28;

/// How long things took, in buckets whose bounds double: up to a microsecond, two, four, and so on.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    /// The bucket of the first that was timed, where most of the others fall too, and how many are in it.
    usual: (usize, u64),
    /// All others, once there is one.
    others: Option<Box<[u64; BUCKETS]>>,
    sum: Duration,
    longest: Duration,
}

impl Latency {
    pub(crate) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Up to 1 µs is bucket 0, up to 2 µs bucket 1, up to 4 µs bucket 2.
        let bucket = (u64::BITS - micros.saturating_sub(1).leading_zeros()) as usize;
        *self.bucket(bucket.min(BUCKETS - 1)) += 1;
        self.sum = self.sum.saturating_add(took);
        self.longest = self.longest.max(took);
    }

    fn bucket(&mut self, bucket: usize) -> &mut u64 {
        if self.usual.1 == 0 {
            self.usual.0 = bucket;
        }
        if self.usual.0 == bucket {
            return &mut self.usual.1;
        }
        &mut self.others.get_or_insert_with(|| Box::new([0; BUCKETS]))[bucket]
    }

    /// How many are in each bucket, from the lowest on.
    fn buckets(&self) -> impl Iterator<Item = u64> {
        (0..BUCKETS).map(|bucket| {
            let usual = if bucket == self.usual.0 {
                self.usual.1
            } else {
                0
            };
            usual + self.others.as_ref().map_or(0, |others| others[bucket])
        })
    }

    /// How many were timed.
    pub fn count(&self) -> u64 {
        self.buckets().sum()
    }

    /// What they took on average; zero where none was timed.
    pub fn mean(&self) -> Duration {
        let count = self.count().max(1);
        Duration::try_from_secs_f64(self.sum.as_secs_f64() / count as f64).unwrap_or(Duration::MAX)
    }

    /// What the longest took.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// A time that this part of them did not exceed, `0.5` for the median: the upper bound of its bucket, so at most twice
    /// what it was. Zero where none was timed; a part below 0 or above 1 counts as 0 or 1.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = (self.count() as f64 * part.clamp(0.0, 1.0)).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return Duration::from_micros(1 << bucket).min(self.longest);
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_buckets_that_double() {
        let mut latency = Latency::default();
        assert_eq!((latency.count(), latency.mean()), (0, Duration::ZERO));
        assert_eq!(latency.quantile(0.5), Duration::ZERO);
        for micros in [100, 2, 0, 1, 3, 4, 5] {
            latency.record(Duration::from_micros(micros));
        }
        let buckets: Vec<_> = latency.buckets().collect();
        assert_eq!(buckets[..8], [2, 1, 2, 1, 0, 0, 0, 1]);
        assert_eq!(latency.count(), 7);
        assert_eq!(latency.quantile(0.0), Duration::from_micros(1));
        assert_eq!(latency.quantile(0.5), Duration::from_micros(4));
        assert_eq!(latency.quantile(1.0), Duration::from_micros(100));
        assert_eq!(latency.quantile(f64::NAN), Duration::from_micros(1));
        assert_eq!(latency.longest(), Duration::from_micros(100));
        assert_eq!(latency.mean().as_nanos(), 16_429);
        latency.record(Duration::MAX);
        assert_eq!(latency.buckets().last(), Some(1));
        assert!(latency.mean() > Duration::from_secs(u32::MAX.into()));
    }
}
