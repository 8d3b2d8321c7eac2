//! The limit with many connections: as `limit`, but all connections of a thread share one buffer, as none of them needs its own.
//!
//! It is for loads of few outstanding calls a connection: what does not fit into its socket at once ends the measurement.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bench_peers::wire::{self, Answers, BUFFER, walk};
use bench_peers::{Error, Load, Report};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

thread_local! {
    static LENT: RefCell<Lent> = RefCell::new(Lent {
        buffer: vec![0; BUFFER],
        answers: Answers::default(),
    });
}

/// What a thread lends to the connection that it works for.
struct Lent {
    buffer: Vec<u8>,
    answers: Answers,
}

/// A connection, and what was read of a box that is not whole yet.
struct Connection {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        let rest = Vec::new();
        Self { stream, rest }
    }

    /// Reads once, and writes at once: for each answer one of the asks, or where there are none, for each ask its answer. Says how many
    /// boxes came; none where the stream has ended.
    fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        asks: Option<&Asks>,
    ) -> Poll<io::Result<Option<usize>>> {
        LENT.with_borrow_mut(|Lent { buffer, answers }| {
            let mut read = ReadBuf::new(buffer);
            read.put_slice(&self.rest);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            let bytes = read.filled();
            if bytes.len() == self.rest.len() {
                return Poll::Ready(Ok(None));
            }
            let (boxes, end) = walk(bytes);
            self.rest.clear();
            self.rest.extend_from_slice(&bytes[end..]);
            let reply = match asks {
                Some(asks) => &asks.bytes[..boxes * asks.length],
                None => answers.to(&bytes[..end], boxes),
            };
            if !reply.is_empty() && self.stream.try_write(reply)? < reply.len() {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            Poll::Ready(Ok(Some(boxes)))
        })
    }
}

/// What a client keeps under way on each connection.
struct Asks {
    bytes: Vec<u8>,
    /// Of one.
    length: usize,
}

fn main() -> Result<(), Error> {
    bench_peers::run_raw(answer, measure)
}

async fn answer(stream: TcpStream) -> io::Result<()> {
    let mut connection = Connection::new(stream);
    while poll_fn(|cx| connection.poll_exchange(cx, None))
        .await?
        .is_some()
    {}
    Ok(())
}

async fn measure(streams: Vec<TcpStream>, load: Load) -> Result<Report, Error> {
    let ask = wire::ask(load.call);
    let asks = Arc::new(Asks {
        bytes: ask.repeat(load.outstanding),
        length: ask.len(),
    });
    let start = Instant::now();
    let call = |stream| {
        let connection = Connection::new(stream);
        tokio::spawn(call(connection, Arc::clone(&asks), load.clone(), start))
    };
    let callers: Vec<_> = streams.into_iter().map(call).collect();
    let mut report = Report::default();
    for caller in callers {
        report.add(caller.await??, Vec::new());
    }
    report.time = start.elapsed();
    Ok(report)
}

async fn call(
    mut connection: Connection,
    asks: Arc<Asks>,
    load: Load,
    start: Instant,
) -> io::Result<i64> {
    connection.stream.write_all(&asks.bytes).await?;
    let mut calls = 0;
    while start.elapsed() < load.time {
        let boxes = poll_fn(|cx| connection.poll_exchange(cx, Some(&asks))).await?;
        calls += boxes.ok_or(io::ErrorKind::UnexpectedEof)? as i64;
    }
    Ok(calls)
}
