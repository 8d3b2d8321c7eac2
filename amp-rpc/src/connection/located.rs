//! A locator, and tasks of its responders that wait for their next ask.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::pool::Pool;
use crate::locator::Locator;
use crate::responders::Responder;

/// On how many shelves the connections of one locator put their pools. A thread uses the same one each time, so that few
/// threads meet.
const SHELVES: usize = 16;
/// How many pools lie on a shelf: as many connections of a thread may be at work at a time without making any anew.
const KEPT: usize = 32;

/// A locator, and the pools of connections that have no desk.
///
/// Pools belong to the locator, not to a thread: what the responders of one hold goes with it.
pub(crate) struct Located<L: ?Sized = dyn Locator> {
    shelves: Shelves,
    /// There is a pool, or was one.
    is_used: AtomicBool,
    /// It gives the same responder for a name every time.
    pub(super) is_fixed: bool,
    locator: L,
}

enum Shelves {
    One(Mutex<Option<Pool>>),
    Many(Box<[Shelf]>),
}

/// In a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Shelf(Mutex<Vec<Pool>>);

impl Located {
    /// That without responders, of which there is one.
    pub(crate) fn nothing() -> Arc<Self> {
        static NOTHING: OnceLock<Arc<Located>> = OnceLock::new();
        Arc::clone(NOTHING.get_or_init(|| Self::own(())))
    }

    /// The locator of one connection.
    pub(crate) fn own<L: Locator>(locator: L) -> Arc<Self> {
        Self::with(locator, Shelves::One(Mutex::default()))
    }

    /// A locator that many connections share.
    pub(crate) fn shared<L: Locator>(locator: L) -> Arc<Self> {
        let shelves = (0..SHELVES).map(|_| Shelf::default()).collect();
        Self::with(locator, Shelves::Many(shelves))
    }

    fn with<L: Locator>(locator: L, shelves: Shelves) -> Arc<Self> {
        Arc::new(Located {
            shelves,
            is_used: AtomicBool::new(false),
            is_fixed: locator.is_fixed(),
            locator,
        })
    }

    pub(super) fn locate(&self, command: &[u8]) -> Option<Responder> {
        self.locator.locate(command)
    }

    /// A pool for a connection that goes to work.
    #[inline]
    pub(super) fn take(&self) -> Pool {
        if !self.is_used.load(Ordering::Relaxed) {
            return Pool::default();
        }
        let pool = match &self.shelves {
            Shelves::One(pool) => pool.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Shelves::Many(shelves) => {
                let mut shelf = shelf(shelves)
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                shelf.pop()
            }
        };
        pool.unwrap_or_default()
    }

    /// Gives a pool back, for good until the connection has something to do, or for a moment.
    #[inline]
    pub(super) fn give(&self, mut pool: Pool, rests: bool) {
        if pool.is_empty() {
            return;
        }
        self.is_used.store(true, Ordering::Relaxed);
        let too_many = match &self.shelves {
            Shelves::One(place) => {
                if rests {
                    pool.rest();
                }
                let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
                place.replace(pool)
            }
            Shelves::Many(shelves) => {
                pool.settle();
                let mut shelf = shelf(shelves)
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if shelf.len() < KEPT {
                    shelf.push(pool);
                    return;
                }
                Some(pool)
            }
        };
        // What it holds is the program's in part: it is dropped when the lock is released.
        drop(too_many);
    }
}

/// The shelf of this thread.
fn shelf(shelves: &[Shelf]) -> &Mutex<Vec<Pool>> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    let number = NUMBER.with(|number| *number);
    &shelves[number % shelves.len()].0
}
