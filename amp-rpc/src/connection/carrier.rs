//! What carries a connection from its first byte to its last.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

use amp_rpc_core::conversation::Boundary;
use tokio::time::Instant;

use super::crossing::Securing;
use super::desk::{Crossing, Desk};
use super::farewell::{Farewell, PATIENCE};
use super::incoming::{Incoming, Read};
use super::log;
use super::outgoing::Outgoing;
use super::shared::{Carried, Closing, Shared, State};
use super::timer::Timer;
use super::watch::Watch;
use crate::end::EndReason;
#[cfg(feature = "metrics")]
use crate::stats::Publisher;
use crate::tls::Failed;
use crate::transport::{BoxedStream, Side};

/// What carries a connection, but for its desk.
pub(super) struct Carrier {
    pub(super) shared: Arc<Shared>,
    pub(super) phase: Phase,
    pub(super) timer: Timer,
    pub(super) watch: Watch,
    /// Others have just run to make calls, which are to be written before anything else is read.
    has_yielded: bool,
    /// The driver let others run in the midst of its work, and what callers want was not looked at since.
    pub(super) was_interrupted: bool,
    /// The name under which the peer was sought, where TLS may still begin.
    host: Option<Box<str>>,
    #[cfg(feature = "metrics")]
    pub(super) publisher: Publisher,
    /// What is logged while this runs belongs to the connection.
    pub(super) span: log::Span,
}

pub(super) enum Phase {
    Open(BoxedStream),
    /// TLS begins. Nothing is read or written but its handshake.
    Securing(Securing),
    /// Nothing is read any more; the rest is written.
    Closing(Box<Farewell>),
    /// The connection is gone; responders that still run may finish.
    Gone,
}

/// What came of a turn.
pub(super) enum Turn {
    /// Something was done; there may be more to do.
    Busy,
    /// Others should run first.
    Yield,
    /// There is nothing to do.
    Idle,
}

impl Carrier {
    pub(super) fn new(carried: Carried, shared: Arc<Shared>) -> Self {
        let Carried { stream, host, span } = carried;
        Self {
            phase: Phase::Open(stream),
            timer: Timer::default(),
            watch: Watch::new(&shared.options, shared.side),
            has_yielded: false,
            was_interrupted: false,
            host: host.filter(|_| cfg!(feature = "_tls")),
            #[cfg(feature = "metrics")]
            publisher: Publisher::new(),
            span,
            shared,
        }
    }

    /// Takes one turn:
    ///
    /// 1. go on with the responders that were woken;
    /// 2. read, and deal with each box: start a responder, or hand an answer to its caller;
    /// 3. wake the callers that have their answers;
    /// 4. write what responders and callers have encoded meanwhile, in one system call.
    ///
    /// With `looks`, it looks at what callers want, also where nothing else is to be done.
    pub(super) fn turn(&mut self, desk: &mut Desk, cx: &mut Context<'_>, looks: bool) -> Turn {
        let polled = desk.dispatch.poll_woken();
        let turn = match &mut self.phase {
            Phase::Open(_) => self.turn_open(desk, cx, looks || polled),
            Phase::Securing(_) => self.turn_securing(desk, cx),
            Phase::Closing(_) => self.turn_closing(cx),
            Phase::Gone => Turn::Idle,
        };
        if polled {
            desk.dispatch.count_running();
        }
        match turn {
            Turn::Idle if polled => Turn::Busy,
            turn => turn,
        }
    }

