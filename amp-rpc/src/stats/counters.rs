use std::ops::Deref;
use std::sync::OnceLock;
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
    (usual: { $($usual:ident),* $(,)? } rare: { $($rare:ident),* $(,)? }) => {
        /// The counters of one connection. Those of what most connections never see are made when one of them is first
        /// named.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $usual: Counter,)*
            rare: OnceLock<Box<Rare>>,
        }

        /// Counters that stay at nothing on most connections.
        #[derive(Debug, Default)]
        pub(crate) struct Rare {
            $(pub(crate) $rare: Counter,)*
        }

        impl Counters {
            /// What they say.
            pub(crate) fn stats(&self) -> Stats {
                let rare = self.rare.get();
                Stats {
                    $($usual: self.$usual.get(),)*
                    $($rare: rare.map_or(0, |rare| rare.$rare.get()),)*
                    ..Stats::default()
                }
            }
        }
    };
}

counters! {
    usual: {
        // Written by whoever has the lock.
        calls_sent,
        calls_answered,
        tells_sent,
        // Written by the driver.
        asks_received,
        asks_answered,
        bytes_received,
        bytes_sent,
        boxes_received,
    }
    rare: {
        // Written by whoever has the lock.
        calls_failed,
        calls_timed_out,
        calls_given_up,
        calls_ended,
        calls_refused_here,
        late_answers,
        unknown_answers,
        // Written by the driver.
        asks_failed,
        asks_unhandled,
        asks_malformed,
        asks_refused,
        asks_canceled,
        faults,
        bad_metadata,
    }
}

impl Deref for Counters {
    type Target = Rare;

    fn deref(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }
}
