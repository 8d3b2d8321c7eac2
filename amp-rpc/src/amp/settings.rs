//! What connections of an [`Amp`] have in common, set one by one.

use std::sync::Arc;
use std::time::Duration;

use amp_rpc_core::conversation::Compat;
use amp_rpc_core::wire::Limits;

use super::Amp;
use crate::connection::{Located, Traceparent};
use crate::locator::Locator;
use crate::peer::Peer;
#[cfg(feature = "_tls")]
use crate::tls::Tls;

impl Amp {
    /// Sets the locator that all connections share. Default: none, which answers every command with
    /// `UNHANDLED`.
    #[must_use]
    pub fn locator(mut self, locator: impl Locator) -> Self {
        let located = Located::shared(locator);
        self.locate = Arc::new(move |_| Arc::clone(&located));
        self
    }

    /// Sets a function that makes a locator for each connection, for responders whose state is the
    /// connection's. It gets the peer before anything is received.
    ///
    /// A locator lives as long as its connection, and a connection that was not made by a server as long as a [`Peer`] of it: if the
    /// locator holds one, nobody but the other side, or [`Peer::close`], ends it. Responders can be given the peer instead
    /// ([`Responders::on_with_peer`](crate::Responders::on_with_peer)).
    ///
    /// ```
    /// use std::sync::Mutex;
    ///
    /// use amp_rpc::{Amp, Responders};
    ///
    /// #[derive(Default)]
    /// struct Session { name: Mutex<Option<String>> }
    ///
    /// let amp = Amp::new().locator_for_each(|peer| {
    ///     println!("{:?} has connected", peer.addresses().remote);
    ///     Responders::with_state(Session::default())
    /// });
    /// ```
    #[must_use]
    pub fn locator_for_each<L: Locator>(
        mut self,
        make: impl Fn(&Peer) -> L + Send + Sync + 'static,
    ) -> Self {
        self.locate = Arc::new(move |peer| Located::own(make(peer)));
        self
    }

    /// Sets where connections behave as Twisted does although that is less safe. Default: nowhere.
    #[must_use]
    pub fn compat(mut self, compat: Compat) -> Self {
        Arc::make_mut(&mut self.options).compat = compat;
        self
    }

