//! The primitives under the synchronization of our own. The crate `models` has others of the same names.

pub(super) use std::sync::atomic::{AtomicBool, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
