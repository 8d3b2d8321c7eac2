//! What a connection has done so far.

mod counters;
mod latency;
#[cfg(feature = "metrics")]
mod publish;

pub(crate) use counters::Counters;
pub use latency::Latency;
#[cfg(feature = "metrics")]
pub(crate) use publish::Publisher;

/// What a connection has done since it began, and what it does now; made by
/// [`Peer::stats`](crate::Peer::stats).
///
/// Counting costs a few additions for a call, and is always on. The counters are read one after the other while the
/// connection goes on, so that sums may be off by what happens meanwhile.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were sent.
    pub calls_sent: u64,
    /// Commands that were sent without asking for an answer.
    pub tells_sent: u64,
    /// Calls that got their answer.
    pub calls_answered: u64,
    /// Calls that were answered with an error.
    pub calls_failed: u64,
    /// Calls and tells whose time was over.
    pub calls_timed_out: u64,
    /// Calls that were dropped before their answer came.
    pub calls_given_up: u64,
    /// Calls that ended with the connection.
    pub calls_ended: u64,
    /// Calls and tells that could not be encoded, or not be made.
    pub calls_refused_here: u64,
    /// Answers and errors that came when nobody waited for them any more.
    pub late_answers: u64,
    /// Answers and errors whose tag no call has.
    pub unknown_answers: u64,
    /// Commands that came, with and without `_ask`.
    pub asks_received: u64,
    /// Commands that were answered, or carried out where no answer was wanted.
    pub asks_answered: u64,
    /// Commands that a responder failed with an error of its command's or of its choice; `StartTLS` where there is no TLS.
    pub asks_failed: u64,
    /// Commands that no responder has.
    pub asks_unhandled: u64,
    /// Commands whose arguments could not be read.
    pub asks_malformed: u64,
    /// Commands that were refused with `BUSY`, or because both sides asked for TLS or to switch at once.
    pub asks_refused: u64,
    /// Asks whose caller said that it waits no longer.
    pub asks_canceled: u64,
    /// Responders that panicked or failed otherwise, and answers that could not be encoded: what the log tells.
    pub faults: u64,
    /// Metadata beside the arguments that could not be read, and was ignored.
    pub bad_metadata: u64,
    /// Bytes that were read.
    pub bytes_received: u64,
    /// Bytes that were written.
    pub bytes_sent: u64,
    /// Boxes that came.
    pub boxes_received: u64,
    /// How long calls took from being sent until their answer came. Where many are made at once, one of 32 is timed.
    pub latency: Latency,
    /// Calls that wait for their answer now.
    pub calls_waiting: usize,
    /// Calls and tells that wait for room now.
    pub calls_queued: usize,
    /// Bytes of calls that the connection has not taken over yet.
    pub bytes_queued: usize,
    /// Responders that run now.
    pub responders_running: usize,
}
