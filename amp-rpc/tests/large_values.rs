//! Large values are handed on as parts of the buffer that they were read into.
//!
//! Where two boxes that followed each other on the wire follow each other in memory, too, neither was copied: copies lie in
//! allocations of their own, which are further apart, and nothing is freed meanwhile. Only at the end of a buffer is a box moved.

use std::sync::{Arc, Mutex};

use amp_rpc::{Amp, Answer, Command, Fields, Responders};
use bytes::Bytes;
use tokio::task::JoinSet;

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
