//! Responders that have started and wait for something.

use std::sync::Arc;
use std::task::Waker;

use amp_rpc_core::conversation::Ask;

use super::lines::Line;
use super::woken::{Signal, Woken};
use crate::ask_context::Active;
use crate::responders::{Responder, Task};

/// How many places are kept on a desk that is given back.
const KEPT: usize = 64;

/// The responders of one connection that wait, each in a place of its own with its own waker.
///
/// Wakers are made once per place and used again, and only the responders that were woken are
/// polled.
pub(super) struct Running {
    places: Vec<Place>,
    free: Vec<usize>,
    woken: Arc<Woken>,
    /// Reused list of the places that were woken.
    batch: Vec<usize>,
    /// The driver has slept while responders waited.
    knows_driver: bool,
}

struct Place {
    signal: Arc<Signal>,
    waker: Waker,
    job: Option<Job>,
}

impl Place {
    /// Takes the waker out, which costs less than to clone it for every poll.
    fn lend(&mut self) -> Waker {
        std::mem::replace(&mut self.waker, Waker::noop().clone())
    }
}

/// A responder at work.
pub(super) struct Job {
    pub(super) task: Box<dyn Task>,
    pub(super) ask: Ask,
    pub(super) responder: Responder,
    pub(super) active: Active,
    /// The line that is taken until it is done.
    pub(super) line: Option<Line>,
}

impl Running {
    pub(super) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            woken: Arc::default(),
            batch: Vec::new(),
            knows_driver: false,
        }
    }

    /// How many responders wait.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The place for the next responder, with the waker to poll it with, which is lent: put the
    /// responder there with [`put`](Self::put), or give the place back with [`leave`](Self::leave).
    pub(super) fn next(&mut self) -> (usize, Waker) {
        let place = self.free.pop().unwrap_or_else(|| self.new_place());
        (place, self.places[place].lend())
    }

    /// The waker of the place that [`put_next`](Self::put_next) fills, for a responder that may need none.
    #[inline]
    pub(super) fn next_waker(&mut self) -> &Waker {
        let place = match self.free.last() {
            Some(place) => *place,
            None => {
                let place = self.new_place();
                self.free.push(place);
                place
            }
        };
        &self.places[place].waker
    }

    /// Lets a responder wait that was polled with the [next waker](Self::next_waker).
    pub(super) fn put_next(&mut self, job: Job) {
        let place = self
            .free
            .pop()
            .expect("the place of the next waker is free");
        self.places[place].job = Some(job);
    }

    fn new_place(&mut self) -> usize {
        let place = self.places.len();
        if place == 0 {
            // Most connections need one at a time.
            self.places.reserve_exact(1);
            self.free.reserve_exact(1);
        }
        let signal = Signal::new(place, &self.woken);
        self.places.push(Place {
            waker: Waker::from(Arc::clone(&signal)),
            signal,
            job: None,
        });
        place
    }

    /// Lets a responder wait in a place, and takes the waker back.
    pub(super) fn put(&mut self, place: usize, job: Job, waker: Waker) {
        let place = &mut self.places[place];
        place.job = Some(job);
        place.waker = waker;
    }

    /// Takes the responder out that waits in a place, to poll it; put it back or
    /// [`leave`](Self::leave) the place.
    pub(super) fn take(&mut self, place: usize) -> Option<(Job, Waker)> {
        let place = &mut self.places[place];
        let job = place.job.take()?;
        Some((job, place.lend()))
    }

    /// Frees a place whose responder is done, and takes the waker back.
    pub(super) fn leave(&mut self, place: usize, waker: Waker) {
        self.places[place].waker = waker;
        self.free.push(place);
    }

    /// The places whose responders were woken; give the list back to
    /// [`finish_batch`](Self::finish_batch).
    pub(super) fn begin_batch(&mut self) -> Vec<usize> {
        let mut batch = std::mem::take(&mut self.batch);
        self.woken.swap(&mut batch);
        for place in &batch {
            self.places[*place].signal.lower();
        }
        batch
    }

    pub(super) fn finish_batch(&mut self, mut batch: Vec<usize>) {
        batch.clear();
        self.batch = batch;
    }

    /// Notes that the driver is about to sleep; `false` when a responder was woken meanwhile.
    pub(super) fn sleep(&mut self, driver: &Waker) -> bool {
        if self.len() == 0 {
            return true;
        }
        self.knows_driver = true;
        self.woken.sleep(driver)
    }

    /// Forgets the driver when no responder waits, and gives much memory back.
    pub(super) fn rest(&mut self) {
        if std::mem::take(&mut self.knows_driver) {
            self.woken.forget_driver();
        }
        if self.places.len() > KEPT {
            *self = Self::new();
        }
    }

    /// Tells the responder of an ask that nobody waits for its answer. Takes it out where that stops it: then
    /// [`leave`](Self::leave) the place.
    pub(super) fn cancel_one(&mut self, tag: &[u8]) -> Option<(usize, Job, Waker)> {
        let has_tag = |job: &Job| (job.ask.tag.as_ref()).is_some_and(|it| it.as_bytes() == tag);
        let (index, place) = (self.places.iter_mut().enumerate())
            .find(|(_, place)| place.job.as_ref().is_some_and(has_tag))?;
        let job = place.job.as_mut()?;
        job.active.cancel();
        // What decides on TLS or a switch has to be answered.
        let stops = job.responder.stops_when_canceled() && !job.ask.decides();
        let job = stops.then(|| place.job.take()).flatten()?;
        Some((index, job, place.lend()))
    }

    /// Tells all responders that wait that nobody waits for their answers.
    pub(super) fn cancel(&mut self) {
        let jobs = self
            .places
            .iter_mut()
            .filter_map(|place| place.job.as_mut());
        jobs.for_each(|job| job.active.cancel());
    }

    /// Drops all responders that wait.
    pub(super) fn clear(&mut self) {
        for (index, place) in self.places.iter_mut().enumerate() {
            if let Some(mut job) = place.job.take() {
                job.task.reset();
                self.free.push(index);
            }
        }
    }
}
