//! Buffers that a thread lends to the connection it works for, so that idle connections hold none.

use std::cell::{Cell, RefCell};

use amp_rpc_core::conversation::Room;
use bytes::BytesMut;

use super::shared::CallSlot;

/// How much one read takes at most.
const READ: usize = 64 * 1024;
/// How many buffers a thread keeps.
const KEPT: usize = 32;
/// A buffer that grew beyond this is freed instead of kept.
const LARGEST: usize = 256 * 1024;
/// A buffer up to this is kept by whoever may keep what is small.
pub(super) const SMALL: usize = 16 * 1024;
/// How many buffers for large boxes a thread keeps. Parts of them may still be in use.
const CHUNKS: usize = 4;

thread_local! {
    static FOR_READING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static FOR_WRITING: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static FOR_CALLS: RefCell<Vec<ForCalls>> = const { RefCell::new(Vec::new()) };
    static CHUNKS_KEPT: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Runs `use_it` with this thread's buffer for reading. It may be called within itself, when a
/// responder drives another connection; the inner call then gets a buffer of its own.
pub(super) fn with_read_buffer<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = FOR_READING.take();
    if buffer.is_empty() {
        buffer = vec![0; READ];
    }
    let result = use_it(&mut buffer);
    FOR_READING.set(buffer);
    result
}

/// An empty buffer to write to.
pub(super) fn take() -> Vec<u8> {
    FOR_WRITING.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Gives a buffer back.
pub(super) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > LARGEST {
        return;
    }
    buffer.clear();
    FOR_WRITING.with_borrow_mut(|kept| {
        if kept.len() < KEPT {
            kept.push(buffer);
        }
    });
}

/// What calls of one connection need.
#[derive(Default)]
pub(super) struct ForCalls {
    /// An empty buffer to write them to.
    pub(super) out: Vec<u8>,
    /// Memory for the table of them.
    pub(super) room: Option<Room<CallSlot>>,
}

pub(super) fn take_for_calls() -> ForCalls {
    FOR_CALLS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Gives it back. The buffer is empty.
pub(super) fn give_for_calls(mut it: ForCalls) {
    if it.out.capacity() > LARGEST {
        it.out = Vec::new();
    }
    FOR_CALLS.with_borrow_mut(|kept| {
        if kept.len() < KEPT {
            kept.push(it);
        }
    });
}

/// An empty buffer that takes so many bytes, to read large boxes into: one that was given back and of which nobody holds a part
/// any more, or a new one.
pub(super) fn take_chunk(size: usize) -> BytesMut {
    CHUNKS_KEPT.with_borrow_mut(|kept| {
        match kept.iter_mut().position(|chunk| chunk.try_reclaim(size)) {
            Some(free) => kept.swap_remove(free),
            None => BytesMut::with_capacity(size),
        }
    })
}

/// Gives such a buffer back, though parts of it may still be in use.
pub(super) fn give_chunk(mut chunk: BytesMut) {
    chunk.clear();
    CHUNKS_KEPT.with_borrow_mut(|kept| {
        if kept.len() == CHUNKS {
            kept.remove(0);
        }
        kept.push(chunk);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_used_again_when_nobody_holds_a_part_of_it() {
        let mut chunk = take_chunk(1_000);
        chunk.extend_from_slice(&[1; 600]);
        let place = chunk.as_ptr();
        let part = chunk.split_to(500).freeze();
        give_chunk(chunk);

        let other = take_chunk(1_000);
        assert!(other.is_empty() && other.capacity() >= 1_000);
        assert_eq!(part, [1; 500][..]);
        give_chunk(other);

        drop(part);
        let chunks = [take_chunk(1_000), take_chunk(1_000)];
        assert!(chunks.iter().any(|chunk| chunk.as_ptr() == place));
    }

    #[test]
    fn few_chunks_are_kept() {
        let chunks: Vec<_> = (0..2 * CHUNKS).map(|_| take_chunk(1_000)).collect();
        chunks.into_iter().for_each(give_chunk);
        assert_eq!(CHUNKS_KEPT.with_borrow(Vec::len), CHUNKS);
    }
}
