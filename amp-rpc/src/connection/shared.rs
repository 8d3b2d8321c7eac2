//! What the callers and the driver of a connection share.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;

use amp_rpc_core::conversation::Asking;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::apart::Beside;
use super::buffers::{self, ForCalls};
use super::crossing::Crossing;
use super::extensions::Known;
use super::log;
use super::options::Options;
use super::payload::Received;
use super::reserved::Reserved;
use super::room::Room;
use crate::descriptors::Exchange;
use crate::end::EndReason;
use crate::ends::Ends;
use crate::peer::Handle;
use crate::stats::{Counters, Latency, Stats};
use crate::tls::{Tls, TlsSession};
use crate::transport::{Addresses, BoxedStream, Side, Transport};

/// The part of a connection that outlives its driver and that every handle points to.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Callers wrote to `State::out` what the driver has not taken yet. Lets the driver keep the
    /// order of answers and calls without taking the lock for every answer.
    pub(super) wrote: AtomicBool,
    /// An own ask for TLS or another protocol is under way: the next answer may end the boxes.
    pub(super) boundary_ahead: AtomicBool,
    /// How many responders run, as of the driver's last turn.
    pub(super) running: AtomicU32,
    /// Tells that the connection has ended, that the peer leaves, or that this side of the stream is closed, once somebody waits
    /// for it.
    news: OnceLock<Box<Notify>>,
    pub(crate) options: Arc<Options>,
    ends: Ends,
    /// The descriptors that travel beside the stream, where they can.
    pub(crate) descriptors: Option<Arc<Exchange>>,
    /// The transport loses what was written when it is dropped with unread bytes.
    pub(crate) resets: bool,
    pub(super) side: Side,
    /// Whether it keeps what it works with while it has nothing to do.
    pub(super) reserved: Reserved,
    pub(crate) counters: Counters,
    /// The connection's TLS, once it has begun.
    pub(crate) session: OnceLock<TlsSession>,
}

/// For how many calls there is room in a table that a connection keeps which may keep what is small.
const FEW_CALLS: usize = 64;

/// What the driver has for itself of a transport.
pub(crate) struct Carried {
    pub(super) stream: BoxedStream,
    /// The name under which the peer was sought.
    pub(super) host: Option<Box<str>>,
    /// What is logged for the connection belongs to it.
    pub(super) span: log::Span,
}

/// Guarded by the lock, which is held for moments: to encode a call, to take or hand over an answer.
pub(crate) struct State {
    /// What all `Peer`s share, as long as there are any.
    pub(crate) handle: Weak<Handle>,
    pub(super) asking: Asking<CallSlot>,
    /// Calls that are encoded and wait for the driver.
    pub(super) out: Vec<u8>,
    /// What there is beside its bytes.
    pub(super) beside: Beside,
    /// The driver, while it sleeps.
    pub(super) sleeping: Option<Waker>,
    pub(super) room: Room,
    pub(super) known: Known,
    /// How long calls took, once one was timed.
    pub(super) latency: Option<Box<Latency>>,
    /// A call or tell was made since this was last looked at.
    pub(super) is_used: bool,
    /// More is queued than may be, and calls went there with an answer that had to come behind them: further ones wait.
    pub(super) is_slow: bool,
    /// When deadlines of calls are to be looked at: no later than the earliest, but for a [pause](super::deadlines) where calls are many.
    pub(super) earliest: Option<Instant>,
    pub(super) closing: Closing,
    pub(super) end: Option<Box<EndReason>>,
    /// Everything is written and this side of the stream is closed, or it is lost.
    is_closed: bool,
    /// How this side does TLS, if it is asked to.
    pub(super) tls: Option<Tls>,
    pub(super) crossing: Option<Box<Crossing>>,
}

/// How a connection is asked to end, in order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closing {
    /// Not at all.
    No,
    /// Take no new asks; close when everything under way is answered.
    Finish,
    /// Write what is queued, then close.
    Flush,
}

/// What is kept with a call.
#[derive(Default)]
pub(crate) struct CallSlot {
    pub(super) waker: Option<Waker>,
    pub(super) answer: Option<Received>,
    /// When the caller stops waiting.
    pub(super) deadline: Option<Instant>,
    /// When it was sent, if it is timed.
    pub(super) sent: Option<Instant>,
}

