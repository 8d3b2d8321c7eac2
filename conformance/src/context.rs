use amp_rpc_core::Context;
use amp_rpc_core::conversation::Compat;

/// The connection, as fields see it.
#[derive(Debug)]
pub(crate) struct PlayContext(pub(crate) Compat);

impl Context for PlayContext {
    fn cuts_lists(&self) -> bool {
        self.0.cut_lists
    }
}
