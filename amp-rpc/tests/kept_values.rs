//! What values hold in memory that a program keeps.

use std::sync::Mutex;

use amp_rpc::{Amp, Answer, Command, Responders};
use bytes::Bytes;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[derive(Command)]
struct Put {
    value: Bytes,
}

static KEPT: Mutex<Vec<Bytes>> = Mutex::new(Vec::new());

async fn put(command: Put) -> Answer<Put> {
    KEPT.lock().unwrap().push(command.value);
    Ok(())
}

/// A value is a part of what was read, which is more than it. Those that come one at a time share it, less where they come
/// in parts.
#[tokio::test]
async fn values_that_come_one_at_a_time_do_not_hold_a_buffer_each() {
    const COUNT: usize = 500;
    const WHOLE: usize = 1 << 16;
    for (length, read, most) in [
        (4_096, WHOLE, 1.5),
        (10_000, WHOLE, 1.5),
        (60_000, WHOLE, 1.5),
        (60_000, 16 * 1024, 3.0),
        (30_000, 4_096, 4.0),
    ] {
        let (one, other) = tokio::io::duplex(read);
        let _server = Amp::new().locator(Responders::new().on(put)).over(one);
        let client = Amp::new().over(other);
        let value = Bytes::from(vec![1; length]);
        let before = MEMORY.current_usage();
        for _ in 0..COUNT {
            let value = value.clone();
            client.call(Put { value }).await.unwrap();
        }
        let held = MEMORY.current_usage() - before;
        let wanted = COUNT * length;
        // Those that a thread keeps may have been there before, or be there now.
        let chunks = 4 * 256 * 1024;
        assert!(held + chunks > wanted, "the values are not kept: {held}");
        assert!(
            held < (wanted as f64 * most) as usize + chunks,
            "{held} for {wanted} bytes of {length} each in parts of {read}"
        );
        KEPT.lock().unwrap().clear();
    }
}