impl CallSlot {
    /// Puts that of a call that is sent now into its place, where something of an earlier one may be.
    #[inline]
    pub(super) fn begin(
        place: &mut Option<Self>,
        waker: &Waker,
        is_timed: bool,
        deadline: Option<Instant>,
    ) {
        let slot = place.get_or_insert_default();
        slot.waker = Some(waker.clone());
        slot.sent = is_timed.then(Instant::now);
        slot.deadline = deadline;
    }
}

impl Shared {
    /// What a new connection shares, and what its driver has for itself.
    pub(crate) fn new(
        options: Arc<Options>,
        tls: Option<Tls>,
        transport: Transport,
    ) -> (Self, Carried) {
        let mut asking = Asking::new(options.limits);
        if transport.session.is_some() {
            asking.is_secure();
        }
        if let Some(descriptors) = &transport.descriptors {
            descriptors.set_max_unclaimed(options.max_unclaimed);
        }
        let span = log::connection(&transport.addresses);
        let shared = Self {
            state: Mutex::new(State {
                handle: Weak::new(),
                asking,
                out: Vec::new(),
                beside: Beside::default(),
                sleeping: None,
                room: Room::default(),
                known: Known::default(),
                latency: None,
                is_used: false,
                is_slow: false,
                earliest: None,
                closing: Closing::No,
                end: None,
                is_closed: false,
                tls,
                crossing: None,
            }),
            wrote: AtomicBool::new(false),
            boundary_ahead: AtomicBool::new(false),
            running: AtomicU32::new(0),
            news: OnceLock::new(),
            options,
            ends: transport.addresses.into(),
            descriptors: transport.descriptors,
            resets: transport.resets,
            side: transport.side,
            reserved: Reserved::take(),
            counters: Counters::default(),
            session: transport.session.map_or_else(OnceLock::new, OnceLock::from),
        };
        let carried = Carried {
            stream: transport.stream,
            host: transport.host,
            span,
        };
        (shared, carried)
    }

    /// That of no connection, for where one will be.
    pub(super) fn vacant() -> Arc<Self> {
        static VACANT: OnceLock<Arc<Shared>> = OnceLock::new();
        let vacant = VACANT.get_or_init(|| {
            let nothing = Transport::over(tokio::io::empty());
            let mut vacant = Self::new(Options::usual(), None, nothing).0;
            vacant.reserved = Reserved::none();
            Arc::new(vacant)
        });
        Arc::clone(vacant)
    }

    /// The state. User code that encodes arguments runs under the lock; when it panics, the box it
    /// was writing is taken back, so the state is sound and the poison can be ignored.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Both ends' addresses.
    pub(crate) fn addresses(&self) -> &Addresses {
        self.ends.get()
    }

    /// Asks the connection to end, and wakes the driver for it.
    pub(crate) fn close(&self, how: Closing) {
        let mut state = self.lock();
        state.closing = state.closing.max(how);
        let driver = state.sleeping.take();
        drop(state);
        wake(driver);
    }

    /// What the connection has done and does.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats {
            latency: state.latency.as_deref().cloned().unwrap_or_default(),
            calls_waiting: state.calls_waiting(),
            calls_queued: state.room.queued(),
            bytes_queued: state.queued() + state.asking.held(),
            responders_running: self.running.load(Ordering::Relaxed) as usize,
            ..self.counters.stats()
        }
    }

    /// Why the connection ended, if it did.
    pub(crate) fn end(&self) -> Option<EndReason> {
        self.lock().end.as_deref().cloned()
    }

    /// Tells everybody who waits for the end of the connection.
    pub(super) fn tell_end(&self) {
        if let Some(descriptors) = &self.descriptors {
            descriptors.end();
        }
        self.tell_news();
    }

    /// Becomes ready when the connection ends, the peer leaves, or this side of the stream is closed, after this is called:
    /// then look which it was.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.news.get_or_init(Box::default).notified()
    }

    fn tell_news(&self) {
        if let Some(news) = self.news.get() {
            news.notify_waiters();
        }
    }

    /// Notes that the peer takes no new asks.
    pub(super) fn peer_leaves(&self) {
        self.lock().known.leaves = true;
        self.tell_news();
    }

    /// Whether the peer has said that it takes no new asks, or the connection has ended.
    pub(crate) fn is_left(&self) -> bool {
        let state = self.lock();
        state.known.leaves || state.end.is_some()
    }

    /// Tells everybody who waits until this side of the stream is closed.
    pub(super) fn tell_closed(&self) {
        if !std::mem::replace(&mut self.lock().is_closed, true) {
            self.tell_news();
        }
    }

    /// Whether this side of the stream is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

