//! An ask on the wire, and how it is read.

use amp_rpc::wire::{Decoder, Front};
use amp_rpc::{Fields, NoContext};
use amp_rpc_core::conversation::expect_ask;

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

fn read_expected<T: Fields>(front: Front<'_>) -> Option<amp_rpc::FromFront<'_, T>> {
    T::from_front(expect_ask(front)?.arguments, &mut NoContext)
}