    /// Sets the limits on one box. Defaults: see [`Limits`]. Less than 54 bytes or 3 pairs, which is what an error takes, is
    /// refused when a connection is made.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.options).limits = limits;
        self
    }

    /// Sets how many responders may wait at the same time on one connection. Default: 4,096.
    ///
    /// At the bound no more is read. While calls of this side are under way, reading goes on, since
    /// their answers may be what the responders wait for; asks are then refused with the error code
    /// `BUSY`. Zero is refused when a connection is made.
    #[must_use]
    pub fn max_running(mut self, responders: usize) -> Self {
        Arc::make_mut(&mut self.options).max_running = responders;
        self
    }

    /// Sets how many bytes may wait to be written on one connection before senders wait. Default:
    /// 1 MiB. One box may exceed it. Zero is refused when a connection is made.
    ///
    /// With as many bytes of answers no more is read; while calls of this side are under way, reading goes on, and from
    /// eight times as many on asks are refused with the error code `BUSY`.
    #[must_use]
    pub fn max_queued(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.options).max_queued = bytes;
        self
    }

    /// Sets how many file descriptors may have come on one connection that no box has claimed yet.
    /// Default: 256. One more ends the connection, with
    /// [`CloseReason::TooManyDescriptors`](crate::CloseReason::TooManyDescriptors).
    ///
    /// Descriptors come before their boxes; Twisted sends all that are queued with the first bytes. For each
    /// answer with descriptors that its caller has not polled yet, as many again may wait. See
    /// [the guide](crate::guide::file_descriptors).
    #[must_use]
    pub fn max_unclaimed_descriptors(mut self, descriptors: usize) -> Self {
        Arc::make_mut(&mut self.options).max_unclaimed = descriptors;
        self
    }

    /// Sets how long a call may take, unless it says otherwise with [`Call::timeout`](crate::Call::timeout):
    /// from its first poll until its answer. Default: without a limit, as in Twisted. Zero is refused when
    /// a connection is made.
    #[must_use]
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.options).call_timeout = Some(limit);
        self
    }

    /// Sets how often it is looked whether the peer has sent anything. If it has not since the last look, it is asked for a sign of
    /// life. Default: 60 seconds. Zero is refused when a connection is made.
    ///
    /// It is asked with the command `_amp-rpc`, which needs no support: any answer is one, also Twisted's that it
    /// has no such command, and so is anything else that comes. When nothing has come until the next look, the connection ends
    /// with [`EndReason::Silent`](crate::EndReason::Silent) if the peer has answered such an ask before; of one that never has, the
    /// silence is only logged, since some may not answer. So a connection ends two to three such times after the last byte.
    ///
    /// [`Compat::no_own_commands`] turns it off.
    ///
    /// Over TCP, on systems of the Unix family, the system looks for peers that are gone, too, whatever is set here.
    #[must_use]
    pub fn keepalive(mut self, silence: Duration) -> Self {
        Arc::make_mut(&mut self.options).set_keepalive(Some(silence));
        self
    }

    /// Never asks the peer for a sign of life. Over TCP the system goes on to look for it.
    #[must_use]
    pub fn no_keepalive(mut self) -> Self {
        Arc::make_mut(&mut self.options).set_keepalive(None);
        self
    }

    /// Closes connections that nobody has used for so long: no ask came, no call was made, and none is
    /// under way. They may live for up to twice as long. Default: without a limit, as in Twisted. Zero is refused when a
    /// connection is made.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.options).idle_timeout = Some(limit);
        self
    }

    /// Closes connections that a server has accepted when no whole box has come for so long. Default: without a
    /// limit, since in AMP either side may be the one that asks. Zero is refused when a connection is made.
    #[must_use]
    pub fn first_box_timeout(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.options).first_box_timeout = Some(limit);
        self
    }

    /// Sets whether a connection finds out what its peer can do beyond AMP, and tells the peer what this side
    /// can. Default: it does.
    ///
    /// The first call with a deadline or a [`traceparent`](Self::traceparent), the first that is dropped before its answer, and
    /// [`Peer::leaving`](crate::Peer::leaving), make it ask once, with the command `_amp-rpc`. A peer that has no such command, as every Twisted, answers that, and
    /// never sees anything else that is unusual. [Signs of life](Self::keepalive) are asked for with the same command, also without this.
    ///
    /// [`Compat::no_own_commands`] turns it off.
    ///
    /// Without it, the keys `_deadline` and `_traceparent` of an ask mean nothing to the connection: they are arguments, as in Twisted.
    #[must_use]
    pub fn extensions(mut self, on: bool) -> Self {
        Arc::make_mut(&mut self.options).set_extensions(on);
        self
    }

    /// Sets what gives the span of whoever makes a call, as the header `traceparent` of
    /// [W3C's Trace Context](https://www.w3.org/TR/trace-context/) has it: it travels beside the arguments to peers that use
    /// this crate, whose responders get it from [`AskContext::traceparent`](crate::AskContext::traceparent).
    /// Default: none.
    ///
    /// `give` is asked in the caller's task when a call is sent. The first call of a connection finds out whether
    /// the peer wants to know, and travels without.
    #[must_use]
    pub fn traceparent(
        mut self,
        give: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.options).traceparent = Some(Traceparent(Arc::new(give)));
        self
    }

    /// Tells the peer the number of a fault behind "Unknown Error", as in `Unknown Error (fault 2a)`: a responder panicked or
    /// failed with an error that its command does not declare, or its answer could not be encoded. The log of
    /// this side, with the feature `tracing`, has the same number beside the reason. Default: as in Twisted, nothing.
    #[must_use]
    pub fn number_faults(mut self) -> Self {
        Arc::make_mut(&mut self.options).number_faults = true;
        self
    }

    /// Drops responders that still run when their connection ends. Default: they finish, as in
    /// Twisted, though nobody gets their answers.
    #[must_use]
    pub fn drop_responders_at_end(mut self) -> Self {
        Arc::make_mut(&mut self.options).drop_responders = true;
        self
    }

    /// Sets whether a peer that begins with a request of HTTP, such as a browser or a health checker, is
    /// answered `400 Bad Request` and a line of text before its connection ends. Default: no; it ends
    /// without an answer, as in Twisted.
    ///
    /// Either way [`EndReason::Ended`](crate::EndReason::Ended) says that it was HTTP, and the feature `tracing` logs it. Box
    /// receivers never answer.
    #[must_use]
    pub fn answer_http(mut self, answers: bool) -> Self {
        Arc::make_mut(&mut self.options).answer_http = answers;
        self
    }

    /// Sets how many connections each server may have open at the same time, those included that are still set up. More
    /// are accepted and closed at once, so that their peers learn it, instead of being left to wait; as
    /// Twisted's `LimitTotalConnectionsFactory` does. The feature `tracing` logs when that begins. Default: no bound but
    /// the system's; where that is reached, connections wait.
    ///
    /// 0 is refused when the server is made.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.server.max_connections = Some(connections);
        self
    }

    /// Sets how old the connections of servers may become, so that peers connect anew from time to time: to
    /// another machine behind a load balancer, or with a renewed certificate. Default: no limit.
    ///
    /// At that age, give or take a tenth so that not all end together, a connection does what
    /// [`Peer::finish`] does: new asks are answered `BUSY`, and it closes once everything under way is answered. What
    /// is not done after [`age_grace`](Self::age_grace) is cut off. Of box receivers, the connection is closed at once.
    ///
    /// Zero is refused when the server is made.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.server.max_age = Some(age);
        self
    }

    /// Sets how long a connection may take to finish at its [`max_age`](Self::max_age), before it is closed. Default: 60
    /// seconds. Without an age it is refused when the server is made.
    #[must_use]
    pub fn age_grace(mut self, grace: Duration) -> Self {
        self.server.age_grace = Some(grace);
        self
    }

    /// Sets how connections do TLS when their peer asks for it with `StartTLS`, or when
    /// [`Peer::start_tls`] is called. Default: not at all; a peer that asks is answered `TLS_ERROR`.
    ///
    /// Connections that speak TLS from the first byte are made by endpoints.
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }
}