    #[inline(never)]
    fn turn_open(&mut self, desk: &mut Desk, cx: &mut Context<'_>, looks: bool) -> Turn {
        let Phase::Open(stream) = &mut self.phase else {
            return Turn::Idle;
        };
        let mut busy = false;
        let mut end = None;
        if !desk.incoming.is_empty() {
            // A bound or a decision may have kept whole boxes back.
            desk.incoming.consume(&mut desk.dispatch);
        }
        let has_yielded = std::mem::take(&mut self.has_yielded);
        let reads = desk.dispatch.wants_more() && !has_yielded;
        if reads {
            match desk.incoming.poll_read(stream, cx, &mut desk.dispatch) {
                Poll::Ready(Ok(Read::Some)) => {
                    busy = true;
                    self.watch.heard = true;
                }
                Poll::Ready(Ok(Read::End)) => end = Some(EndReason::ClosedByPeer),
                Poll::Ready(Err(error)) => end = Some(error.into()),
                Poll::Pending => {}
            }
        }
        let woken = desk.dispatch.take_woken();
        if !looks && reads && end.is_none() && woken < 2 && is_quiet(&self.shared, desk) {
            // Nothing came, or answers only. Whether callers want something is seen before this sleeps.
            desk.dispatch
                .count(desk.incoming.received, desk.dispatch.outgoing.sent);
            return if busy { Turn::Busy } else { Turn::Idle };
        }
        if woken > 1 && end.is_none() && !desk.dispatch.has_boundary() {
            // The callers that were just woken should make their next calls before anything is
            // written: a multi-threaded runtime would run this task right behind the first of them,
            // and each write would carry a few calls instead of all.
            self.has_yielded = true;
            desk.dispatch
                .count(desk.incoming.received, desk.dispatch.outgoing.sent);
            return Turn::Yield;
        }
        let mut state = self.shared.lock();
        let committed = desk.dispatch.commit(&mut state);
        let room_is_wanted = !state.room.is_empty() || state.is_slow;
        let is_turn = matches!(committed, Ok(true));
        desk.earliest = state.earliest;
        if committed.is_err() || state.closing != Closing::No || desk.dispatch.has_boundary() {
            if let Err(reason) = committed {
                end = Some(reason.into());
            }
            end = see_end(&self.shared, state, desk, end);
        } else {
            drop(state);
        }
        let written = desk.dispatch.outgoing.poll_write(stream, cx);
        desk.dispatch
            .count(desk.incoming.received, desk.dispatch.outgoing.sent);
        if let Poll::Ready(Err(error)) = written {
            end.get_or_insert_with(|| error.into());
            desk.dispatch.outgoing.discard();
        }
        // They need not wait until nothing is left of answers, which may never be.
        let has_room = desk.dispatch.outgoing.len() <= self.shared.options.max_queued;
        if room_is_wanted && (has_room || is_turn) {
            self.grant_room();
        }
        // What was written makes room; and a call that was just made lets the reading go on even if it cannot be
        // written yet: the peer may be unable to read until its own answers are read.
        busy |= !reads && desk.dispatch.wants_more();
        if let Some(reason) = end {
            self.begin_end(desk, reason);
            return Turn::Busy;
        }
        if desk.crossing.is_some() && desk.dispatch.outgoing.is_flushed() {
            self.cross(desk);
            return Turn::Busy;
        }
        if busy { Turn::Busy } else { Turn::Idle }
    }

    /// Goes beyond a boundary: everything before it is written.
    #[cold]
    fn cross(&mut self, desk: &mut Desk) {
        let Some((crossing, asker)) = desk.crossing.take() else {
            return;
        };
        let Phase::Open(stream) = std::mem::replace(&mut self.phase, Phase::Gone) else {
            return;
        };
        let unread = desk.incoming.take();
        match crossing {
            Crossing::Tls => match self.shared.secure(stream, unread, self.host.take(), asker) {
                Some(securing) => self.phase = Phase::Securing(securing),
                // The program has taken back what it needs since it agreed.
                None => self.begin_end(desk, EndReason::ClosedHere),
            },
            Crossing::Switch => {
                // What the responders that still run answer is for nobody.
                desk.dispatch.stop(self.shared.options.drop_responders);
                self.shared.hand_over(stream, unread, asker);
            }
        }
    }

