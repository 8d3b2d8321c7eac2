//! Buffers that a thread lends to the connection it works for, so that idle connections hold none.

use std::cell::{Cell, RefCell};
use std::thread::LocalKey;

use amp_rpc_core::conversation::Room;
use bytes::BytesMut;

use super::shared::CallSlot;

/// How much one read takes at most.
const READ: usize = 64 * 1024;
/// How many buffers a thread keeps.
const KEPT: usize = 32;
/// How large buffers to write to are, as a rule.
pub(super) const USUAL: usize = 256 * 1024;
/// One that grew beyond this is freed instead of kept. Calls are encoded until there are [`max_queued`](crate::Amp::max_queued)
/// bytes, by default half of this, and buffers grow by doubling.
const LARGEST: usize = 2 * 1024 * 1024;
/// How many are kept on a list that are larger than usual: a thread has two lists.
const LARGE_KEPT: usize = 2;
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

/// Looks at what the thread keeps. `None` while the thread ends, and has nothing any more: connections may be dropped even then.
pub(super) fn lend<T, R>(
    kept: &'static LocalKey<RefCell<T>>,
    use_it: impl FnOnce(&mut T) -> R,
) -> Option<R> {
    kept.try_with(|kept| use_it(&mut kept.borrow_mut())).ok()
}

/// Runs `use_it` with this thread's buffer for reading. It may be called within itself, when a
/// responder drives another connection; the inner call then gets a buffer of its own.
pub(super) fn with_read_buffer<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = FOR_READING.try_with(Cell::take).unwrap_or_default();
    if buffer.is_empty() {
        buffer = vec![0; READ];
    }
    let result = use_it(&mut buffer);
    let _ = FOR_READING.try_with(|kept| kept.set(buffer));
    result
}

/// An empty buffer to write to.
pub(super) fn take() -> Vec<u8> {
    lend(&FOR_WRITING, Vec::pop).flatten().unwrap_or_default()
}

/// Gives a buffer back.
pub(super) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 {
        return;
    }
    buffer.clear();
    lend(&FOR_WRITING, |kept| {
        if kept.len() < KEPT && is_kept(&buffer, kept.iter()) {
            kept.push(buffer);
        }
    });
}

/// Whether a buffer is kept beside others. A system takes memory that is freed, and gives it page by page.
#[inline]
fn is_kept<'a>(buffer: &Vec<u8>, others: impl Iterator<Item = &'a Vec<u8>>) -> bool {
    let is_large = |buffer: &Vec<u8>| buffer.capacity() > USUAL;
    !is_large(buffer)
        || buffer.capacity() <= LARGEST
            && others.filter(|other| is_large(other)).count() < LARGE_KEPT
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
    lend(&FOR_CALLS, Vec::pop).flatten().unwrap_or_default()
}

/// Gives it back. The buffer is empty.
pub(super) fn give_for_calls(mut it: ForCalls) {
    lend(&FOR_CALLS, |kept| {
        if !is_kept(&it.out, kept.iter().map(|it| &it.out)) {
            it.out = Vec::new();
        }
        if kept.len() < KEPT {
            kept.push(it);
        }
    });
}

/// An empty buffer that takes so many bytes, to read large boxes into: one that was given back and of which nobody holds a part
/// any more; or what is left of one, if that is at least so much; or a new one.
///
/// What is left is used up so that a value that somebody keeps does not cost a buffer of its own.
pub(super) fn take_chunk(size: usize, least: usize) -> BytesMut {
    let chunk = lend(&CHUNKS_KEPT, |kept| {
        let free = kept.iter_mut().position(|chunk| chunk.try_reclaim(size));
        let rest = || kept.iter().position(|chunk| chunk.capacity() >= least);
        let found = free.or_else(rest)?;
        Some(kept.swap_remove(found))
    });
    (chunk.flatten()).unwrap_or_else(|| BytesMut::with_capacity(size))
}

/// Gives such a buffer back, though parts of it may still be in use.
pub(super) fn give_chunk(mut chunk: BytesMut) {
    chunk.clear();
    lend(&CHUNKS_KEPT, |kept| {
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
        let mut chunk = take_chunk(1_000, 1_000);
        chunk.extend_from_slice(&[1; 600]);
        let place = chunk.as_ptr();
        let part = chunk.split_to(500).freeze();
        give_chunk(chunk);

        let other = take_chunk(1_000, 1_000);
        assert!(other.is_empty() && other.capacity() >= 1_000);
        assert_eq!(part, [1; 500][..]);
        give_chunk(other);

        drop(part);
        let chunks = [take_chunk(1_000, 1_000), take_chunk(1_000, 1_000)];
        assert!(chunks.iter().any(|chunk| chunk.as_ptr() == place));
    }

    #[test]
    fn what_is_left_of_a_chunk_is_used_up() {
        let mut chunk = take_chunk(1_000, 1_000);
        let place = chunk.as_ptr();
        let mut parts = Vec::new();
        for used in [300, 450] {
            chunk.extend_from_slice(&vec![1; used]);
            parts.push(chunk.split_to(used).freeze());
            give_chunk(chunk);
            chunk = take_chunk(1_000, 250);
            assert!(chunk.is_empty());
            assert_eq!(
                chunk.as_ptr() as usize - place as usize,
                parts.iter().map(|part| part.len()).sum()
            );
        }
        chunk.extend_from_slice(&[1; 1]);
        parts.push(chunk.split_to(1).freeze());
        give_chunk(chunk);
        assert_eq!(take_chunk(1_000, 250).capacity(), 1_000, "249 are left");
    }

    #[test]
    fn few_chunks_are_kept() {
        let chunks: Vec<_> = (0..2 * CHUNKS).map(|_| take_chunk(1_000, 1_000)).collect();
        chunks.into_iter().for_each(give_chunk);
        assert_eq!(CHUNKS_KEPT.with_borrow(Vec::len), CHUNKS);
    }

    #[test]
    fn few_of_those_that_are_large_are_kept() {
        let sizes = [USUAL, LARGEST + 1, USUAL + 1, LARGEST, LARGEST, USUAL];
        for size in sizes {
            give(Vec::with_capacity(size));
            let out = Vec::with_capacity(size);
            give_for_calls(ForCalls { out, room: None });
        }
        let wanted = [USUAL, USUAL + 1, LARGEST, USUAL];
        let kept =
            FOR_WRITING.with_borrow(|kept| kept.iter().map(Vec::capacity).collect::<Vec<_>>());
        assert_eq!(kept, wanted);
        let of_calls = |kept: &mut Vec<ForCalls>| {
            let all = kept.iter().map(|it| it.out.capacity());
            all.filter(|capacity| *capacity > 0).collect::<Vec<_>>()
        };
        assert_eq!(FOR_CALLS.with_borrow_mut(of_calls), wanted);
    }

    /// What is dropped while its thread ends finds nothing there any more.
    struct Late;

    impl Drop for Late {
        fn drop(&mut self) {
            give(take());
            give_chunk(take_chunk(1_000, 1_000));
            give_for_calls(take_for_calls());
            with_read_buffer(|buffer| assert_eq!(buffer.len(), READ));
        }
    }

    thread_local! {
        static LATE: Late = const { Late };
    }

    #[test]
    fn connections_may_be_dropped_while_their_thread_ends() {
        let ended = std::thread::spawn(|| {
            // What is begun last ends first.
            LATE.with(|_| ());
            give(take());
            give_chunk(take_chunk(1_000, 1_000));
            give_for_calls(take_for_calls());
            with_read_buffer(|_| ());
        });
        ended.join().unwrap();
    }
}
