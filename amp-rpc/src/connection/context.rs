use std::any::{Any, TypeId};

use amp_rpc_core::Context;

use super::shared::Shared;
use crate::transport::Addresses;

/// What fields learn of their connection: its [`Addresses`], and how lenient it is.
pub(crate) struct ConnectionContext<'a> {
    shared: &'a Shared,
}

impl<'a> ConnectionContext<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }
}

impl Context for ConnectionContext<'_> {
    fn extension(&self, id: TypeId) -> Option<&dyn Any> {
        (id == TypeId::of::<Addresses>()).then_some(&self.shared.addresses as &dyn Any)
    }

    fn cuts_lists(&self) -> bool {
        self.shared.options.compat.cut_lists
    }
}
