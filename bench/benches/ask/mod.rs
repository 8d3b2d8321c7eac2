//! An ask on the wire, and how it is read.

use amp_rpc::wire::{Decoder, Front, protocol};
use amp_rpc::{Fields, NoContext};

pub(crate) const ASK: &[u8] =
    b"\0\x04_ask\0\x011\0\x08_command\0\x03Sum\0\x01a\0\x0213\0\x01b\0\x0281\0\0";

/// Reads the arguments of an ask as a connection does: as what it is expected to be, and otherwise as any box.
pub(crate) fn read<T: Fields>(decoder: &mut Decoder, bytes: &[u8]) -> T {
    if let Some((_, fields)) = decoder.front(bytes).and_then(read_expected) {
        return fields.unwrap();
    }
    let frame = decoder.decode(bytes).unwrap().unwrap();
    T::from_box(&frame.view(), &mut NoContext).unwrap()
}

fn read_expected<T: Fields>(mut front: Front<'_>) -> Option<amp_rpc::FromFront<'_, T>> {
    front.value(protocol::ASK)?;
    front.value(protocol::COMMAND)?;
    T::from_front(front, &mut NoContext)
}
