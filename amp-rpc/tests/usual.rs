//! Usual boxes are dealt with in a way of their own, which saves looking at things twice. Whatever comes, it makes no
//! difference: an ask that follows another for the same command is answered as the first one on a connection is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use amp_rpc::wire::{RawValue, ValueWriter, parse};
use amp_rpc::{
    Amp, Answer, Argument, CallError, Command, CommandError, DecodeError, EncodeError, EndReason,
    Failure, Fields, Peer, RemoteError, Responder, Responders,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

/// Does what its number says.
#[derive(Debug, Command)]
#[amp(response = Done, error = Fails)]
struct Act {
    more: Option<String>,
    number: Number,
}

#[derive(Debug, Fields)]
struct Done {
    text: String,
}

#[derive(Debug, thiserror::Error, CommandError)]
#[amp(rename_all = "SCREAMING_SNAKE_CASE")]
enum Fails {
    #[error("it is declared")]
    Declared,
    #[error("it is fatal")]
    #[amp(fatal)]
    Fatal,
}

/// A number whose decoding panics when it is 13.
#[derive(Debug)]
struct Number(u8);

impl Argument for Number {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        self.0.encode(out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        let number = u8::decode(value)?;
        assert_ne!(number, 13, "an unlucky number");
        Ok(Self(number))
    }
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("it was dropped");
    }
}

async fn act(act: Act, peer: Peer) -> Answer<Act> {
    match act.number.0 {
        1 => return Err(Fails::Declared.into()),
        2 => return Err(Fails::Fatal.into()),
        3 => return Err(Failure::Remote(RemoteError::new("OTHER", "at run time"))),
        4 => return Err(Failure::unexpected("nobody expects this")),
        5 => panic!("a responder panics"),
        6 => tokio::task::yield_now().await,
        7 => {
            let text = "x".repeat(70_000);
            return Ok(Done { text });
        }
        8 => {
            let _grenade = Grenade;
        }
        9 => peer.tell(Act::of(9)).await.map_err(Failure::unexpected)?,
        _ => {}
    }
    let more = act.more.unwrap_or_default();
    let text = format!("{more}{}", peer.stats().asks_received > 0);
    Ok(Done { text })
}

impl Act {
    fn of(number: u8) -> Self {
        Self {
            more: None,
            number: Number(number),
        }
    }
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, key.len() as u8];
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
    bytes.extend_from_slice(value);
    bytes
}

