//! Responders that are woken from other threads while the driver polls and goes to sleep.

#[path = "../../amp-rpc/src/connection/woken.rs"]
mod woken;

/// What the file finds in place of `amp-rpc`'s own.
mod sync {
    pub(super) use loom::sync::atomic::{AtomicBool, Ordering};
    pub(super) use loom::sync::{Mutex, MutexGuard};
    pub(super) use std::sync::PoisonError;
}

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering};

use woken::{Signal, Woken};

/// The driver's task: how often it was woken.
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// A driver with some responders, as `Running` and `Dispatch` use them.
struct Driver {
    woken: Arc<Woken>,
    signals: Vec<Arc<Signal>>,
    task: Arc<Task>,
    batch: Vec<usize>,
}

impl Driver {
    fn new(responders: usize) -> Self {
        let woken = Arc::new(Woken::default());
        let signals = (0..responders).map(|place| Signal::new(place, &woken));
        Self {
            signals: signals.collect(),
            task: Arc::new(Task(AtomicUsize::new(0))),
            batch: Vec::new(),
            woken,
        }
    }

    /// Polls the responders that were woken; says whether there were any.
    fn turn(&mut self, mut poll: impl FnMut(usize)) -> bool {
        self.woken.swap(&mut self.batch);
        for place in &self.batch {
            self.signals[*place].lower();
        }
        let any = !self.batch.is_empty();
        for place in self.batch.drain(..) {
            poll(place);
        }
        any
    }

    /// Runs until nothing is left, as a runtime would that polls a task once it was woken.
    fn run_until_asleep(&mut self, mut poll: impl FnMut(usize)) -> usize {
        let waker = Waker::from(Arc::clone(&self.task));
        loop {
            let wakes = self.task.0.load(Ordering::Acquire);
            while self.turn(&mut poll) || !self.woken.sleep(&waker) {}
            if self.task.0.load(Ordering::Acquire) == wakes {
                return wakes;
            }
        }
    }
}

/// Two threads do such parts of the work for the responder in the first place, and wake it.
fn all_work_is_seen(driver: &mut Driver, parts: [usize; 2]) {
    let work = Arc::new(AtomicUsize::new(0));
    let threads = parts.map(|part| {
        let (work, signal) = (Arc::clone(&work), Arc::clone(&driver.signals[0]));
        loom::thread::spawn(move || {
            // What the responder waits for has its own synchronization, which is the least there is.
            work.fetch_add(part, Ordering::Release);
            Waker::from(signal).wake();
        })
    });
    let seen = AtomicUsize::new(0);
    let poll = |_| seen.store(work.load(Ordering::Acquire), Ordering::Relaxed);
    let wakes = driver.run_until_asleep(poll);
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    // Who came after the driver fell asleep has woken it.
    if driver.task.0.load(Ordering::Acquire) != wakes {
        driver.run_until_asleep(poll);
    }
    let all = parts.iter().sum();
    assert_eq!(seen.load(Ordering::Relaxed), all, "a wake-up was lost");
}

#[test]
fn what_a_responder_is_woken_for_is_seen() {
    loom::model(|| {
        let mut driver = Driver::new(1);
        all_work_is_seen(&mut driver, [1, 2]);
    });
}

#[test]
fn a_place_is_on_the_list_once_however_often_it_is_woken() {
    loom::model(|| {
        let mut driver = Driver::new(1);
        let threads = [0; 2].map(|_| {
            let signal = Arc::clone(&driver.signals[0]);
            loom::thread::spawn(move || Waker::from(signal).wake())
        });
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        let mut polls = 0;
        assert!(driver.turn(|_| polls += 1));
        assert_eq!(polls, 1);
        assert!(!driver.turn(|_| polls += 1));
    });
}

#[test]
fn each_of_two_responders_is_polled() {
    loom::model(|| {
        let mut driver = Driver::new(2);
        let threads = [0, 1].map(|place| {
            let signal = Arc::clone(&driver.signals[place]);
            loom::thread::spawn(move || Waker::from(signal).wake())
        });
        let mut polls = [0; 2];
        let wakes = driver.run_until_asleep(|place| polls[place] += 1);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        if driver.task.0.load(Ordering::Acquire) != wakes {
            driver.run_until_asleep(|place| polls[place] += 1);
        }
        assert_eq!(polls, [1, 1]);
    });
}

/// A desk is lent on while somebody still holds the waker of a responder that is done.
#[test]
fn a_late_wake_up_is_none_of_the_earlier_driver_and_hides_no_other() {
    loom::model(|| {
        let mut driver = Driver::new(1);
        let earlier = Arc::new(Task(AtomicUsize::new(0)));
        assert!(driver.woken.sleep(&Waker::from(Arc::clone(&earlier))));
        driver.woken.forget_driver();
        all_work_is_seen(&mut driver, [0, 1]);
        assert_eq!(earlier.0.load(Ordering::Acquire), 0);
    });
}
