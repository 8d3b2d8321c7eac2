//! Buffers that a thread lends to the connection it works for, so that idle connections hold none.

use std::cell::{Cell, RefCell};

/// How much one read takes at most.
const READ: usize = 64 * 1024;
/// How many buffers a thread keeps.
const KEPT: usize = 8;
/// A buffer that grew beyond this is freed instead of kept.
const LARGEST: usize = 256 * 1024;

thread_local! {
    static FOR_READING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static FOR_WRITING: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
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