fn message(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> = pairs
        .iter()
        .flat_map(|(key, value)| pair(key, value))
        .collect();
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

fn ask(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let head: [(&str, &[u8]); 2] = [("_ask", b"tag"), ("_command", b"Act")];
    message(&[&head, fields].concat())
}

/// All kinds of asks, usual and not.
fn asks() -> Vec<Vec<u8>> {
    let long = "y".repeat(3_000);
    let numbers: Vec<_> = (0..10).map(|number: u8| number.to_string()).collect();
    let mut asks: Vec<_> = (numbers.iter())
        .map(|number| ask(&[("number", number.as_bytes())]))
        .collect();
    let others: [&[(&str, &[u8])]; 12] = [
        &[("more", b"and "), ("number", b"0")],
        &[("more", long.as_bytes()), ("number", b"0")],
        &[("number", b"13")],
        &[("number", b"300")],
        &[("number", b"")],
        &[("number", b" 0 ")],
        &[("number", b"one")],
        &[],
        &[("number", b"0"), ("unknown", b"0")],
        &[("number", b"4"), ("number", b"0")],
        &[("number", b"0"), ("more", b"behind ")],
        &[("_other", b""), ("number", b"0")],
    ];
    asks.extend(others.iter().map(|fields| ask(fields)));
    // The same where the box is a large one.
    let large = "z".repeat(5_000).into_bytes();
    for number in ["0", "1", "5", "6", "7", "13", "one"] {
        asks.push(ask(&[("more", &large), ("number", number.as_bytes())]));
    }
    let others: [&[(&str, &[u8])]; 5] = [
        &[("more", &large)],
        &[("more", &large), ("number", b"0"), ("unknown", b"0")],
        &[("number", b"0"), ("unknown", &large)],
        &[("more", &large), ("number", b"4"), ("number", b"0")],
        &[("number", b"0"), ("more", &large)],
    ];
    asks.extend(others.iter().map(|fields| ask(fields)));
    let command = ("_command", &b"Act"[..]);
    asks.extend([
        message(&[command, ("number", b"0")]),
        message(&[command, ("number", b"4")]),
        message(&[command, ("_ask", b"tag"), ("number", b"0")]),
        message(&[("_ask", b"tag"), ("_command", b"Other"), ("number", b"0")]),
        message(&[("_answer", b"1"), ("number", b"0")]),
        message(&[("_answer", b"1"), ("_command", b"Act"), ("number", b"0")]),
        message(&[("_ask", &[b't'; 300]), command, ("number", b"0")]),
        message(&[("_ask", b""), command, ("number", b"0")]),
        message(&[
            ("_ask", b"tag"),
            command,
            ("_deadline", b"60000"),
            ("number", b"0"),
        ]),
        message(&[
            ("_ask", b"tag"),
            ("more", &large),
            command,
            ("number", b"0"),
        ]),
        message(&[
            ("_ask", b"tag"),
            command,
            ("_deadline", b"60000"),
            ("more", &large),
            ("number", b"0"),
        ]),
        message(&[("number", b"0")]),
        message(&[]),
        b"\0\x04_ask\x01".to_vec(),
        b"\0\x07_answer\0\x011\xff\xff".to_vec(),
    ]);
    asks
}

/// Sends some bytes to a responder, and gives back what it answers until it closes.
async fn converse(before: &[u8], bytes: &[u8], piece: usize) -> Vec<u8> {
    let (near, far) = tokio::io::duplex(1 << 20);
    let amp = Amp::new().locator(Responders::new().on_with_peer(act));
    let peer = amp.over(far);
    let mut near: DuplexStream = near;
    let mut answers = vec![0; 1 << 20];
    near.write_all(before).await.unwrap();
    if !before.is_empty() {
        let mut length = 0;
        while !answers[..length].ends_with(b"\0\x04text\0\x04true\0\0") {
            length += near.read(&mut answers[length..]).await.unwrap();
        }
    }
    for piece in bytes.chunks(piece) {
        near.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    near.shutdown().await.unwrap();
    answers.clear();
    near.read_to_end(&mut answers).await.unwrap();
    drop(peer);
    answers
}

/// A good ask, which makes its responder known.
fn good() -> Vec<u8> {
    ask(&[("number", b"0")])
}

/// Sends the same bytes on two connections, in pieces of so many bytes and behind those bytes, and compares what is answered.
async fn compare(
    bytes: &[u8],
    (before, piece): (&[u8], usize),
    (other, other_piece): (&[u8], usize),
) {
    let answers = converse(before, bytes, piece).await;
    let others = converse(other, bytes, other_piece).await;
    let shown = |answers: &[u8]| answers.escape_ascii().to_string();
    assert_eq!(shown(&answers), shown(&others), "{}", shown(bytes));
}

#[tokio::test]
async fn an_ask_is_answered_in_the_same_way_behind_others() {
    for bytes in asks() {
        compare(&bytes, (&[], usize::MAX), (&good(), usize::MAX)).await;
    }
}

#[tokio::test]
async fn what_comes_behind_an_ask_is_not_lost() {
    for bytes in asks() {
        let both = [&bytes[..], &good()].concat();
        compare(&both, (&[], usize::MAX), (&good(), usize::MAX)).await;
    }
}

#[tokio::test]
async fn an_ask_that_comes_in_pieces_is_answered_in_the_same_way() {
    for bytes in asks() {
        for piece in [1, 7, bytes.len().saturating_sub(1).max(1)] {
            compare(&bytes, (&good(), usize::MAX), (&good(), piece)).await;
        }
    }
}

#[tokio::test]
async fn usual_asks_and_others_are_counted_alike() {
    let (mut near, far) = tokio::io::duplex(1 << 20);
    let peer = Amp::new()
        .locator(Responders::new().on_with_peer(act))
        .over(far);
    let mut answers = Vec::new();
    for number in ["0", "0", "1", "1", "x", "x", "5", "5", "6", "6", "13", "13"] {
        near.write_all(&ask(&[("number", number.as_bytes())]))
            .await
            .unwrap();
        let mut answer = vec![0; 1_000];
        let length = near.read(&mut answer).await.unwrap();
        answers.push(answer[..length].to_vec());
    }
    assert!(answers.chunks(2).all(|two| two[0] == two[1]), "{answers:?}");
    let stats = peer.stats();
    assert_eq!((stats.boxes_received, stats.asks_received), (12, 12));
    assert_eq!(stats.asks_answered, 4);
    assert_eq!(
        (stats.asks_failed, stats.asks_malformed, stats.faults),
        (2, 2, 4)
    );
}

/// Says which name it was called by.
#[derive(Debug, Command)]
#[amp(response = Done)]
struct Named {
    number: i64,
}

#[tokio::test]
async fn commands_are_told_apart_by_all_of_their_names() {
    let long = |first: &str, length: usize| first.to_owned() + &"n".repeat(length - first.len());
    let mut names: Vec<_> = [
        "",
        "a",
        "b",
        "Abcd",
        "AbcdE",
        "XbcdE",
        "CreateUserOne",
        "CreateUserTwo",
        "UpdateUserOne",
        "CreateLoadOne",
    ]
    .map(String::from)
    .to_vec();
    names.extend(
        [255, 256]
            .iter()
            .flat_map(|length| [long("1", *length), long("2", *length)]),
    );
    let unknown = ["c", "AbcdF", "CreateLoadTwo"].map(String::from);
    let mut responders = Responders::new();
    for name in &names {
        let text = name.clone();
        let respond = move |named: Named| {
            let text = format!("{text}{}", named.number);
            async { Ok(Done { text }) }
        };
        responders = responders.add(name, Responder::on(respond));
    }
    let (mut near, far) = tokio::io::duplex(1 << 20);
    let _peer = Amp::new().locator(responders).over(far);
    // Each once behind each other, so that the one before is remembered.
    for first in names.iter().chain(&unknown) {
        for second in names.iter().chain(&unknown) {
            let mut wanted = Vec::new();
            for name in [first, second] {
                let head: [(&str, &[u8]); 2] = [("_ask", b"tag"), ("_command", name.as_bytes())];
                near.write_all(&message(&[&head, &[("number", &b"7"[..])][..]].concat()))
                    .await
                    .unwrap();
                let text = format!("{name}7");
                wanted.extend(match unknown.contains(name) {
                    true => message(&[
                        ("_error", b"tag"),
                        ("_error_code", b"UNHANDLED"),
                        (
                            "_error_description",
                            format!("Unhandled Command: {name:?}").as_bytes(),
                        ),
                    ]),
                    false => message(&[("_answer", b"tag"), ("text", text.as_bytes())]),
                });
            }
            let mut answers = vec![0; wanted.len()];
            near.read_exact(&mut answers).await.unwrap();
            assert_eq!(
                answers.escape_ascii().to_string(),
                wanted.escape_ascii().to_string()
            );
        }
    }
}

/// A peer that always has something to say, until it has said a lot.
struct Flood {
    tells: Vec<u8>,
    at: usize,
    left: usize,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while buffer.remaining() > 0 && self.left > 0 {
            let rest = &self.tells[self.at..];
            let length = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..length]);
            self.at = (self.at + length) % self.tells.len();
            self.left = self.left.saturating_sub(length);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn flooded() -> Peer {
    let flood = Flood {
        tells: message(&[("_command", b"Act"), ("number", b"0")]),
        at: 0,
        left: 32 << 20,
    };
    let peer = Amp::new()
        .locator(Responders::new().on_with_peer(act))
        .over(flood);
    while peer.stats().asks_received < 1_000 {
        tokio::task::yield_now().await;
    }
    peer
}

#[tokio::test]
async fn a_call_ends_in_time_also_while_its_peer_goes_on_talking() {
    let peer = flooded().await;
    let called = peer.call(Wait {}).timeout(Duration::from_millis(5)).await;
    assert!(
        matches!(called, Err(CallError::TimedOut { .. })),
        "{called:?}"
    );
}

#[tokio::test]
async fn a_connection_is_closed_also_while_its_peer_goes_on_talking() {
    let peer = flooded().await;
    peer.close();
    let reason = peer.ended().await;
    assert!(matches!(reason, EndReason::ClosedHere), "{reason:?}");
}

/// Never ends.
#[derive(Debug, Command)]
struct Wait {}

async fn wait(_: Wait) -> Answer<Wait> {
    std::future::pending().await
}

/// While a call of this side is under way, asks beyond the bound are refused; but its answer came first.
#[tokio::test]
async fn a_reader_at_its_bound_knows_that_its_own_call_was_answered() {
    let (mut near, far) = tokio::io::duplex(1 << 20);
    let responders = Responders::new().on_with_peer(act).on(wait);
    let peer = Amp::new().max_running(2).locator(responders).over(far);
    let call = peer.call(Wait {}).start();
    let mut bytes = vec![0; 1_000];
    assert!(near.read(&mut bytes).await.unwrap() > 0);
    let tell = message(&[("_command", b"Act"), ("number", b"0")]);
    let mut bytes = message(&[("_answer", b"1")]);
    bytes.extend(tell.repeat(64 * 1024 / tell.len() + 1));
    for tag in [b"a", b"b", b"c", b"d"] {
        bytes.extend(message(&[("_ask", tag), ("_command", b"Wait")]));
    }
    near.write_all(&bytes).await.unwrap();
    call.await.unwrap();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let stats = peer.stats();
    assert_eq!((stats.responders_running, stats.asks_refused), (2, 0));
}

fn answer(tag: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    message(&[&[("_answer", tag.as_bytes())], fields].concat())
}

/// What a call gets whose peer sends that as its first bytes.
async fn text_of(bytes: &[u8]) -> String {
    let (one, mut other) = tokio::io::duplex(1024);
    let peer = Amp::new().over(one);
    let call = peer.call(Act::of(0)).start();
    other.write_all(bytes).await.unwrap();
    // Not before all of it has come.
    while peer.stats().boxes_received < parse(bytes).count() as u64 {
        tokio::task::yield_now().await;
    }
    call.await.unwrap().text
}

#[tokio::test]
async fn the_first_of_several_answers_to_a_call_counts() {
    let first = answer("1", &[("text", b"first")]);
    let second = answer("1", &[("text", b"second")]);
    // The first box of a connection is never a usual one.
    assert_eq!(text_of(&[&*first, &second].concat()).await, "first");
    // Large ones are put into their slots as they lie.
    let [early, late] = ["early", "late"].map(|word| word.repeat(1_000));
    let large = [&early, &late]
        .map(|text| answer("1", &[("text", text.as_bytes())]))
        .concat();
    assert_eq!(text_of(&large).await, early);
    // Nor is one whose tag does not come first.
    let odd = message(&[("Text", b""), ("_answer", b"1"), ("text", b"odd")]);
    let late = answer("ffff", &[]);
    assert_eq!(text_of(&[&*late, &odd, &second].concat()).await, "odd");
    assert_eq!(text_of(&[&*late, &first, &odd].concat()).await, "first");
}
