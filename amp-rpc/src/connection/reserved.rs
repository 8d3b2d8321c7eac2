//! Which connections keep what they work with also while they have nothing to do.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many connections of a process do. To lend it anew for each call costs a call alone some percent; to keep it costs
/// memory, which programs with many connections want for them.
const MOST: usize = 8;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// One of few places, or none, for as long as a connection is there.
#[derive(Debug)]
pub(super) struct Reserved {
    is_reserved: bool,
}

impl Reserved {
    /// A place, if one is free.
    pub(super) fn take() -> Self {
        let taken = TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < MOST).then_some(taken + 1)
        });
        Self {
            is_reserved: taken.is_ok(),
        }
    }

    /// No place.
    pub(super) fn none() -> Self {
        Self { is_reserved: false }
    }

    #[inline]
    pub(super) fn is_reserved(&self) -> bool {
        self.is_reserved
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.is_reserved {
            TAKEN.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
