use std::any::{Any, TypeId};

use amp_rpc_core::{AnyDescriptor, Context};

use super::shared::Shared;
use crate::descriptors::{Begun, Mark, OwnedFd, Sending};
use crate::transport::Addresses;

/// What fields learn of their connection: its [`Addresses`], its descriptors, and how lenient it is.
///
/// When it is dropped before [`written`](Self::written), what was sent with the box is taken back.
pub(crate) struct ConnectionContext<'a> {
    shared: &'a Shared,
    sending: Option<Sending<'a>>,
}

impl<'a> ConnectionContext<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            sending: None,
        }
    }

    /// The box is written at this place of a buffer, whose marks are given.
    #[inline]
    pub(crate) fn written(self, at: usize, marks: &mut Begun) {
        if let Some(sending) = self.sending {
            marks.push(Mark::new(at, sending.finish()));
        }
    }
}

impl Context for ConnectionContext<'_> {
    fn extension(&self, id: TypeId) -> Option<&dyn Any> {
        (id == TypeId::of::<Addresses>()).then_some(self.shared.addresses() as &dyn Any)
    }

    fn carries_descriptors(&self) -> bool {
        self.shared.descriptors.is_some()
    }

    fn send_descriptor(&mut self, descriptor: AnyDescriptor) -> Result<u64, AnyDescriptor> {
        let Some(exchange) = &self.shared.descriptors else {
            return Err(descriptor);
        };
        let descriptor = descriptor.downcast::<OwnedFd>()?;
        let sending = self.sending.get_or_insert_with(|| exchange.send());
        sending
            .push(*descriptor)
            .map_err(|descriptor| Box::new(descriptor) as AnyDescriptor)
    }

    fn give_up_box(&mut self) {
        self.sending = None;
    }

    fn claim_descriptor(&mut self, ordinal: u64) -> Option<AnyDescriptor> {
        let exchange = self.shared.descriptors.as_ref()?;
        let claimed = match &mut self.sending {
            Some(sending) => sending.claim(ordinal),
            None => exchange.claim(ordinal),
        };
        Some(Box::new(claimed?))
    }

    fn cuts_lists(&self) -> bool {
        self.shared.options.compat.cut_lists
    }
}
