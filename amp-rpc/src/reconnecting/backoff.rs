//! How long to wait between attempts to connect.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::options_error::OptionsError;

/// How long a [`ReconnectingPeer`](crate::ReconnectingPeer) waits before it tries to connect again.
///
/// The first wait is about `initial`, each further one `factor` times as long, up to `maximum`. Of each,
/// up to the share `jitter` is left out at random, so that the peers of a server that was restarted do not all
/// come back at the same moment. Defaults: 200 ms, 1.6, 30 s, 0.5; so a server that is gone for a long
/// time is tried every 15 to 30 seconds.
///
/// The waits begin anew after a connection that lasted as long as the next wait might have: a server that accepts
/// connections and ends them at once is not bothered again and again.
///
/// ```
/// use std::time::Duration;
///
/// use amp_rpc::{Amp, Backoff};
///
/// let backoff = Backoff::default().maximum(Duration::from_secs(5));
/// let reconnecting = Amp::new().reconnecting("tcp:localhost:8080").backoff(backoff);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    initial: Duration,
    factor: f64,
    maximum: Duration,
    jitter: f64,
    seed: Option<u64>,
}

impl Backoff {
    /// Sets the first wait. Default: 200 ms. Zero is refused when the peer is started.
    #[must_use]
    pub fn initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// Sets how many times as long each wait is as the one before. Default: 1.6; at least 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Sets the longest wait. Default: 30 s. It may not be less than the first.
    #[must_use]
    pub fn maximum(mut self, maximum: Duration) -> Self {
        self.maximum = maximum;
        self
    }

    /// Sets which share of each wait is left to chance, from 0 for none to 1 for all of it. Default: 0.5.
    #[must_use]
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// Makes the waits the same in every run, for tests. Default: they differ.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Looks for what cannot be meant.
    pub(super) fn check(&self) -> Result<(), OptionsError> {
        let error = |option, problem| Err(OptionsError::new(option, problem));
        if self.initial.is_zero() {
            return error(
                "Backoff::initial",
                "with 0, it would connect again and again without a pause",
            );
        }
        if self.maximum.is_zero() {
            return error(
                "Backoff::maximum",
                "with 0, it would connect again and again without a pause",
            );
        }
        if self.maximum < self.initial {
            return error(
                "Backoff::maximum",
                "it is less than Backoff::initial, the first wait",
            );
        }
        if !(self.factor >= 1.0 && self.factor.is_finite()) {
            return error(
                "Backoff::factor",
                "waits must not become shorter: it has to be at least 1, and finite",
            );
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return error("Backoff::jitter", "it is a share of each wait, from 0 to 1");
        }
        Ok(())
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(200),
            factor: 1.6,
            maximum: Duration::from_secs(30),
            jitter: 0.5,
            seed: None,
        }
    }
}

/// The waits of one peer, one after the other.
#[derive(Debug)]
pub(super) struct Waits {
    backoff: Backoff,
    /// The next wait, before chance shortens it.
    next: Duration,
    random: u64,
}

impl Waits {
    pub(super) fn new(backoff: Backoff) -> Self {
        let random = backoff
            .seed
            .unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self {
            next: backoff.initial,
            backoff,
            random,
        }
    }

    /// How long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next;
        let longer = Duration::try_from_secs_f64(wait.as_secs_f64() * self.backoff.factor);
        self.next = longer.map_or(self.backoff.maximum, |longer| {
            longer.min(self.backoff.maximum)
        });
        let share = 1.0 - self.backoff.jitter * self.random();
        // A product with at most 1: it is in range. Nothing at all would be no pause.
        wait.mul_f64(share).max(Duration::from_millis(1).min(wait))
    }

    /// Begins anew, if a connection has lasted long enough to be a good one; says whether that is so.
    pub(super) fn has_lasted(&mut self, lasted: Duration) -> bool {
        let is_good = lasted >= self.next;
        if is_good {
            self.next = self.backoff.initial;
        }
        is_good
    }

    /// A number from 0 to below 1, by SplitMix64: good enough to spread waits.
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // As many bits as the number has.
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(backoff: Backoff, count: usize) -> Vec<Duration> {
        let mut waits = Waits::new(backoff);
        (0..count).map(|_| waits.next()).collect()
    }

    #[test]
    fn waits_grow_up_to_their_maximum() {
        let backoff = Backoff::default()
            .initial(Duration::from_secs(1))
            .factor(3.0)
            .maximum(Duration::from_secs(20))
            .jitter(0.0);
        let expected = [1, 3, 9, 20, 20].map(Duration::from_secs);
        assert_eq!(waits(backoff, 5), expected);
    }

    #[test]
    fn chance_shortens_them_by_no_more_than_its_share() {
        let backoff = Backoff::default()
            .initial(Duration::from_secs(100))
            .factor(1.0)
            .maximum(Duration::from_secs(100));
        let waits = waits(backoff, 1000);
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!((50.0..52.0).contains(&least.as_secs_f64()), "{least:?}");
        assert!((98.0..=100.0).contains(&most.as_secs_f64()), "{most:?}");
    }

    #[test]
    fn a_seed_decides_them() {
        let seeded = |seed| waits(Backoff::default().seed(seed), 8);
        assert_eq!(seeded(1), seeded(1));
        assert_ne!(seeded(1), seeded(2));
        let chance = || waits(Backoff::default(), 8);
        assert_ne!(chance(), chance());
    }

    #[test]
    fn only_a_connection_that_lasts_lets_them_begin_anew() {
        let mut waits = Waits::new(Backoff::default().jitter(0.0));
        waits.next();
        waits.next();
        assert!(!waits.has_lasted(Duration::from_millis(511)));
        assert_eq!(waits.next().as_millis(), 512);
        assert!(waits.has_lasted(Duration::from_secs(1)));
        assert_eq!(waits.next().as_millis(), 200);
    }

    #[test]
    fn the_longest_do_not_overflow_and_the_shortest_do_not_vanish() {
        let backoff = Backoff::default()
            .initial(Duration::MAX)
            .maximum(Duration::MAX);
        for wait in waits(backoff, 5) {
            assert!(wait >= Duration::MAX / 4);
        }
        let backoff = Backoff::default()
            .initial(Duration::from_nanos(1))
            .factor(1.0)
            .jitter(1.0);
        for wait in waits(backoff, 100) {
            assert_eq!(wait, Duration::from_nanos(1));
        }
    }
}
