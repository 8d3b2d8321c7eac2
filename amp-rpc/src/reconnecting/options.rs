//! How a reconnecting peer is made.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::backoff::Backoff;
use super::peer::ReconnectingPeer;
use crate::amp::Amp;
use crate::endpoint::{ConnectEndpoint, ConnectError};
use crate::options_error::OptionsError;
use crate::peer::Peer;

/// Makes a [`ReconnectingPeer`]; from [`Amp::reconnecting`].
///
/// | option | default |
/// |---|---|
/// | [`backoff`](Self::backoff) | 200 ms, each wait 1.6 times as long, up to 30 s, half of it by chance |
/// | [`max_wait`](Self::max_wait) of a call for a connection | 30 s |
/// | [`max_waiting`](Self::max_waiting) calls | 1,024; or [`wait_unbounded`](Self::wait_unbounded), or [`fail_fast`](Self::fail_fast) |
/// | [`max_tries`](Self::max_tries) of idempotent commands | 3 |
/// | [`on_connect`](Self::on_connect), and its [`hook_timeout`](Self::hook_timeout) | none, and 30 s |
///
/// An attempt to connect may take as long as the endpoint says, 30 seconds by default.
#[must_use = "nothing connects before `start`"]
pub struct Reconnecting {
    amp: Amp,
    endpoint: Result<ConnectEndpoint, ConnectError>,
    options: Options,
    hook: Option<Hook>,
}

/// Runs on each connection.
pub(super) type Hook = Box<dyn Fn(Peer) -> HookFuture + Send + Sync>;
type HookFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// How a reconnecting peer behaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) backoff: Backoff,
    fail_fast: bool,
    unbounded: bool,
    max_waiting: Option<usize>,
    max_wait: Option<Duration>,
    max_tries: Option<u32>,
    hook_timeout: Option<Duration>,
}

impl Reconnecting {
    pub(crate) fn new(amp: Amp, endpoint: Result<ConnectEndpoint, ConnectError>) -> Self {
        Self {
            amp,
            endpoint,
            options: Options::default(),
            hook: None,
        }
    }

    /// Sets how long it waits between attempts to connect.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.options.backoff = backoff;
        self
    }

    /// Sets what is done on each connection before any call that waits: logging in, subscribing. It gets the
    /// connection's own peer, on which it may call anything, `start_tls` too. The responders of the
    /// [`Amp`] answer meanwhile.
    ///
    /// When it fails, panics or takes too long, the connection is closed, and the attempt has failed like one that does
    /// not get a connection.
    ///
    /// ```
    /// use amp_rpc::{Amp, Command};
    ///
    /// #[derive(Command)]
    /// struct LogIn { name: String }
    ///
    /// let reconnecting = Amp::new()
    ///     .reconnecting("tcp:localhost:8080")
    ///     .on_connect(|peer| async move { peer.call(LogIn { name: "me".into() }).await });
    /// ```
    pub fn on_connect<F, Fut, E>(mut self, hook: F) -> Self
    where
        F: Fn(Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.hook = Some(Box::new(move |peer| {
            let done = hook(peer);
            Box::pin(async move { done.await.map_err(Into::into) })
        }));
        self
    }

    /// Sets how long that may take. Default: 30 seconds. Zero is refused.
    pub fn hook_timeout(mut self, limit: Duration) -> Self {
        self.options.hook_timeout = Some(limit);
        self
    }

    /// Sets how many calls may wait for a connection. Default: 1,024. More fail at once, with
    /// [`NotConnected::QueueFull`](crate::NotConnected::QueueFull). Zero is refused.
    pub fn max_waiting(mut self, calls: usize) -> Self {
        self.options.max_waiting = Some(calls);
        self
    }

    /// Lets as many calls wait for a connection as there are. Each takes memory only where its future is kept, so
    /// this is right where something else bounds them: callers that wait for one call before they make the next.
    pub fn wait_unbounded(mut self) -> Self {
        self.options.unbounded = true;
        self
    }

    /// Lets no call wait for a connection: without one, calls fail at once, with
    /// [`NotConnected::FailedFast`](crate::NotConnected::FailedFast). Nor is anything sent a second time then.
    pub fn fail_fast(mut self) -> Self {
        self.options.fail_fast = true;
        self
    }

    /// Sets how long a call may wait for connections in all, before it fails with
    /// [`NotConnected::WaitedTooLong`](crate::NotConnected::WaitedTooLong). Default: 30 seconds. `Duration::MAX` means
    /// without a limit; zero is refused.
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.options.max_wait = Some(limit);
        self
    }

    /// Sets how often an idempotent command is sent at most, if each time its connection ends before the answer
    /// comes. Default: 3. With 1 it is never sent again; zero is refused.
    pub fn max_tries(mut self, tries: u32) -> Self {
        self.options.max_tries = Some(tries);
        self
    }

    /// Begins to connect, in a task of its own, and returns at once. That nobody is there yet is no error; see
    /// [`ReconnectingPeer::connected`].
    ///
    /// # Errors
    ///
    /// The string is no endpoint, it is one that can be connected to only once (`stdio:` and `fd:`), or options make no
    /// sense, alone or together: [`ConnectError::Options`] says which.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its drivers for time and I/O enabled.
    pub fn start(self) -> Result<ReconnectingPeer, ConnectError> {
        let endpoint = self.endpoint?;
        let checked = (self.amp.options().check()).and_then(|()| self.options.check());
        let checked = checked.and_then(|()| check_connections(&self.amp, &endpoint));
        match checked {
            Ok(()) => Ok(ReconnectingPeer::start(
                self.amp,
                endpoint,
                self.options,
                self.hook,
            )),
            Err(source) => Err(ConnectError::Options {
                endpoint: Box::new(endpoint),
                source,
            }),
        }
    }
}

