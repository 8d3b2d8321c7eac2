//! In which order asks are carried out.

mod raw_support;

use std::sync::{Arc, Mutex};

use amp_rpc::wire::BoxView;
use amp_rpc::{Amp, AmpBox, CallError, Failure, Locator, Peer, Responders};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::Semaphore;

use crate::raw_support::read_box;

type Raw = Result<AmpBox, Failure>;

/// Responders that note their beginning and wait to be let go.
#[derive(Clone)]
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    go: Arc<Semaphore>,
}

impl Notes {
    fn new() -> Self {
        Self {
            lines: Arc::default(),
            go: Arc::new(Semaphore::new(0)),
        }
    }

    fn note(&self, what: &str, message: &AmpBox) {
        let n = message.get("n").map_or(&b"?"[..], |n| n);
        let line = format!("{what} {}", n.escape_ascii());
        self.lines.lock().unwrap().push(line);
    }

    fn work(&self) -> Responders {
        let (waiting, quick) = (self.clone(), self.clone());
        Responders::new()
            .on_box("Wait", move |message: AmpBox, _| {
                let notes = waiting.clone();
                // What is done before the future is polled counts too.
                notes.note("called", &message);
                async move {
                    notes.note("began", &message);
                    notes.go.acquire().await.unwrap().forget();
                    notes.note("ended", &message);
                    Ok(message)
                }
            })
            .on_box("Quick", move |message: AmpBox, _| {
                quick.note("quick", &message);
                async { Raw::Ok(message) }
            })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

fn raw(amp: &Amp) -> (Peer, DuplexStream) {
    let (one, other) = tokio::io::duplex(1 << 16);
    (amp.over(one), other)
}

fn ask(command: &str, n: &str, tag: &str) -> Vec<u8> {
    let message = AmpBox::from([("_command", command), ("_ask", tag), ("n", n)]);
    message.to_bytes().unwrap()
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn by_number(ask: &BoxView<'_>) -> Vec<u8> {
    ask.get(b"n").map_or_else(Vec::new, |n| n.to_vec())
}

#[tokio::test]
async fn responders_start_in_the_order_of_their_boxes() {
    let notes = Notes::new();
    let (_peer, mut stream) = raw(&Amp::new().locator(notes.work()));
    for n in ["1", "2", "3"] {
        stream.write_all(&ask("Wait", n, n)).await.unwrap();
    }
    settle().await;
    let lines = notes.take();
    assert_eq!(
        lines,
        [
            "called 1", "began 1", "called 2", "began 2", "called 3", "began 3"
        ]
    );
}

#[tokio::test]
async fn a_serial_set_carries_out_one_after_the_other() {
    let notes = Notes::new();
    let other = Notes::new();
    let free = other.clone();
    let beside = Responders::new().on_box("Beside", move |message: AmpBox, _| {
        free.note("beside", &message);
        async { Raw::Ok(message) }
    });
    let (_peer, mut stream) = raw(&Amp::new().locator(notes.work().serial().or(beside)));
    for (command, n) in [
        ("Wait", "1"),
        ("Quick", "2"),
        ("Quick", "3"),
        ("Wait", "4"),
        ("Quick", "5"),
    ] {
        stream.write_all(&ask(command, n, n)).await.unwrap();
    }
    stream.write_all(&ask("Beside", "6", "6")).await.unwrap();
    assert_eq!(read_box(&mut stream).await.get("_answer").unwrap(), b"6");
    assert_eq!(notes.take(), ["called 1", "began 1"]);
    notes.go.add_permits(1);
    for tag in ["1", "2", "3"] {
        assert_eq!(
            read_box(&mut stream).await.get("_answer").unwrap(),
            tag.as_bytes()
        );
    }
    settle().await;
    let lines = notes.take();
    assert_eq!(
        lines,
        ["ended 1", "quick 2", "quick 3", "called 4", "began 4"]
    );
    notes.go.add_permits(1);
    for tag in ["4", "5"] {
        assert_eq!(
            read_box(&mut stream).await.get("_answer").unwrap(),
            tag.as_bytes()
        );
    }
    // The line is free again.
    stream.write_all(&ask("Quick", "7", "7")).await.unwrap();
    assert_eq!(read_box(&mut stream).await.get("_answer").unwrap(), b"7");
}

#[tokio::test]
async fn keys_have_lines_of_their_own() {
    let notes = Notes::new();
    let (_peer, mut stream) = raw(&Amp::new().locator(notes.work().serial_by(by_number)));
    for (n, tag) in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("b", "5")] {
        stream.write_all(&ask("Wait", n, tag)).await.unwrap();
    }
    settle().await;
    assert_eq!(notes.take(), ["called a", "began a", "called b", "began b"]);
    notes.go.add_permits(5);
    let mut tags = Vec::new();
    for _ in 0..5 {
        let answer = read_box(&mut stream).await;
        tags.push(answer.get("_answer").unwrap().to_vec());
    }
    let place = |tag: &[u8]| tags.iter().position(|it| it == tag).unwrap();
    assert!(place(b"1") < place(b"2") && place(b"2") < place(b"4") && place(b"3") < place(b"5"));
}

/// Bad arguments, panics and commands that fail leave the line free.
#[tokio::test]
async fn whatever_becomes_of_an_ask_the_next_one_starts() {
    #[derive(amp_rpc::Command)]
    struct Typed {
        n: u8,
    }
    let notes = Notes::new();
    let responders = notes
        .work()
        .on(async |typed: Typed| -> amp_rpc::Answer<Typed> {
            assert_ne!(typed.n, 7, "seven");
            Ok(())
        })
        .serial();
    let (_peer, mut stream) = raw(&Amp::new().locator(responders));
    stream.write_all(&ask("Wait", "1", "1")).await.unwrap();
    for (n, tag) in [("x", "2"), ("7", "3"), ("8", "4")] {
        stream.write_all(&ask("Typed", n, tag)).await.unwrap();
    }
    notes.go.add_permits(1);
    for key in ["_answer", "_error", "_error", "_answer"] {
        assert!(read_box(&mut stream).await.contains_key(key));
    }
    let panics = Responders::new()
        .on_box("Echo", async |message: AmpBox, _: Peer| Raw::Ok(message))
        .serial_by(|_| panic!("no key"));
    let (one, other) = tokio::io::duplex(1 << 16);
    let (_server, client) = (Amp::new().locator(panics).over(one), Amp::new().over(other));
    let error = client.call_box("Echo", AmpBox::new()).await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error}");
}

/// They count as running ones, and end as those do.
#[tokio::test]
async fn asks_that_wait_are_bounded_and_finish_with_the_connection() {
    let notes = Notes::new();
    let amp = Amp::new().locator(notes.work().serial()).max_running(3);
    let (peer, mut stream) = raw(&amp);
    // While a call of this side is under way, the fourth is refused instead of left unread.
    let call = peer.call_box("Slow", AmpBox::new()).start();
    read_box(&mut stream).await;
    for n in ["1", "2", "3", "4"] {
        stream.write_all(&ask("Wait", n, n)).await.unwrap();
    }
    let refused = read_box(&mut stream).await;
    assert_eq!(refused.get("_error").unwrap(), b"4");
    assert_eq!(refused.get("_error_code").unwrap(), b"BUSY");
    drop(call);
    drop(stream);
    peer.ended().await;
    notes.go.add_permits(3);
    settle().await;
    let ended = notes.take();
    assert_eq!(
        ended
            .iter()
            .filter(|line| line.starts_with("ended"))
            .count(),
        3
    );

    let notes = Notes::new();
    let amp = Amp::new()
        .locator(notes.work().serial())
        .drop_responders_at_end();
    let (peer, mut stream) = raw(&amp);
    for n in ["1", "2"] {
        stream.write_all(&ask("Wait", n, n)).await.unwrap();
    }
    settle().await;
    drop(stream);
    peer.ended().await;
    notes.go.add_permits(2);
    settle().await;
    assert_eq!(notes.take(), ["called 1", "began 1"]);
}

/// An ask whose caller has gone before its turn is not carried out, where that stops its set.
#[tokio::test]
async fn an_ask_that_is_given_up_before_its_turn_is_left_out() {
    let notes = Notes::new();
    let amp = Amp::new().locator(notes.work().serial().stop_when_canceled());
    let (_peer, mut stream) = raw(&amp);
    for n in ["1", "2", "3"] {
        stream.write_all(&ask("Wait", n, n)).await.unwrap();
    }
    for tag in ["2", "1"] {
        let cancel = AmpBox::from([("_command", "_amp-rpc.cancel"), ("tag", tag)]);
        stream.write_all(&cancel.to_bytes().unwrap()).await.unwrap();
    }
    settle().await;
    notes.go.add_permits(1);
    assert_eq!(read_box(&mut stream).await.get("_answer").unwrap(), b"3");
    let lines = notes.take();
    assert_eq!(
        lines,
        ["called 1", "began 1", "called 3", "began 3", "ended 3"]
    );
}
