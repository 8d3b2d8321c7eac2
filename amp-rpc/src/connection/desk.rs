//! What a driver works with, which a thread lends it, so that idle connections hold none.

use std::cell::RefCell;
use std::sync::Arc;

use amp_rpc_core::conversation::Answering;
use amp_rpc_core::wire::Decoder;
use tokio::time::Instant;

use super::buffers;
use super::crossing::Asker;
use super::dispatch::Dispatch;
use super::incoming::Incoming;
use super::located::Located;
use super::shared::{Closing, Shared, State};
use super::stranger::Doorway;

/// How many desks a thread keeps.
const KEPT: usize = 32;
/// For so many answers to come it costs little to lend their connection a desk anew.
const FEW_ANSWERS: usize = 16;

thread_local! {
    #[expect(clippy::vec_box, reason = "a desk is lent without being moved")]
    static FREE: RefCell<Vec<Box<Desk>>> = const { RefCell::new(Vec::new()) };
}

/// What a driver works with. It has one from when it is woken until it has nothing to do but to wait for answers, or lets
/// others run; then buffers and lists on it are empty, and no responder or boundary waits. What else is on it is set anew
/// for the next connection.
pub(super) struct Desk {
    pub(super) incoming: Incoming,
    pub(super) dispatch: Dispatch,
    /// What begins once everything before it is written.
    pub(super) crossing: Option<(Crossing, Asker)>,
    /// How the connection was asked to end when the driver last looked.
    pub(super) closing: Closing,
    /// By when a switch that was granted has to be written, where the connection is to close.
    pub(super) patience: Option<Instant>,
    /// The earliest deadline of a call when the driver last looked.
    pub(super) earliest: Option<Instant>,
    /// What stands for a connection when there is none.
    vacant: Option<Arc<Shared>>,
}

/// Where the stream goes behind a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    Tls,
    Switch,
}

/// What a connection keeps of its desk while it has none.
pub(super) struct Left {
    locator: Arc<Located>,
    doorway: Doorway,
    began: bool,
    is_used: bool,
}

impl Left {
    /// That of a connection that begins.
    pub(super) fn new(locator: Arc<Located>) -> Self {
        Self {
            locator,
            doorway: Doorway::default(),
            began: false,
            is_used: false,
        }
    }
}

impl Desk {
    fn new() -> Box<Self> {
        Box::new(Self {
            incoming: Incoming::default(),
            dispatch: Dispatch::new(Shared::vacant()),
            crossing: None,
            closing: Closing::No,
            patience: None,
            earliest: None,
            vacant: None,
        })
    }

    /// A desk for a connection that has something to do.
    pub(super) fn take(shared: &Arc<Shared>, left: Left) -> Box<Self> {
        let free = buffers::lend(&FREE, Vec::pop).flatten();
        let mut desk = free.unwrap_or_else(Self::new);
        let Self {
            incoming,
            dispatch,
            earliest,
            vacant,
            ..
        } = &mut *desk;
        let Left {
            locator,
            doorway,
            began,
            is_used,
        } = left;
        let options = &shared.options;
        *vacant = Some(std::mem::replace(&mut dispatch.shared, Arc::clone(shared)));
        dispatch.is_fixed = locator.is_fixed;
        dispatch.pool = locator.take();
        dispatch.locator = Some(locator);
        dispatch.doorway = doorway;
        let state = shared.lock();
        dispatch.own_calls = state.own_calls();
        *earliest = state.earliest;
        drop(state);
        dispatch.refusals.clear();
        dispatch.finishing = false;
        dispatch.began = began;
        dispatch.is_used = is_used;
        dispatch.decoder = Decoder::new(options.limits);
        dispatch.answering = Answering::new(options.compat, options.limits);
        if options.number_faults {
            dispatch.answering.number_fault(dispatch.fault);
        }
        dispatch.outgoing.begin(shared);
        incoming.received = shared.counters.bytes_received.get();
        desk
    }

    /// Whether its connection may do without it: nothing is encoded, and few calls wait for their answers. Where large boxes
    /// come, it stays until none waits, as it knows that the next one is read without a copy; and so it does where the
    /// connection finishes, as it knows that asks are refused.
    pub(super) fn may_rest(&self, state: &State) -> bool {
        let most = if self.incoming.is_bulk() {
            0
        } else {
            FEW_ANSWERS
        };
        state.out.is_empty() && state.calls_waiting() <= most && self.closing == Closing::No
    }

    /// Whether nothing is on it but what every connection finds there.
    pub(super) fn is_clear(&self) -> bool {
        self.incoming.is_empty()
            && self.dispatch.is_clear()
            && self.crossing.is_none()
            && self.closing == Closing::No
    }

    /// Gives a desk back that is clear: its connection rests, or lets others run.
    pub(super) fn leave(mut self: Box<Self>, rests: bool) -> Option<Left> {
        let Self {
            incoming,
            dispatch,
            vacant,
            ..
        } = &mut *self;
        let locator = dispatch.locator.take()?;
        locator.give(std::mem::take(&mut dispatch.pool), rests);
        let left = Left {
            locator,
            doorway: std::mem::take(&mut dispatch.doorway),
            began: dispatch.began,
            is_used: dispatch.is_used,
        };
        dispatch.shared = vacant.take().unwrap_or_else(Shared::vacant);
        dispatch.rest();
        incoming.leave();
        self.patience = None;
        buffers::lend(&FREE, |free| {
            if free.len() < KEPT {
                free.push(self);
            }
        });
        Some(left)
    }
}
