use std::any::{Any, TypeId};

use amp_rpc_core::{AnyDescriptor, Context};
use bytes::Bytes;

use super::apart::{Beside, Piece};
use super::shared::Shared;
use crate::descriptors::{Mark, OwnedFd, Sending};
use crate::transport::Addresses;

/// What fields learn of their connection: its [`Addresses`], its descriptors, and how lenient it is.
///
/// When it is dropped before [`written`](Self::written), what was sent with the box is taken back.
pub(crate) struct ConnectionContext<'a> {
    shared: &'a Shared,
    /// Most boxes have nothing beside their bytes.
    extras: Option<Box<Extras<'a>>>,
}

/// What is sent with one box beside its bytes.
#[derive(Default)]
struct Extras<'a> {
    sending: Option<Sending<'a>>,
    /// Large values.
    pieces: Vec<Piece>,
}

impl<'a> ConnectionContext<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            extras: None,
        }
    }

    /// The box is written at this place of a buffer; what there is beside that is given.
    #[inline]
    pub(super) fn written(self, at: usize, beside: &mut Beside) {
        if let Some(mut extras) = self.extras {
            extras.written(at, beside);
        }
    }
}

impl Extras<'_> {
    #[inline(never)]
    fn written(&mut self, at: usize, beside: &mut Beside) {
        if let Some(sending) = self.sending.take() {
            beside.push_mark(Mark::new(at, sending.finish()));
        }
        for piece in self.pieces.drain(..) {
            beside.push(piece);
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
        let extras = self.extras.get_or_insert_default();
        let sending = extras.sending.get_or_insert_with(|| exchange.send());
        sending
            .push(*descriptor)
            .map_err(|descriptor| Box::new(descriptor) as AnyDescriptor)
    }

    fn send_apart(&mut self, at: usize, bytes: &Bytes) -> bool {
        let extras = self.extras.get_or_insert_default();
        extras.pieces.push(Piece {
            at,
            bytes: bytes.clone(),
        });
        true
    }

    fn take_back_apart(&mut self) -> Option<(usize, Bytes)> {
        let extras = self.extras.as_mut()?;
        let piece = extras.pieces.pop()?;
        Some((piece.at, piece.bytes))
    }

    fn give_up_box(&mut self) {
        self.extras = None;
    }

    fn claim_descriptor(&mut self, ordinal: u64) -> Option<AnyDescriptor> {
        let exchange = self.shared.descriptors.as_ref()?;
        let sending = self.extras.as_mut().and_then(|it| it.sending.as_mut());
        let claimed = match sending {
            Some(sending) => sending.claim(ordinal),
            None => exchange.claim(ordinal),
        };
        Some(Box::new(claimed?))
    }

    fn cuts_lists(&self) -> bool {
        self.shared.options.compat.cut_lists
    }
}
