//! A program without an operating system links the core, and encodes and decodes a box.

#![no_std]

extern crate alloc;

use alloc::string::String;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use amp_rpc_core::wire::{Key, Limits, RawValue, ValueWriter, parse};
use amp_rpc_core::{AmpBox, Argument};

/// Hands out pieces of a fixed block and takes nothing back.
struct Block {
    bytes: UnsafeCell<[u8; 64 * 1024]>,
    used: AtomicUsize,
}

// SAFETY: each piece is handed out once, by an atomic counter.
unsafe impl Sync for Block {}

// SAFETY: pieces are aligned, lie within the block and never overlap.
unsafe impl GlobalAlloc for Block {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.bytes.get().cast::<u8>();
        let room = layout.size() + layout.align();
        let at = self.used.fetch_add(room, Ordering::Relaxed);
        if at + room > 64 * 1024 {
            return core::ptr::null_mut();
        }
        let start = base as usize + at;
        let aligned = start.next_multiple_of(layout.align());
        base.wrapping_add(at + aligned - start)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Block = Block {
    bytes: UnsafeCell::new([0; 64 * 1024]),
    used: AtomicUsize::new(0),
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Returns 0 when everything is as it should be, and where it went wrong otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn check_box() -> i32 {
    check().err().unwrap_or(0)
}

fn check() -> Result<(), i32> {
    let mut bytes = alloc::vec::Vec::new();
    (-42_i64)
        .encode(&mut ValueWriter::new(&mut bytes))
        .map_err(|_| 1)?;
    let message = AmpBox::from([("number", bytes), ("text", b"caf\xc3\xa9".to_vec())]);
    let mut encoded = alloc::vec::Vec::new();
    message
        .write_to(&mut encoded, Limits::DEFAULT)
        .map_err(|_| 2)?;
    if encoded != b"\0\x06number\0\x03-42\0\x04text\0\x05caf\xc3\xa9\0\0" {
        return Err(3);
    }
    let view = parse(&encoded).next().ok_or(4)?.map_err(|_| 5)?;
    let key = Key::from_prefixed(b"\0\x06number");
    let number = view.get(key.name()).ok_or(6)?;
    if i64::decode(number) != Ok(-42) {
        return Err(7);
    }
    let text = String::decode(RawValue::new(view.get(b"text").ok_or(8)?.as_bytes()));
    if text.as_deref() != Ok("café") {
        return Err(9);
    }
    Ok(())
}

/// The prebuilt `alloc` names this function for unwinding, which never happens here.
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}