    #[inline(never)]
    fn turn_securing(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> Turn {
        let Phase::Securing(securing) = &mut self.phase else {
            return Turn::Idle;
        };
        let secured = securing.as_mut().poll(cx);
        let mut state = self.shared.lock();
        let committed = desk.dispatch.commit(&mut state);
        let closing = state.closing;
        desk.earliest = state.earliest;
        drop(state);
        desk.closing = closing;
        match secured {
            Poll::Ready(Ok((stream, session))) => {
                // The handshake is the connection's only one, so there is no session yet.
                let _ = self.shared.session.set(session);
                self.phase = Phase::Open(stream);
                desk.dispatch.tls_began();
                let wakers = self.shared.lock().tls_began(&self.shared);
                wakers.into_iter().for_each(Waker::wake);
                Turn::Busy
            }
            Poll::Ready(Err(Failed { error, stream })) => {
                if self.shared.side == Side::Accepting {
                    log::not_secured(self.shared.addresses(), &error);
                }
                let mut rest = self.end_conversation(desk, error.into());
                // Nothing else may be written in plain text.
                rest.discard();
                self.begin_farewell(stream, rest, self.shared.resets);
                Turn::Busy
            }
            Poll::Pending => {
                if let Err(reason) = committed {
                    self.begin_end(desk, reason.into());
                } else if closing == Closing::Flush {
                    self.begin_end(desk, EndReason::ClosedHere);
                } else {
                    return Turn::Idle;
                }
                Turn::Busy
            }
        }
    }

    /// Lets callers go ahead that wait for room.
    #[cold]
    fn grant_room(&self) {
        let mut wakers = Vec::new();
        let mut state = self.shared.lock();
        state.is_slow = false;
        state.grant_room(self.shared.options.max_queued, &mut wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends the connection for everybody who waits for it; the rest is still written.
    #[cold]
    pub(super) fn begin_end(&mut self, desk: &mut Desk, reason: EndReason) {
        let stream = match std::mem::replace(&mut self.phase, Phase::Gone) {
            Phase::Open(stream) => Some(stream),
            _ => None,
        };
        let is_lost = matches!(reason, EndReason::Lost(_));
        let peer_is_gone = is_lost || matches!(reason, EndReason::ClosedByPeer);
        let rest = self.end_conversation(desk, reason);
        let reads_rest = !peer_is_gone && self.shared.resets;
        self.begin_farewell(stream.filter(|_| !is_lost), rest, reads_rest);
    }

    /// Ends the conversation and gives back what is left to be written.
    fn end_conversation(&mut self, desk: &mut Desk, reason: EndReason) -> Outgoing {
        let mut state = self.shared.lock();
        desk.dispatch.outgoing.commit_all(&self.shared, &mut state);
        let is_asked = matches!(reason, EndReason::ClosedByPeer) && state.known.is_untried();
        let ended = state.end(reason);
        drop(state);
        if is_asked {
            log::closed_when_asked(self.shared.addresses());
        }
        // Before the responders are dropped, which may panic.
        self.shared.tell_end();
        ended.tell();
        desk.incoming = Incoming::default();
        desk.dispatch.stop(self.shared.options.drop_responders)
    }

    fn begin_farewell(&mut self, stream: Option<BoxedStream>, rest: Outgoing, reads_rest: bool) {
        match stream {
            Some(stream) => {
                let farewell = Farewell::new(stream, rest, reads_rest);
                self.phase = Phase::Closing(Box::new(farewell));
            }
            None => {
                self.phase = Phase::Gone;
                self.shared.tell_closed();
            }
        }
    }

    #[inline(never)]
    fn turn_closing(&mut self, cx: &mut Context<'_>) -> Turn {
        let Phase::Closing(farewell) = &mut self.phase else {
            return Turn::Idle;
        };
        let polled = farewell.poll(cx);
        self.shared.counters.bytes_sent.set(farewell.sent());
        match polled {
            Poll::Ready(()) => {
                self.phase = Phase::Gone;
                self.shared.tell_closed();
                Turn::Busy
            }
            Poll::Pending => {
                if farewell.is_shut() {
                    self.shared.tell_closed();
                }
                Turn::Idle
            }
        }
    }
}

/// Whether there is nothing to write, nothing to go on with, and no bound in sight.
fn is_quiet(shared: &Shared, desk: &Desk) -> bool {
    desk.dispatch.is_idle()
        && !shared.wrote.load(Ordering::Acquire)
        && desk.dispatch.outgoing.is_clear()
        && !desk.dispatch.has_boundary()
        && desk.crossing.is_none()
}

/// What the callers, or the peer, want to become of the connection: notes it, and says whether it ends.
#[cold]
fn see_end(
    shared: &Shared,
    mut state: MutexGuard<'_, State>,
    desk: &mut Desk,
    mut end: Option<EndReason>,
) -> Option<EndReason> {
    let under_way = state.is_under_way();
    let closing = state.closing;
    if closing == Closing::Finish
        && shared.options.extends()
        && (under_way || !desk.dispatch.is_idle())
        && state.tell_leave()
    {
        shared.wrote.store(true, Ordering::Release);
    }
    drop(state);
    desk.closing = closing;
    match desk.dispatch.take_boundary() {
        Some((Boundary::Close(reason), _)) => end = Some(reason.into()),
        Some((Boundary::StartTls, asker)) => desk.crossing = Some((Crossing::Tls, asker)),
        Some((Boundary::Switch, asker)) => desk.crossing = Some((Crossing::Switch, asker)),
        None => {}
    }
    match closing {
        Closing::No => {}
        Closing::Finish => {
            desk.dispatch.finishing = true;
            if !under_way && desk.dispatch.is_idle() {
                end.get_or_insert(EndReason::ClosedHere);
            }
        }
        // The peer was promised the other protocol.
        Closing::Flush if matches!(desk.crossing, Some((Crossing::Switch, _))) => {
            desk.patience
                .get_or_insert_with(|| Instant::now() + PATIENCE);
        }
        Closing::Flush => {
            end.get_or_insert(EndReason::ClosedHere);
        }
    }
    end
}
