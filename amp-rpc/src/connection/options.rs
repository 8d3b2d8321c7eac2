use amp_rpc_core::conversation::Compat;
use amp_rpc_core::wire::Limits;

use crate::descriptors::MAX_UNCLAIMED;

/// How connections behave. Set through the methods of [`Amp`](crate::Amp).
#[derive(Debug, Clone, Copy)]
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
    /// Answer a stranger's HTTP in HTTP.
    pub(crate) answer_http: bool,
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
            answer_http: false,
        }
    }
}