impl State {
    /// How many bytes of calls wait for the driver.
    #[inline]
    pub(super) fn queued(&self) -> usize {
        self.out.len() + self.beside.apart()
    }

    /// How many calls of this side may need that the reading goes on: those that wait for their answers, and, where the peer is
    /// slow, also those that wait for room.
    pub(super) fn own_calls(&self) -> usize {
        let queued = if self.is_slow { self.room.queued() } else { 0 };
        self.calls_waiting() + queued
    }

    /// The driver, if it sleeps until everything under way is done, of which something may be now.
    pub(super) fn driver_to_finish(&mut self) -> Option<Waker> {
        match self.closing {
            Closing::Finish => self.sleeping.take(),
            _ => None,
        }
    }

    /// Whether calls are queued or wait for their answers, or the gate is shut: then answers are held, and a stream may
    /// be promised.
    pub(super) fn is_under_way(&self) -> bool {
        self.calls_waiting() > 0 || self.room.queued() > 0 || !self.asking.is_open()
    }

    /// Ends the connection for the callers: everybody who waits gets the reason.
    pub(super) fn end(&mut self, reason: EndReason) -> Ended {
        let mut ended = self.end_conversation(reason);
        ended.wakers.extend(self.end_calls());
        ended
    }

    /// Ends the conversation for everybody but those whose calls are under way.
    pub(super) fn end_conversation(&mut self, reason: EndReason) -> Ended {
        let mut wakers = Vec::new();
        self.end = Some(Box::new(reason));
        self.forget_probe();
        self.asking.end();
        self.out = Vec::new();
        self.room.grant(&mut wakers);
        Ended {
            wakers,
            _beside: std::mem::take(&mut self.beside),
            _crossing: self.crossing.take(),
        }
    }

    /// Ends the calls under way.
    pub(super) fn end_calls(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.asking.calls.answer_all(|slot| {
            slot.answer = Some(Received::Ended);
            wakers.extend(slot.waker.take());
        });
        wakers
    }

    /// Sees to it that there is what a call needs, which the thread lends.
    #[inline]
    pub(super) fn begin(&mut self) {
        if self.out.capacity() > 0 {
            return;
        }
        if !self.asking.calls.is_resting() {
            self.out = buffers::take();
            return;
        }
        let ForCalls { out, room } = buffers::take_for_calls();
        self.out = out;
        if let Some(room) = room {
            self.asking.calls.take_room(room);
        }
    }

    /// Gives that back while no call is under way, and what is larger than usual also while calls wait for their answers. Where a place
    /// is reserved for the connection, it keeps what is small.
    #[inline]
    pub(super) fn rest(&mut self, reserved: &Reserved) {
        if reserved.is_reserved()
            && self.out.capacity() <= buffers::SMALL
            && self.asking.calls.capacity() <= FEW_CALLS
        {
            return;
        }
        self.rest_all();
    }

    #[inline(never)]
    fn rest_all(&mut self) {
        let has_room = self.out.capacity() > 0 || !self.asking.calls.is_resting();
        if !has_room || !self.out.is_empty() {
            return;
        }
        if self.has_no_calls() {
            let room = self.asking.calls.rest();
            let out = std::mem::take(&mut self.out);
            buffers::give_for_calls(ForCalls { out, room });
        } else if self.out.capacity() > buffers::USUAL {
            // A call may wait long, and what it was encoded in be what a burst has left.
            buffers::give(std::mem::take(&mut self.out));
        }
    }
}

/// What is left of a connection that has ended, for when the lock is released.
#[must_use]
pub(super) struct Ended {
    pub(super) wakers: Vec<Waker>,
    /// It holds what is the program's, and even handles to this connection, which take the lock when
    /// they are dropped.
    _crossing: Option<Box<Crossing>>,
    /// The memory of a large value may be the program's as well.
    _beside: Beside,
}

impl Ended {
    /// Wakes everybody who waited.
    pub(super) fn tell(self) {
        self.wakers.into_iter().for_each(Waker::wake);
    }
}

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
