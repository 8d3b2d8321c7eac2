//! Answers on their way from the driver to their callers, who decode them.

use std::sync::Arc;

use amp_rpc_core::conversation::front_of_answer;
use amp_rpc_core::wire::{BoxView, Front, Outline};
use amp_rpc_core::{Context, DecodeError, Fields};
use bytes::Bytes;

use crate::descriptors::{Exchange, Reading};

/// What a caller gets.
pub(crate) enum Received {
    Answer(Payload),
    Error(Payload),
    /// The connection ended first.
    Ended,
    /// The caller's time is over.
    TimedOut,
}

/// A whole box, terminator included, and what the decoder has found out of it.
pub(crate) struct Payload {
    bytes: PayloadBytes,
    outline: Outline,
    /// Keeps the descriptors that it may claim until it is dropped.
    reading: Option<Reading>,
}

enum PayloadBytes {
    Small { length: u8, bytes: [u8; SMALL] },
    Shared(Bytes),
}

/// Answers up to this size are copied into the slot, without an allocation.
const SMALL: usize = 62;

impl Payload {
    /// Of a box that lies in a buffer of its own.
    pub(super) fn shared(bytes: Bytes, outline: Outline) -> Self {
        Self {
            bytes: PayloadBytes::Shared(bytes),
            outline,
            reading: None,
        }
    }

    /// Of a box that is copied.
    pub(super) fn copied(bytes: &[u8], outline: Outline) -> Self {
        let mut payload = Self::room(outline);
        payload.fill(bytes);
        payload
    }

    /// For a box that is still to be copied.
    #[inline]
    fn room(outline: Outline) -> Self {
        let bytes = PayloadBytes::Small {
            length: 0,
            bytes: [0; SMALL],
        };
        Self {
            bytes,
            outline,
            reading: None,
        }
    }

    #[inline]
    fn fill(&mut self, box_bytes: &[u8]) {
        if let PayloadBytes::Small { length, bytes } = &mut self.bytes {
            if let Some(place) = bytes.get_mut(..box_bytes.len()) {
                place.copy_from_slice(box_bytes);
                *length = box_bytes.len() as u8;
                return;
            }
        }
        self.bytes = PayloadBytes::Shared(Bytes::copy_from_slice(box_bytes));
    }

    /// The same, for which descriptors are kept until it is dropped, if there are any.
    pub(super) fn claiming(mut self, descriptors: Option<&Arc<Exchange>>) -> Self {
        self.reading = descriptors.and_then(Exchange::reading);
        self
    }

    /// Reads the fields of an answer.
    #[inline]
    pub(crate) fn read<T: Fields>(&self, cx: &mut dyn Context) -> Result<T, DecodeError> {
        match self.front().and_then(|front| T::from_front(front, cx)) {
            Some((_, fields)) => fields,
            None => T::from_box(&self.view(), cx),
        }
    }

    #[inline]
    fn front(&self) -> Option<Front<'_>> {
        match &self.bytes {
            PayloadBytes::Small { length, bytes } => {
                front_of_answer(bytes.get(..usize::from(*length))?)
            }
            PayloadBytes::Shared(bytes) => front_of_answer(bytes).map(|it| it.within(bytes)),
        }
    }

    /// The box.
    pub(crate) fn view(&self) -> BoxView<'_> {
        match &self.bytes {
            PayloadBytes::Small { length, bytes } => {
                self.outline.view(&bytes[..usize::from(*length)])
            }
            PayloadBytes::Shared(bytes) => self.outline.view(bytes).within(bytes),
        }
    }
}

impl Received {
    /// Puts an answer in its place, which is the least that copies it.
    #[inline]
    pub(super) fn put_answer(place: &mut Option<Self>, bytes: &[u8], outline: Outline) {
        let received = place.insert(Self::Answer(Payload::room(outline)));
        if let Self::Answer(payload) = received {
            payload.fill(bytes);
        }
    }
}
