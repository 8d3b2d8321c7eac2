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
pub(crate) struct Payload(Place);

enum Place {
    /// In the slot, without an allocation.
    Small {
        length: u8,
        outline: [u8; 2],
        bytes: [u8; SMALL],
    },
    Apart {
        bytes: Bytes,
        outline: Outline,
        /// Keeps the descriptors that it may claim until it is dropped.
        reading: Option<Reading>,
    },
}

/// Answers up to this size are copied into the slot. With all else that is kept with a call, it fills two cache lines.
const SMALL: usize = 60;

impl Payload {
    /// Of a box that lies in a buffer of its own.
    pub(super) fn shared(bytes: Bytes, outline: Outline) -> Self {
        Self(Place::Apart {
            bytes,
            outline,
            reading: None,
        })
    }

    /// Of a box that is copied.
    pub(super) fn copied(bytes: &[u8], outline: Outline) -> Self {
        let mut payload = Self::room();
        payload.fill(bytes, outline);
        payload
    }

    /// For a box that is still to be copied.
    #[inline]
    fn room() -> Self {
        Self(Place::Small {
            length: 0,
            outline: [0; 2],
            bytes: [0; SMALL],
        })
    }

    #[inline]
    fn fill(&mut self, box_bytes: &[u8], box_outline: Outline) {
        if let Place::Small {
            length,
            outline,
            bytes,
        } = &mut self.0
        {
            let place = bytes.get_mut(..box_bytes.len());
            if let (Some(place), Some(packed)) = (place, box_outline.pack()) {
                place.copy_from_slice(box_bytes);
                (*length, *outline) = (box_bytes.len() as u8, packed);
                return;
            }
        }
        *self = Self::shared(Bytes::copy_from_slice(box_bytes), box_outline);
    }

    /// The same, for which descriptors are kept until it is dropped, if there are any.
    pub(super) fn claiming(mut self, descriptors: Option<&Arc<Exchange>>) -> Self {
        let Some(claimed) = descriptors.and_then(Exchange::reading) else {
            return self;
        };
        if let Place::Small {
            length,
            outline,
            bytes,
        } = &self.0
        {
            let bytes = Bytes::copy_from_slice(&bytes[..usize::from(*length)]);
            self = Self::shared(bytes, Outline::unpack(*outline));
        }
        if let Place::Apart { reading, .. } = &mut self.0 {
            *reading = Some(claimed);
        }
        self
    }

    /// Reads the fields of an answer.
    #[inline]
    pub(crate) fn read<T: Fields>(&self, cx: &mut dyn Context) -> Result<T, DecodeError> {
        if let Some(front) = self.front() {
            match T::from_front(front, cx) {
                Ok((fields, _)) => return Ok(fields),
                Err(Some(error)) => return Err(error),
                Err(None) => {}
            }
        }
        T::from_box(&self.view(), cx)
    }

    #[inline]
    fn front(&self) -> Option<Front<'_>> {
        match &self.0 {
            Place::Small { length, bytes, .. } => {
                front_of_answer(bytes.get(..usize::from(*length))?)
            }
            Place::Apart { bytes, .. } => front_of_answer(bytes).map(|it| it.within(bytes)),
        }
    }

    /// The box.
    pub(crate) fn view(&self) -> BoxView<'_> {
        match &self.0 {
            Place::Small {
                length,
                outline,
                bytes,
            } => Outline::unpack(*outline).view(&bytes[..usize::from(*length)]),
            Place::Apart { bytes, outline, .. } => outline.view(bytes).within(bytes),
        }
    }
}

impl Received {
    /// Puts an answer in its place, which is the least that copies it.
    #[inline]
    pub(super) fn put_answer(place: &mut Option<Self>, bytes: &[u8], outline: Outline) {
        let received = place.insert(Self::Answer(Payload::room()));
        if let Self::Answer(payload) = received {
            payload.fill(bytes, outline);
        }
    }
}
