use std::sync::atomic::{AtomicU64, Ordering};

use super::Stats;

/// A counter that one side at a time writes, and anybody reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds. There is one writer at a time, the driver or whoever has the lock, so this needs no atomic addition.
    #[inline]
    pub(crate) fn add(&self, number: u64) {
        self.set(self.get().wrapping_add(number));
    }

    #[inline]
    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        /// The counters of one connection.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[$attribute])* pub(crate) $name: Counter,)*
        }

        impl Counters {
            /// What they say.
            pub(crate) fn stats(&self) -> Stats {
                Stats {
                    $($name: self.$name.get(),)*
                    ..Stats::default()
                }
            }
        }
    };
}

counters! {
    // Written by whoever has the lock.
    calls_sent,
    tells_sent,
    calls_answered,
    calls_failed,
    calls_timed_out,
    calls_given_up,
    calls_ended,
    calls_refused_here,
    late_answers,
    unknown_answers,
    // Written by the driver.
    asks_received,
    asks_answered,
    asks_failed,
    asks_unhandled,
    asks_malformed,
    asks_refused,
    asks_canceled,
    faults,
    bad_metadata,
    bytes_received,
    bytes_sent,
    boxes_received,
}
