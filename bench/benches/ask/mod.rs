//! An ask on the wire, and how it is read.

use amp_rpc::wire::{CommandPair, Decoder, Front};
use amp_rpc::{Fields, FromFront, NoContext};
use amp_rpc_core::conversation::expect_ask;

pub(crate) const ASK: &[u8] =
    b"\0\x04_ask\0\x011\0\x08_command\0\x03Sum\0\x01a\0\x0213\0\x01b\0\x0281\0\0";

/// Reads the arguments of an ask as a connection does: as what it is expected to be, and otherwise as any box.
#[inline(always)]
pub(crate) fn read<T: Fields>(command: &CommandPair, decoder: &mut Decoder, bytes: &[u8]) -> T {
    match decoder
        .front(bytes)
        .map(|front| read_expected(command, front))
    {
        Some(Ok((fields, _))) => fields,
        Some(Err(Some(error))) => panic!("{error}"),
        Some(Err(None)) | None => read_any(decoder, bytes),
    }
}

#[cold]
fn read_any<T: Fields>(decoder: &mut Decoder, bytes: &[u8]) -> T {
    let frame = decoder.decode(bytes).unwrap().unwrap();
    T::from_box(&frame.view(), &mut NoContext).unwrap()
}

#[inline(always)]
fn read_expected<T: Fields>(command: &CommandPair, front: Front<'_>) -> FromFront<T> {
    let ask = expect_ask(front).ok_or(None)?;
    let arguments = ask.arguments_of(command).ok_or(None)?;
    T::from_front(arguments, &mut NoContext)
}
