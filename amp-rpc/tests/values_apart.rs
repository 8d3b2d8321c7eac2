//! Large values are written to the stream from where they lie, in their order among everything else.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use amp_rpc::argument::Argument;
use amp_rpc::wire::{Limits, RawValue, ValueWriter, parse};
use amp_rpc::{
    Amp, AmpBox, Answer, CallError, Command, DecodeError, EncodeError, Fields, Peer, Responders,
};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::JoinSet;

const LENGTH: usize = 60_000;

/// Returns what it is given.
#[derive(Debug, Clone, Command)]
#[amp(response = Echoed)]
struct Echo {
    number: i64,
    data: Bytes,
    more: Option<Bytes>,
}

#[derive(Debug, Fields, PartialEq)]
struct Echoed {
    data: Bytes,
    more: Option<Bytes>,
    number: i64,
}

async fn echo(command: Echo) -> Answer<Echo> {
    let Echo { number, data, more } = command;
    Ok(Echoed { data, more, number })
}

/// What a stream was given to write: the addresses and lengths of the slices, and the bytes that it took.
#[derive(Debug, Default)]
struct Log {
    slices: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

impl Log {
    /// Whether the stream was given these bytes where they lie.
    fn has(&self, bytes: &Bytes) -> bool {
        let wanted = (bytes.as_ptr() as usize, bytes.len());
        self.slices.contains(&wanted)
    }

