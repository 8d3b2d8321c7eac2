//! What arrives.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::sync::Arc;

use amp_rpc::{Amp, CallError, Command, Fields, LocalError, Responders};
use futures::future::join_all;
use tokio::sync::Notify;

use crate::support::{LONG, Open, Refused, Write1, pair, read_all, service, serving, text};

#[tokio::test]
async fn calls_and_answers_carry_files_in_both_directions() {
    let (left, right) = pair(&serving());
    for peer in [&left, &right, &left] {
        let (here, file) = Socket::pair().unwrap();
        let command = Write1 {
            file: file.into(),
            text: "hello".into(),
        };
        let call = tokio::time::timeout(LONG, peer.call(command));
        call.await.unwrap().unwrap();
        assert_eq!(read_all(here.into()).await, "hello");
        let open = Open {
            text: "answer".into(),
            padding: 0,
        };
        let opened = peer.call(open).await.unwrap();
        assert_eq!(read_all(opened.file).await, "answer");
    }
}

#[tokio::test]
async fn endpoints_carry_files() {
    let path = std::env::temp_dir().join(format!("amp-rpc-files-{}.sock", std::process::id()));
    let endpoint = format!("unix:{}", path.display());
    let server = serving().listen(&endpoint).await.unwrap();
    let peer = serving().connect(&endpoint).await.unwrap();
    let open = Open {
        text: "served".into(),
        padding: 0,
    };
    let opened = peer.call(open).await.unwrap();
    assert_eq!(read_all(opened.file).await, "served");
    drop(server);
}

#[derive(Debug, Command)]
#[amp(response = Several)]
struct Sort {
    a: OwnedFd,
    many: Vec<OwnedFd>,
    maybe: Option<OwnedFd>,
    rows: Vec<Row>,
    z: OwnedFd,
}

#[derive(Debug, Fields)]
struct Row {
    name: String,
    file: OwnedFd,
}

#[derive(Debug, Fields)]
struct Several {
    files: Vec<OwnedFd>,
    maybe: Option<OwnedFd>,
}

#[tokio::test]
async fn a_box_carries_several_in_any_places() {
    let reverse = async |sort: Sort| -> amp_rpc::Answer<Sort> {
        assert_eq!(sort.rows[1].name, "second");
        let rows = sort.rows.into_iter().map(|row| row.file);
        let mut files: Vec<_> = std::iter::once(sort.z).chain(rows).collect();
        files.extend(sort.many.into_iter().rev());
        files.push(sort.a);
        Ok(Several {
            files,
            maybe: sort.maybe,
        })
    };
    let (_server, peer) = pair(&Amp::new().locator(Responders::new().on(reverse)));
    for maybe in [None, Some("maybe")] {
        let row = |name: &str, file| Row {
            name: name.into(),
            file: text(file),
        };
        let sort = Sort {
            a: text("a"),
            many: vec![text("m1"), text("m2")],
            maybe: maybe.map(text),
            rows: vec![row("first", "r1"), row("second", "r2")],
            z: text("z"),
        };
        let several = peer.call(sort).await.unwrap();
        let read = join_all(several.files.into_iter().map(read_all)).await;
        assert_eq!(read, ["z", "r1", "r2", "m2", "m1", "a"]);
        match (several.maybe, maybe) {
            (Some(file), Some(maybe)) => assert_eq!(read_all(file).await, maybe),
            (None, None) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn large_boxes_carry_files() {
    let (_server, peer) = pair(&serving());
    let calls = (0..20).map(|number: u32| {
        let peer = peer.clone();
        async move {
            let text = format!("file {number} ").repeat(100);
            let padding = if number % 3 == 0 { 0 } else { 65_000 };
            let open = Open {
                text: text.clone(),
                padding,
            };
            let opened = peer.call(open).await.unwrap();
            assert_eq!(opened.padding.len(), padding as usize);
            assert_eq!(read_all(opened.file).await, text);
        }
    });
    join_all(calls).await;
}

/// Each descriptor leaves with its own box, however much is queued, so the bound can be small.
#[tokio::test]
async fn a_burst_of_calls_and_answers_stays_within_a_small_bound() {
    let (_server, peer) = pair(&serving().max_unclaimed_descriptors(2));
    let opens = (0..200).map(|number: u32| {
        let call = peer.call(Open {
            text: number.to_string(),
            padding: number * 100,
        });
        async move {
            let opened = call.await.unwrap();
            assert_eq!(read_all(opened.file).await, number.to_string());
        }
    });
    let writes = (0..200).map(|number: u32| {
        let (here, file) = Socket::pair().unwrap();
        let call = peer.call(Write1 {
            file: file.into(),
            text: number.to_string(),
        });
        async move {
            call.await.unwrap();
            assert_eq!(read_all(here.into()).await, number.to_string());
        }
    });
    tokio::time::timeout(LONG, async {
        tokio::join!(join_all(opens), join_all(writes));
    })
    .await
    .unwrap();
}

/// Calls are encoded by many threads while the driver encodes answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_do_not_mix_files_up() {
    let (left, right) = pair(&serving());
    let tasks = (0..400).map(|number: u32| {
        let peer = if number % 2 == 0 { &left } else { &right }.clone();
        tokio::spawn(async move {
            let content = number.to_string();
            let (here, file) = Socket::pair().unwrap();
            let bad = peer.call(Write1 {
                file: text("never sent"),
                text: "x".repeat(70_000),
            });
            let write = peer.call(Write1 {
                file: file.into(),
                text: content.clone(),
            });
            let open = peer.call(Open {
                text: content.clone(),
                padding: if number % 7 == 0 { 70_000 } else { number },
            });
            let (bad, wrote, opened) = tokio::join!(bad, write, open);
            bad.unwrap_err();
            wrote.unwrap();
            assert_eq!(read_all(here.into()).await, content);
            if number % 7 == 0 {
                assert!(matches!(opened, Err(CallError::Remote(_))), "{opened:?}");
            } else {
                assert_eq!(read_all(opened.unwrap().file).await, content);
            }
        })
    });
    let done = tokio::time::timeout(LONG, join_all(tasks)).await.unwrap();
    done.into_iter().for_each(Result::unwrap);
}

#[tokio::test]
async fn a_box_that_cannot_be_encoded_takes_its_files_back() {
    // A few that came without their boxes would end the connection.
    let (_server, peer) = pair(&serving().max_unclaimed_descriptors(2));
    let (here, file) = Socket::pair().unwrap();
    let bad = Write1 {
        file: file.into(),
        text: "x".repeat(70_000),
    };
    let error = peer.call(bad).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Local(error) if key(error) == b"text"),
        "{error}"
    );
    assert_eq!(read_all(here.into()).await, "", "all copies are closed");
    // The same of an answer.
    let open = |padding| Open {
        text: "good".into(),
        padding,
    };
    for _ in 0..3 {
        let refused = peer.call(open(70_000)).await.unwrap_err();
        assert!(matches!(refused, CallError::Remote(_)), "{refused}");
    }
    // What follows gets the files that belong to it.
    let opened = peer.call(open(0)).await.unwrap();
    assert_eq!(read_all(opened.file).await, "good");
    let (here, file) = Socket::pair().unwrap();
    let good = Write1 {
        file: file.into(),
        text: "good".into(),
    };
    peer.call(good).await.unwrap();
    assert_eq!(read_all(here.into()).await, "good");
}

