//! A thousand connections with descriptors, one after the other: none stays open. In a file of its
//! own, since it counts what the whole process has open.
#![cfg(target_os = "linux")]

#[path = "descriptors/support.rs"]
#[allow(dead_code, reason = "it is for other tests too")]
mod support;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use amp_rpc::Amp;
use support::{LONG, Open, Write1, message, pair, serving, text, with_raw};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn write(text_bytes: usize) -> Write1 {
    Write1 {
        file: text(""),
        text: "x".repeat(text_bytes),
    }
}

fn open(padding: u32) -> Open {
    Open {
        text: "content".into(),
        padding,
    }
}

/// Calls and answers that arrive, that cannot be encoded, and that nobody waits for.
async fn well_behaved(round: u32) {
    let (server, peer) = pair(&serving());
    // Nobody reads the other end.
    let _ = peer.call(write(0)).await;
    peer.call(open(0)).await.unwrap();
    peer.call(write(70_000)).await.unwrap_err();
    peer.call(open(70_000)).await.unwrap_err();
    server.call(open(round)).await.unwrap();
    drop(peer.call(write(1)));
    drop(peer.call(open(1)).start());
    let started = [2, 3].map(|count| peer.call(open(count)).start().owned());
    drop(peer.call(write(2)).start());
    if round % 2 == 0 {
        peer.close();
        server.closed().await;
    }
    drop((server, peer));
    drop(started);
}

/// Descriptors that no box claims, and boxes that claim what is not there.
async fn hostile() {
    let (peer, raw) = with_raw(&serving().max_unclaimed_descriptors(8));
    let file = text("");
    raw.send(&message(&[("_command", "No"), ("file", "0")]), &[&file]);
    raw.send(&message(&[("_command", "Write1"), ("file", "7")]), &[&file]);
    raw.send(b"\0", &[&file; 7]);
    peer.closed().await;
}

/// Much that is never read.
async fn stuck(round: u32) {
    let (peer, raw) = with_raw(&Amp::new().max_queued(200_000));
    let mut calls = Vec::new();
    for _ in 0..8 {
        calls.push(peer.call(write(60_000)).start());
    }
    let mut waiting = pin!(peer.call(write(0)));
    let polled = waiting
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    tokio::task::yield_now().await;
    if round % 2 == 0 {
        drop(calls);
    }
    drop(raw);
    peer.closed().await;
}

#[tokio::test]
async fn nothing_stays_open() {
    let mut before = None;
    for round in 0..1_000 {
        well_behaved(round).await;
        hostile().await;
        if round % 10 == 0 {
            stuck(round).await;
        }
        if round == 0 {
            before = Some(settled(None).await);
        }
    }
    settled(before).await;
}

/// Waits until so many files are open; the connections' tasks may have a little to do yet.
async fn settled(wanted: Option<usize>) -> usize {
    let settle = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        while wanted.is_some_and(|wanted| wanted != open_files()) {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(LONG, settle).await;
    assert!(
        settled.is_ok(),
        "{wanted:?} files were open, now {}",
        open_files()
    );
    open_files()
}
