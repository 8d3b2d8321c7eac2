//! The limit: the bytes of AMP calls over raw tokio sockets, without decoding and without a future for each call.
//!
//! The server only walks over lengths and answers each read with one write of prepared answers; the client keeps a number of
//! asks under way and counts answers.

use std::time::Instant;

use bench_peers::wire::{self, Answers, BUFFER, walk};
use bench_peers::{Error, Load, Report};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn main() -> Result<(), Error> {
    bench_peers::run_raw(answer, measure)
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut answers = Answers::default();
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let (boxes, end) = walk(&buffer[..filled]);
        stream.write_all(answers.to(&buffer[..end], boxes)).await?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

async fn measure(streams: Vec<TcpStream>, load: Load) -> Result<Report, Error> {
    let start = Instant::now();
    let callers: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(call(stream, load.clone(), start)))
        .collect();
    let mut report = Report::default();
    for caller in callers {
        let (calls, latencies) = caller.await??;
        report.add(calls, latencies);
    }
    report.time = start.elapsed();
    Ok(report)
}

async fn call(
    mut stream: TcpStream,
    load: Load,
    start: Instant,
) -> std::io::Result<(i64, Vec<u32>)> {
    let ask = wire::ask(load.call);
    let asks = ask.repeat(load.outstanding);
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let mut calls = 0;
    let mut latencies = Vec::new();
    let mut asked = Instant::now();
    stream.write_all(&asks).await?;
    while start.elapsed() < load.time {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let (boxes, end) = walk(&buffer[..filled]);
        calls += boxes as i64;
        if load.takes_latency && boxes > 0 {
            latencies.push(u32::try_from(asked.elapsed().as_nanos()).unwrap_or(u32::MAX));
            asked = Instant::now();
        }
        stream.write_all(&asks[..boxes * ask.len()]).await?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
    Ok((calls, latencies))
}