fn key(error: &LocalError) -> &[u8] {
    error.encode_error().unwrap().key().unwrap()
}

#[derive(Debug, Command)]
#[amp(switches, error = Refused)]
struct Switch;

/// Answers that fall due while the peer decides on another protocol are held back. Their descriptors
/// are not lost.
#[tokio::test]
async fn an_answer_that_was_held_back_brings_its_file() {
    let decide = Arc::new(Notify::new());
    let decided = Arc::clone(&decide);
    let switch = move |_: Switch| {
        let decided = Arc::clone(&decided);
        async move {
            decided.notified().await;
            Err(Refused::Refused.into())
        }
    };
    let amp = Amp::new().locator(service().on::<Switch, _, _>(switch));
    let (server, client) = pair(&amp);
    let switching = client.switch(Switch).start();
    let open = Open {
        text: "held".into(),
        padding: 0,
    };
    let held = server.call(open).start();
    // It is carried out when the one behind it is.
    let (here, file) = Socket::pair().unwrap();
    let write = server.call(Write1 {
        file: file.into(),
        text: "done".into(),
    });
    let write = write.start();
    assert_eq!(read_all(here.into()).await, "done");
    decide.notify_one();
    let refused = tokio::time::timeout(LONG, switching).await.unwrap();
    assert!(refused.is_err());
    let opened = tokio::time::timeout(LONG, held).await.unwrap().unwrap();
    assert_eq!(read_all(opened.file).await, "held");
    tokio::time::timeout(LONG, write).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_senders_own_file_is_closed_when_it_is_sent() {
    let never = async |write: Write1| -> amp_rpc::Answer<Write1> {
        drop(write);
        std::future::pending::<()>().await;
        Ok(())
    };
    let amp = Amp::new().locator(Responders::new().on(never));
    let (server, peer) = pair(&amp);
    let (here, file) = Socket::pair().unwrap();
    let call = peer.call(Write1 {
        file: file.into(),
        text: "x".repeat(10),
    });
    let call = call.start();
    // The responder has dropped what it got, and keeps its caller waiting.
    assert_eq!(read_all(here.into()).await, "");
    drop((call, server));
}

#[tokio::test]
async fn an_answer_keeps_its_file_beyond_the_end_of_the_connection() {
    let (server, peer) = pair(&serving());
    let open = Open {
        text: "late".into(),
        padding: 0,
    };
    let first = peer.call(open).start();
    let (here, file) = Socket::pair().unwrap();
    let write = Write1 {
        file: file.into(),
        text: "later".into(),
    };
    peer.call(write).await.unwrap();
    assert_eq!(read_all(here.into()).await, "later");
    server.close();
    peer.closed().await;
    let opened = first.await.unwrap();
    assert_eq!(read_all(opened.file).await, "late");
}

#[tokio::test]
async fn an_answer_that_is_an_error_has_no_file() {
    let (_server, peer) = pair(&serving());
    let open = Open {
        text: "no".into(),
        padding: 0,
    };
    let error = peer.call(open).await.unwrap_err();
    let is_declared = matches!(
        error,
        CallError::Declared {
            error: Refused::Refused,
            ..
        }
    );
    assert!(is_declared, "{error}");
}
