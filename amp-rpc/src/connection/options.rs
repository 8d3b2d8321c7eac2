use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use amp_rpc_core::conversation::Compat;
use amp_rpc_core::wire::Limits;

use crate::descriptors::MAX_UNCLAIMED;
use crate::options_error::OptionsError;

/// How connections behave. Set through the methods of [`Amp`](crate::Amp).
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) compat: Compat,
    pub(crate) limits: Limits,
    /// Responders that wait, on one connection.
    pub(crate) max_running: usize,
    /// Bytes that wait to be written, on one connection.
    pub(crate) max_queued: usize,
    /// Descriptors that no box has claimed, on one connection.
    pub(crate) max_unclaimed: usize,
    /// Drop the responders that still run when the connection ends.
    pub(crate) drop_responders: bool,
    /// How long a call may take.
    pub(crate) call_timeout: Option<Duration>,
    /// After how long a silence the peer is asked for a sign of life.
    keepalive: Option<Duration>,
    /// How long a connection may be unused.
    pub(crate) idle_timeout: Option<Duration>,
    /// How long the first box of an accepted connection may take.
    pub(crate) first_box_timeout: Option<Duration>,
    /// Find out what the peer can do beyond AMP, and use it.
    extensions: bool,
    /// Tell peers the numbers of faults.
    pub(crate) number_faults: bool,
    /// Answer a stranger's HTTP in HTTP.
    pub(crate) answer_http: bool,
    /// Gives the caller's span, where the program has spans.
    pub(crate) traceparent: Option<Traceparent>,
}

/// Gives the span of whoever makes a call, as in the header `traceparent` of W3C's Trace Context.
#[derive(Clone)]
pub(crate) struct Traceparent(pub(crate) Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traceparent")
    }
}

/// What an error takes without code and description: its three keys, the shortest tag, the end.
const LEAST_BOX: usize = 54;

impl Options {
    /// The defaults, of which there is one copy: programs may make an `Amp` for each connection.
    pub(crate) fn usual() -> Arc<Self> {
        static USUAL: OnceLock<Arc<Options>> = OnceLock::new();
        Arc::clone(USUAL.get_or_init(Arc::default))
    }

    pub(crate) fn set_keepalive(&mut self, silence: Option<Duration>) {
        self.keepalive = silence;
    }

    /// How often it is looked whether the peer has been heard of.
    pub(crate) fn keepalive(&self) -> Option<Duration> {
        self.keepalive.filter(|_| !self.compat.no_own_commands)
    }

    pub(crate) fn set_extensions(&mut self, on: bool) {
        self.extensions = on;
    }

    /// Whether to find out what the peer can do beyond AMP, and use it.
    #[inline]
    pub(crate) fn extends(&self) -> bool {
        self.extensions && !self.compat.no_own_commands
    }

    /// Looks for what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let error = |option, problem| Err(OptionsError::new(option, problem));
        if self.limits.box_bytes < LEAST_BOX {
            return error(
                "Limits::box_bytes",
                "with less than 54, not even an error can be answered",
            );
        }
        if self.limits.box_pairs < 3 {
            return error(
                "Limits::box_pairs",
                "with less than 3, not even an error can be answered",
            );
        }
        if self.max_running == 0 {
            return error("Amp::max_running", "with 0, no ask could be carried out");
        }
        if self.max_queued == 0 {
            return error("Amp::max_queued", "with 0, no call could be sent");
        }
        let times = [
            ("Amp::keepalive", self.keepalive),
            ("Amp::idle_timeout", self.idle_timeout),
            ("Amp::first_box_timeout", self.first_box_timeout),
        ];
        for (option, time) in times {
            if time == Some(Duration::ZERO) {
                return error(option, "a time of 0 is over before anything can happen");
            }
        }
        if self.call_timeout == Some(Duration::ZERO) {
            return error(
                "Amp::call_timeout",
                "with 0, every call would end before it is sent; leave it out for no limit",
            );
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            compat: Compat::default(),
            limits: Limits::default(),
            max_running: 4_096,
            max_queued: 1024 * 1024,
            max_unclaimed: MAX_UNCLAIMED,
            drop_responders: false,
            call_timeout: None,
            keepalive: Some(Duration::from_secs(60)),
            idle_timeout: None,
            first_box_timeout: None,
            extensions: true,
            number_faults: false,
            answer_http: false,
            traceparent: None,
        }
    }
}
