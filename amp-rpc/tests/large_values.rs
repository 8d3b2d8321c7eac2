//! Large values are handed on as parts of the buffer that they were read into.
//!
//! Where two boxes that followed each other on the wire follow each other in memory, too, neither was copied: copies lie in
//! allocations of their own, which are further apart, and nothing is freed meanwhile. Only at the end of a buffer is a box moved.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use amp_rpc::{Amp, AmpBox, Answer, Command, Failure, Fields, Peer, Responders};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Keeps some bytes.
#[derive(Debug, Command)]
struct Keep {
    data: Bytes,
}

/// Makes some bytes.
#[derive(Debug, Command)]
#[amp(response = Made)]
struct Make {
    byte: u8,
}

#[derive(Debug, Fields)]
struct Made {
    data: Bytes,
}

const LENGTH: usize = 10_000;
const CALLS: usize = 64;
/// What stands between two values: the end of a box, and the next one's tag of two digits, its command and its key.
const BETWEEN_ASKS: usize = b"\0\0\0\x04_ask\0\x02ff\0\x08_command\0\x04Keep\0\x04data\0\0".len();
const BETWEEN_ANSWERS: usize = b"\0\0\0\x07_answer\0\x02ff\0\x04data\0\0".len();

async fn keep(kept: Arc<Mutex<Vec<Bytes>>>, command: Keep) -> Answer<Keep> {
    kept.lock().unwrap().push(command.data);
    Ok(())
}

async fn make(command: Make) -> Answer<Make> {
    let data = Bytes::from(vec![command.byte; LENGTH]);
    Ok(Made { data })
}

fn check(kept: &[Bytes], between: usize) {
    assert_eq!(kept.len(), CALLS);
    let neighbors = kept.windows(2).filter(|pair| {
        let end = pair[0].as_ptr() as usize + LENGTH;
        (pair[1].as_ptr() as usize).checked_sub(end) == Some(between)
    });
    let neighbors = neighbors.count();
    assert!(neighbors > CALLS / 2, "{neighbors} of {CALLS}");
}

#[tokio::test]
async fn asks_that_are_neighbors_on_the_wire_are_neighbors_in_memory() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (one, other) = tokio::io::duplex(CALLS * 2 * LENGTH);
    let responders = Responders::with_shared(Arc::clone(&kept)).on(keep);
    let server = Amp::new().locator(responders).over(one);
    let peer = Amp::new().over(other);
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let peer = peer.clone();
        let data = Bytes::from(vec![number as u8; LENGTH]);
        calls.spawn(async move { peer.call(Keep { data }).await });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    drop(server);
    check(&kept.lock().unwrap(), BETWEEN_ASKS);
}

#[tokio::test]
async fn answers_that_are_neighbors_on_the_wire_are_neighbors_in_memory() {
    let (one, other) = tokio::io::duplex(CALLS * 2 * LENGTH);
    let server = Amp::new().locator(Responders::new().on(make)).over(one);
    let peer = Amp::new().over(other);
    let mut calls = JoinSet::new();
    for byte in 0..CALLS as u8 {
        let peer = peer.clone();
        calls.spawn(async move { peer.call(Make { byte }).await });
    }
    let mut kept = Vec::new();
    while let Some(call) = calls.join_next().await {
        kept.push(call.unwrap().unwrap().data);
    }
    drop(server);
    kept.sort_by_key(|data| data[0]);
    assert!(
        kept.iter()
            .zip(0..)
            .all(|(data, byte)| *data == vec![byte; LENGTH])
    );
    check(&kept, BETWEEN_ANSWERS);
}

fn message(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    AmpBox::from_iter(pairs.iter().map(|(key, value)| (*key, *value)))
        .to_bytes()
        .unwrap()
}

/// Behind an answer and an error to this side's last calls, a reader at its bound pauses: also before a large ask that was read
/// with them.
#[tokio::test]
async fn a_large_ask_behind_the_last_answers_waits_for_its_turn() {
    let (mut near, far) = tokio::io::duplex(1 << 20);
    let doors = Arc::new(Semaphore::new(0));
    let hold = {
        let doors = Arc::clone(&doors);
        move |_: AmpBox, _: Peer| {
            let doors = Arc::clone(&doors);
            async move {
                doors.acquire().await.unwrap().forget();
                Ok::<_, Failure>(AmpBox::new())
            }
        }
    };
    let locator = Responders::new().on_box("Hold", hold);
    let peer = Amp::new().max_running(1).locator(locator).over(far);
    let (first, second) = (
        peer.call_box("A", AmpBox::new()).start(),
        peer.call_box("B", AmpBox::new()).start(),
    );
    let pad = vec![b'x'; LENGTH];
    let ask = |tag: &[u8]| message(&[("_ask", tag), ("_command", b"Hold"), ("pad", &pad)]);
    near.write_all(&ask(b"one")).await.unwrap();
    while peer.stats().responders_running == 0 {
        tokio::task::yield_now().await;
    }
    let answer = message(&[("_answer", b"1"), ("pad", &pad)]);
    let error = [
        ("_error", &b"2"[..]),
        ("_error_code", b"E"),
        ("_error_description", b""),
    ];
    let bytes = [answer, message(&error), ask(b"two")].concat();
    near.write_all(&bytes).await.unwrap();
    first.await.unwrap();
    second.await.unwrap_err();
    doors.add_permits(2);
    let wanted = [b"one", b"two"]
        .map(|tag| message(&[("_answer", tag)]))
        .concat();
    let mut written = Vec::new();
    while !written.ends_with(&wanted) {
        let read = timeout(Duration::from_secs(20), near.read_buf(&mut written)).await;
        assert!(read.expect("both asks are answered").unwrap() > 0);
    }
}