    fn boxes(&self) -> Vec<AmpBox> {
        parse(&self.bytes)
            .map(|it| it.unwrap().to_owned())
            .collect()
    }
}

/// A stream that remembers what it was given, and takes only so many bytes at a time.
struct Watched {
    stream: DuplexStream,
    log: Arc<Mutex<Log>>,
    at_once: usize,
    is_vectored: bool,
}

fn watched(stream: DuplexStream, at_once: usize, is_vectored: bool) -> (Watched, Arc<Mutex<Log>>) {
    let log = Arc::default();
    let watched = Watched {
        stream,
        log: Arc::clone(&log),
        at_once,
        is_vectored,
    };
    (watched, log)
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().take(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.is_vectored, "it has said that it is not");
        self.get_mut().take(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Watched {
    fn take(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut log = self.log.lock().unwrap();
        let places = slices.iter().map(|it| (it.as_ptr() as usize, it.len()));
        log.slices.extend(places);
        let bytes = slices.iter().flat_map(|it| it.iter().copied());
        let bytes: Vec<u8> = bytes.take(self.at_once).collect();
        let written = Pin::new(&mut self.stream).poll_write(cx, &bytes);
        if let Poll::Ready(Ok(count)) = written {
            log.bytes.extend_from_slice(&bytes[..count]);
        }
        written
    }
}

fn value(number: i64, length: usize) -> Bytes {
    let bytes = (0..length).map(|place| (place as i64 * 31 + number * 7) as u8);
    bytes.collect::<Vec<_>>().into()
}

/// Every third call is a small one.
fn call(number: i64) -> Echo {
    let length = match number % 3 {
        0 => 10,
        1 => LENGTH,
        _ => 9_000,
    };
    Echo {
        number,
        data: value(number, length),
        more: (number % 4 == 1).then(|| value(number + 1, 20_000)),
    }
}

async fn echoes(peer: &Peer, count: i64) {
    let mut calls = JoinSet::new();
    for number in 0..count {
        let peer = peer.clone();
        let command = call(number);
        calls.spawn(async move {
            let Echo { number, data, more } = command.clone();
            let wanted = Echoed { data, more, number };
            assert_eq!(peer.call(command).await.unwrap(), wanted);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

#[tokio::test]
async fn large_values_are_written_from_where_they_lie() {
    let (one, other) = duplex(1 << 20);
    let (one, answers) = watched(one, usize::MAX, true);
    let (other, asks) = watched(other, usize::MAX, true);
    let kept = Arc::new(Mutex::new(None));
    let keeping = Arc::clone(&kept);
    let responders = Responders::new().on(move |command: Echo| {
        *keeping.lock().unwrap() = Some(command.data.clone());
        echo(command)
    });
    let _server = Amp::new().locator(responders).over(one);
    let peer = Amp::new().over(other);
    let data = value(1, LENGTH);
    let command = Echo {
        number: 1,
        data: data.clone(),
        more: None,
    };
    let sent = peer.stats().bytes_sent;
    peer.call(command).await.unwrap();
    assert!(asks.lock().unwrap().has(&data));
    let kept = kept.lock().unwrap().take().unwrap();
    assert!(answers.lock().unwrap().has(&kept));
    let asked = asks.lock().unwrap();
    assert_eq!(asked.bytes.len() as u64, peer.stats().bytes_sent - sent);
    assert_eq!(asked.boxes()[0].get("data").unwrap(), &data[..]);
}

#[tokio::test]
async fn order_stays_whatever_a_stream_takes_at_once() {
    for (at_once, is_vectored) in [
        (usize::MAX, true),
        (usize::MAX, false),
        (7_777, true),
        (10_001, false),
        (97, true),
    ] {
        let (one, other) = duplex(1 << 20);
        let (one, _) = watched(one, at_once, is_vectored);
        let (other, asks) = watched(other, at_once, is_vectored);
        let _server = Amp::new().locator(Responders::new().on(echo)).over(one);
        let peer = Amp::new().over(other);
        // More values than are handed to a stream at once.
        let count = if at_once < 100 { 12 } else { 150 };
        echoes(&peer, count).await;
        let numbers = asks.lock().unwrap().boxes();
        let numbers = numbers.iter().map(|it| {
            let number = it.get("number").unwrap();
            std::str::from_utf8(number).unwrap().parse::<i64>().unwrap()
        });
        assert!(numbers.eq(0..count), "{at_once} {is_vectored}");
    }
}

/// A value that cannot be sent.
#[derive(Debug, Clone)]
struct Refused;

impl Argument for Refused {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(b"some of it");
        Err(EncodeError::unencodable("it has no form"))
    }

    fn decode(_: RawValue<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// A large value in front of one that cannot be sent.
#[derive(Debug, Command)]
struct Fails {
    data: Bytes,
    later: Refused,
}

#[tokio::test]
async fn a_call_that_cannot_be_encoded_leaves_no_value_behind() {
    let (one, other) = duplex(1 << 20);
    let (other, asks) = watched(other, usize::MAX, true);
    let _server = Amp::new().locator(Responders::new().on(echo)).over(one);
    let peer = Amp::new().over(other);
    let data = value(5, LENGTH);
    let fails = Fails {
        data: data.clone(),
        later: Refused,
    };
    let error = peer.call(fails).await.unwrap_err();
    assert!(error.to_string().contains("it has no form"), "{error}");
    assert!(data.is_unique(), "somebody keeps it");
    assert_eq!(peer.stats().bytes_queued, 0);
    echoes(&peer, 5).await;
    assert!(!asks.lock().unwrap().has(&data));
}

/// Asks for an answer that cannot be sent.
#[derive(Debug, Command)]
#[amp(response = Unsendable)]
struct Fail {}

#[derive(Debug, Fields)]
struct Unsendable {
    data: Bytes,
    later: Refused,
}

#[tokio::test]
async fn an_answer_that_cannot_be_encoded_leaves_no_value_behind() {
    let (one, other) = duplex(1 << 20);
    let data = value(6, LENGTH);
    let sent = data.clone();
    let fail = move |_: Fail| {
        let data = sent.clone();
        async move {
            let later = Refused;
            Answer::<Fail>::Ok(Unsendable { data, later })
        }
    };
    let (one, answers) = watched(one, usize::MAX, true);
    let _server = Amp::new()
        .locator(Responders::new().on(echo).on(fail))
        .over(one);
    let peer = Amp::new().over(other);
    let failing = peer.call(Fail {}).start();
    echoes(&peer, 5).await;
    let error = failing.await.unwrap_err();
    assert!(matches!(error, CallError::Remote(_)), "{error:?}");
    assert!(!answers.lock().unwrap().has(&data));
    assert_eq!(answers.lock().unwrap().boxes().len(), 6);
}

#[tokio::test]
async fn limits_count_values_that_lie_elsewhere() {
    let limits = [
        Limits::DEFAULT.value_bytes(LENGTH - 1),
        Limits::DEFAULT.box_bytes(LENGTH + 20),
    ];
    let wanted = [
        "`data`: the value has 60000 bytes, the limit is 59999",
        "the box has 60046 bytes, the limit is 60020",
    ];
    for (limits, wanted) in limits.into_iter().zip(wanted) {
        let (one, other) = duplex(1 << 20);
        drop(one);
        let peer = Amp::new().limits(limits).over(other);
        let command = Echo {
            number: 1,
            data: value(1, LENGTH),
            more: None,
        };
        let error = peer.call(command).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn values_that_wait_to_be_written_are_counted() {
    let (_one, other) = duplex(64);
    let peer = Amp::new().max_queued(100_000).over(other);
    let mut calls = JoinSet::new();
    for number in 0..8 {
        let peer = peer.clone();
        let data = value(number, LENGTH);
        let more = None;
        calls.spawn(async move { peer.call(Echo { number, data, more }).await });
    }
    while peer.stats().calls_queued + (peer.stats().calls_sent as usize) < 8 {
        tokio::task::yield_now().await;
    }
    // Two are on their way and exceed the bound; the others are not even encoded.
    let stats = peer.stats();
    assert_eq!((stats.calls_sent, stats.calls_queued), (2, 6), "{stats:?}");
}

/// A descriptor between large values.
#[cfg(unix)]
mod descriptors {
    use std::os::fd::OwnedFd;

    use super::*;

    #[derive(Debug, Command)]
    #[amp(response = Echoed)]
    struct Pass {
        data: Bytes,
        file: OwnedFd,
        more: Bytes,
    }

    async fn pass(command: Pass) -> Answer<Pass> {
        let Pass { data, more, file } = command;
        drop(file);
        Ok(Echoed {
            data,
            more: Some(more),
            number: 0,
        })
    }

    #[tokio::test]
    async fn they_travel_with_descriptors() {
        let (one, other) = tokio::net::UnixStream::pair().unwrap();
        let responders = Responders::new().on(pass).on(echo);
        let _server = Amp::new().locator(responders).over(one);
        let peer = Amp::new().over(other);
        let mut calls = JoinSet::new();
        for number in 0..30 {
            let peer = peer.clone();
            calls.spawn(async move {
                let [data, more] = [value(number, LENGTH / 2), value(number + 1, 9_000)];
                let file = std::fs::File::open("/dev/null").unwrap().into();
                let command = Pass {
                    data: data.clone(),
                    file,
                    more: more.clone(),
                };
                let echoed = peer.call(command).await.unwrap();
                assert_eq!((echoed.data, echoed.more), (data, Some(more)));
            });
        }
        echoes(&peer, 30).await;
        while let Some(call) = calls.join_next().await {
            call.unwrap();
        }
    }
}
