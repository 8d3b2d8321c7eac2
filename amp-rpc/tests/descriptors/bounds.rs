//! Descriptors that nobody asked for, and their end.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;

use amp_rpc::{Amp, CloseReason};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::support::{
    LONG, Open, Raw, Write1, closed_elsewhere, message, pair, read_all, reason, serving, text,
    with_raw,
};

#[tokio::test]
async fn more_than_the_bound_ends_the_connection_and_no_other() {
    let amp = serving().max_unclaimed_descriptors(3);
    let (_other, untouched) = pair(&amp);
    let (peer, raw) = with_raw(&amp);
    let (here, file) = Socket::pair().unwrap();
    let file = OwnedFd::from(file);
    raw.send(b"\0", &[&file, &file, &file]);
    raw.send(b"\x08", &[&file]);
    drop(file);
    let limit = 3;
    assert_eq!(
        reason(&peer).await,
        CloseReason::TooManyDescriptors { limit }
    );
    closed_elsewhere(here).await;
    let open = Open {
        text: "untouched".into(),
        padding: 0,
    };
    let opened = untouched.call(open).await.unwrap();
    assert_eq!(read_all(opened.file).await, "untouched");
}

#[tokio::test]
async fn the_bound_admits_what_one_message_can_bring() {
    let (peer, mut raw) = with_raw(&serving());
    let file = text("");
    raw.send(b"\0", &[&file; 253]);
    raw.send(&message(&[("_ask", "1"), ("_command", "No")])[1..], &[]);
    let answer = tokio::task::spawn_blocking(move || (raw.read_box(), raw));
    let (answer, raw) = tokio::time::timeout(LONG, answer).await.unwrap().unwrap();
    assert!(answer.windows(9).any(|part| part == b"UNHANDLED"));
    raw.send(b"\0", &[&file; 3]);
    raw.send(b"\0", &[&file]);
    let limit = 256;
    assert_eq!(
        reason(&peer).await,
        CloseReason::TooManyDescriptors { limit }
    );
}

#[tokio::test]
async fn unclaimed_ones_are_closed_with_the_connection() {
    let (peer, raw) = with_raw(&serving());
    let (here, file) = Socket::pair().unwrap();
    raw.send(b"\0", &[&file.into()]);
    drop(raw);
    peer.closed().await;
    // The handle is still there.
    closed_elsewhere(here).await;
    drop(peer);
}

#[tokio::test]
async fn what_comes_behind_the_end_is_closed() {
    let (peer, raw) = with_raw(&serving());
    peer.close();
    peer.closed().await;
    let (here, file) = Socket::pair().unwrap();
    raw.send(b"\0", &[&file.into()]);
    closed_elsewhere(here).await;
    // More than the bound of those that wait.
    let (here, file) = Socket::pair().unwrap();
    let file = OwnedFd::from(file);
    for _ in 0..3 {
        raw.send(b"\0", &[&file; 200]);
    }
    drop(file);
    closed_elsewhere(here).await;
    drop(raw);
}

#[tokio::test]
async fn orphans_are_closed_when_many_others_came_behind_them() {
    let (peer, mut raw) = with_raw(&serving().max_unclaimed_descriptors(4));
    let (here, orphan) = Socket::pair().unwrap();
    let mut orphan = Some(OwnedFd::from(orphan));
    let asks = tokio::task::spawn_blocking(move || {
        for number in 0..20 {
            let ordinal = number.to_string();
            let is_orphan = number % 2 == 0;
            let name = if is_orphan { "No" } else { "Write1" };
            let ask = message(&[
                ("_ask", "1"),
                ("_command", name),
                ("file", &ordinal),
                ("text", ""),
            ]);
            let file = orphan.take().unwrap_or_else(|| text(""));
            raw.send(&ask, &[&file]);
            drop(file);
            let answer = raw.read_box();
            assert_eq!(answer.starts_with(b"\0\x06_error"), is_orphan);
        }
        raw
    });
    let raw = tokio::time::timeout(LONG, asks).await.unwrap().unwrap();
    closed_elsewhere(here).await;
    drop((peer, raw));
}

/// Answers that nobody has looked at are in the hands of this side, not the peer's fault.
#[tokio::test]
async fn answers_that_wait_for_their_callers_raise_the_bound() {
    let (server, peer) = pair(&serving().max_unclaimed_descriptors(2));
    let open = |number: u32| Open {
        text: number.to_string(),
        padding: 0,
    };
    let calls: Vec<_> = (0..50)
        .map(|number| peer.call(open(number)).start())
        .collect();
    peer.call(open(50)).await.unwrap();
    for (number, call) in calls.into_iter().enumerate().rev() {
        let opened = call.await.unwrap();
        assert_eq!(read_all(opened.file).await, number.to_string());
    }
    drop(server);
}

#[tokio::test]
async fn a_peer_that_never_reads_keeps_nothing_open() {
    let (peer, raw) = with_raw(&Amp::new().max_queued(usize::MAX));
    let (here, file) = Socket::pair().unwrap();
    let file = OwnedFd::from(file);
    for _ in 0..100 {
        let command = Write1 {
            file: file.try_clone().unwrap(),
            text: "x".repeat(60_000),
        };
        peer.tell(command).await.unwrap();
    }
    drop(file);
    peer.close();
    peer.closed().await;
    drop(raw);
    closed_elsewhere(here).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_before_it_is_sent_closes_its_file() {
    let (peer, raw) = with_raw(&Amp::new().max_queued(1));
    let filling = Write1 {
        file: text(""),
        text: "x".repeat(60_000),
    };
    let filling = peer.call(filling).start();
    let (here, file) = Socket::pair().unwrap();
    let waiting = Write1 {
        file: file.into(),
        text: String::new(),
    };
    drop(peer.call(waiting).start());
    closed_elsewhere(here).await;
    drop((filling, raw));
}

#[tokio::test]
async fn received_files_are_closed_on_exec() {
    let (_server, peer) = pair(&serving());
    let open = Open {
        text: String::new(),
        padding: 0,
    };
    let opened = peer.call(open).await.unwrap();
    let flags = fcntl_getfd(&opened.file).unwrap();
    assert!(flags.contains(FdFlags::CLOEXEC));
}

/// Whoever reads boxes alone cannot claim descriptors.
#[tokio::test]
async fn boxes_alone_close_what_comes_along() {
    let path = std::env::temp_dir().join(format!("amp-rpc-boxes-{}.sock", std::process::id()));
    let endpoint = format!("unix:{}", path.display());
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let (_boxes, sender) = Amp::new().connect_for_boxes(&endpoint).await.unwrap();
    let (raw, _) = listener.accept().unwrap();
    std::fs::remove_file(&path).unwrap();
    let raw = Raw(raw);
    let (here, file) = Socket::pair().unwrap();
    let file = OwnedFd::from(file);
    for _ in 0..3 {
        raw.send(b"\0", &[&file; 200]);
    }
    drop(file);
    closed_elsewhere(here).await;
    drop((sender, raw));
}
