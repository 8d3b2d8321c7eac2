//! What stands behind a boundary: TLS, or another protocol.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use amp_rpc_core::conversation::CallId;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::payload::Received;
use super::shared::{Shared, State};
use crate::end::EndReason;
use crate::switched::{OnSwitch, SwitchedStream};
use crate::tls::{Failed, Role, Tls, TlsSession};
use crate::transport::{BoxedStream, Prefixed, Side};

/// What waits for a boundary. Most connections never have one.
#[derive(Default)]
pub(super) struct Crossing {
    /// The answer to this side's own ask for TLS, which its caller gets when TLS has begun.
    agreed: Option<(CallId, Received)>,
    /// Who gets the stream when the peer agrees to this side's own ask to switch.
    asked: Option<oneshot::Sender<SwitchedStream>>,
    /// What goes on with the stream when this side grants the peer's.
    answered: Option<OnSwitch>,
}

/// Whose ask it is that led to a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    ThisSide,
    Peer,
}

/// A handshake of TLS under way.
pub(super) type Securing =
    Pin<Box<dyn Future<Output = Result<(BoxedStream, TlsSession), Failed>> + Send>>;

impl Shared {
    /// How this side would do TLS, and in which role; `None` where it cannot.
    ///
    /// As in Twisted, the side that has connected is the client of the handshake, whoever asks. Where
    /// that is not known, it is the side that asks.
    fn tls_for(&self, state: &State, asker: Asker) -> Option<(Tls, Role)> {
        if self.session.get().is_some() {
            return None;
        }
        let role = match (self.side, asker) {
            (Side::Connecting, _) | (Side::Unknown, Asker::ThisSide) => Role::Client,
            (Side::Accepting, _) | (Side::Unknown, Asker::Peer) => Role::Server,
            (Side::Boxes, _) => return None,
        };
        let tls = state.tls.clone()?;
        (role == Role::Client || tls.has_identity()).then_some((tls, role))
    }

    pub(super) fn can_start_tls(&self, state: &State, asker: Asker) -> bool {
        self.tls_for(state, asker).is_some()
    }

    /// Begins the handshake. `unread` is what was read behind the boundary: whatever it is, it is for
    /// TLS to judge.
    pub(super) fn secure(
        self: &Arc<Self>,
        stream: BoxedStream,
        unread: Bytes,
        host: Option<Box<str>>,
        asker: Asker,
    ) -> Option<Securing> {
        let (tls, role) = self.tls_for(&self.lock(), asker)?;
        let stream = BoxedStream::new(Prefixed::new(unread, stream));
        Some(Box::pin(async move {
            tls.handshake(stream, role, host.as_deref()).await
        }))
    }

    /// Sets how this side does TLS from now on.
    #[cfg(feature = "_tls")]
    pub(crate) fn set_tls(&self, tls: Tls) {
        self.lock().tls = Some(tls);
    }

    /// Sets what goes on with the stream when the peer's ask to switch is granted.
    pub(crate) fn set_on_switch(&self, on_switch: OnSwitch) {
        let mut state = self.lock();
        // It may hold the connection: once that has ended, nobody would ever drop it.
        let unused = match state.end {
            Some(_) => Some(on_switch),
            None => state.crossing().answered.replace(on_switch),
        };
        drop(state);
        drop(unused);
    }

    /// Ends the calls of the time before a switch, when the stream behind it is gone.
    pub(crate) fn end_calls(&self) {
        let wakers = self.lock().end_calls();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Hands the stream over to whoever takes the other protocol.
    pub(super) fn hand_over(self: &Arc<Self>, stream: BoxedStream, unread: Bytes, asker: Asker) {
        let outlives = self.options.compat.calls_outlive_switch;
        let mut state = self.lock();
        let crossing = state.crossing.take();
        let ended = if outlives {
            let mut ended = state.end_conversation(EndReason::Switched);
            ended.wakers.extend(state.end_timed());
            ended
        } else {
            state.end(EndReason::Switched)
        };
        drop(state);
        let stream = SwitchedStream::new(Prefixed::new(unread, stream), Arc::clone(self), outlives);
        let Crossing {
            asked, answered, ..
        } = *crossing.unwrap_or_default();
        match asker {
            Asker::ThisSide => {
                if let Some(asked) = asked {
                    // The caller may have gone: then nobody wants the stream, and it is closed.
                    let _ = asked.send(stream);
                }
            }
            Asker::Peer => {
                if let Some(answered) = answered {
                    // What it does before its future is there is the program's too, and may panic.
                    tokio::spawn(async move { answered(stream).await });
                }
            }
        }
        self.tell_end();
        self.tell_closed();
        ended.tell();
    }
}

impl State {
    pub(super) fn crossing(&mut self) -> &mut Crossing {
        self.crossing.get_or_insert_default()
    }

    /// Notes who gets the stream when the peer agrees to a switch.
    pub(super) fn take_stream_for(&mut self, taker: oneshot::Sender<SwitchedStream>) {
        self.crossing().asked = Some(taker);
    }

    /// Nobody gets the stream, since the peer has refused.
    pub(super) fn forget_taker(&mut self) {
        if let Some(crossing) = &mut self.crossing {
            crossing.asked = None;
        }
    }

    /// Whether somebody goes on with the stream when the peer's ask to switch is granted.
    pub(super) fn has_on_switch(&self) -> bool {
        (self.crossing.as_ref()).is_some_and(|crossing| crossing.answered.is_some())
    }

    /// Takes back what would go on with the stream, since this side refuses the switch.
    pub(super) fn forget_on_switch(&mut self) -> Option<OnSwitch> {
        self.crossing.as_mut()?.answered.take()
    }

    /// Keeps the answer to this side's own ask for TLS until TLS has begun.
    pub(super) fn agree(&mut self, id: CallId, answer: Received) {
        self.crossing().agreed = Some((id, answer));
    }

    /// Goes on behind the beginning of TLS: what waited for it is written and told.
    pub(super) fn tls_began(&mut self, shared: &Shared) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let Self { asking, out, .. } = self;
        asking.tls_began(out);
        shared.boundary_ahead.store(false, Ordering::Release);
        shared.wrote.store(true, Ordering::Release);
        if let Some((id, answer)) = (self.crossing.as_mut()).and_then(|it| it.agreed.take()) {
            if let Some(slot) = self.asking.calls.answered(id) {
                slot.answer = Some(answer);
                wakers.extend(slot.waker.take());
            }
        }
        self.room.grant(&mut wakers);
        self.say_what_is_wanted();
        wakers
    }
}