/// Looks for what cannot be meant of the connections that it makes.
fn check_connections(amp: &Amp, endpoint: &ConnectEndpoint) -> Result<(), OptionsError> {
    if endpoint.is_once() {
        return Err(OptionsError::new(
            "Amp::reconnecting",
            "what this process was started with can be connected to only once; use Amp::connect",
        ));
    }
    if amp.options().idle_timeout.is_some() {
        return Err(OptionsError::new(
            "Amp::idle_timeout",
            "a connection that is closed since nobody uses it would be made anew at once",
        ));
    }
    Ok(())
}

impl Options {
    /// How long a call may wait for a connection.
    pub(super) fn max_wait(&self) -> Duration {
        self.max_wait.unwrap_or(Duration::from_secs(30))
    }

    /// How many may.
    pub(super) fn max_waiting(&self) -> usize {
        match self.unbounded {
            true => usize::MAX,
            false => self.max_waiting.unwrap_or(1_024),
        }
    }

    pub(super) fn fails_fast(&self) -> bool {
        self.fail_fast
    }

    pub(super) fn max_tries(&self) -> u32 {
        self.max_tries.unwrap_or(3)
    }

    pub(super) fn hook_timeout(&self) -> Duration {
        self.hook_timeout.unwrap_or(Duration::from_secs(30))
    }

    /// Looks for what cannot be meant.
    fn check(&self) -> Result<(), OptionsError> {
        let error = |option, problem| Err(OptionsError::new(option, problem));
        self.backoff.check()?;
        if self.max_waiting == Some(0) {
            return error(
                "Reconnecting::max_waiting",
                "with 0, no call could wait; Reconnecting::fail_fast says so",
            );
        }
        if self.max_wait == Some(Duration::ZERO) {
            return error(
                "Reconnecting::max_wait",
                "with 0, no call could wait; Reconnecting::fail_fast says so",
            );
        }
        if self.max_tries == Some(0) {
            return error(
                "Reconnecting::max_tries",
                "with 0, no command would be sent even once",
            );
        }
        if self.hook_timeout == Some(Duration::ZERO) {
            return error(
                "Reconnecting::hook_timeout",
                "with 0, no connection could be made ready",
            );
        }
        if self.fail_fast && (self.max_waiting.is_some() || self.max_wait.is_some()) {
            return error(
                "Reconnecting::fail_fast",
                "no call waits then, so there is nothing to bound with max_waiting or max_wait",
            );
        }
        if self.unbounded && (self.max_waiting.is_some() || self.fail_fast) {
            return error(
                "Reconnecting::wait_unbounded",
                "it contradicts max_waiting and fail_fast",
            );
        }
        Ok(())
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("endpoint", &self.endpoint)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
