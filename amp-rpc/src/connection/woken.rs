//! Which of the responders that wait were woken.
//!
//! This file is also compiled into the crate `models`, which goes through all orders of its steps.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};

/// The places whose responders were woken since the driver looked.
#[derive(Default)]
pub(super) struct Woken {
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    places: Vec<usize>,
    /// The driver, while it sleeps.
    driver: Option<Waker>,
}

impl Woken {
    /// Takes the places out that were woken, for an empty list.
    pub(super) fn swap(&self, places: &mut Vec<usize>) {
        std::mem::swap(places, &mut self.lock().places);
    }

    /// Notes that the driver is about to sleep; `false` when a responder was woken meanwhile.
    pub(super) fn sleep(&self, driver: &Waker) -> bool {
        let mut list = self.lock();
        if !list.places.is_empty() {
            return false;
        }
        match &mut list.driver {
            Some(known) => known.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
        true
    }

    /// Notes that nothing waits that the driver would have to be woken for.
    pub(super) fn forget_driver(&self) {
        let driver = self.lock().driver.take();
        // Not under the lock: it may be the last that holds the driver's task.
        drop(driver);
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the responder in one place, from any thread.
pub(super) struct Signal {
    place: usize,
    /// It is on the list already.
    raised: AtomicBool,
    woken: Arc<Woken>,
}

impl Signal {
    pub(super) fn new(place: usize, woken: &Arc<Woken>) -> Arc<Self> {
        Arc::new(Self {
            place,
            raised: AtomicBool::new(false),
            woken: Arc::clone(woken),
        })
    }

    /// Lets the next wake-up put the place on the list again. The driver does this before it polls, so
    /// that a wake-up during the poll is not lost.
    pub(super) fn lower(&self) {
        // It also takes in what those saw to who woke the responder meanwhile, and who wrote nothing.
        self.raised.swap(false, Ordering::AcqRel);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.raised.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut list = self.woken.lock();
        list.places.push(self.place);
        let driver = list.driver.take();
        drop(list);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}
