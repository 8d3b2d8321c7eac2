//! Which asks are carried out one after the other.

use std::sync::Arc;

use amp_rpc_core::wire::BoxView;

/// Puts the asks of a set of responders into lines, by a key.
#[derive(Clone)]
pub(crate) struct Order(Arc<KeyOf>);

/// Makes the key of an ask from its box.
type KeyOf = dyn Fn(&BoxView<'_>) -> Vec<u8> + Send + Sync;

impl Order {
    pub(super) fn new(key: impl Fn(&BoxView<'_>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self(Arc::new(key))
    }

    /// The line of an ask. The program's code, which may panic.
    pub(crate) fn key(&self, ask: &BoxView<'_>) -> Vec<u8> {
        (self.0)(ask)
    }

    /// What tells this set's lines from those of others.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>().addr()
    }
}
