//! The limit: the bytes of `Sum` calls over raw tokio sockets, without decoding and without futures.
//!
//! The server only walks over lengths and answers each read with one write of prepared answers; the
//! client keeps a number of asks of 43 bytes outstanding and counts answers.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BUFFER: usize = 256 * 1024;
const ASK: &[u8] = b"\0\x04_ask\0\x011\0\x08_command\0\x03Sum\0\x01a\0\x0213\0\x01b\0\x0281\0\0";
const ANSWER: &[u8] = b"\0\x07_answer\0\x011\0\x05total\0\x0294\0\0";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server"] => serve().await,
        ["client", port, outstanding, seconds] => {
            let port = port.parse().map_err(std::io::Error::other)?;
            let outstanding = outstanding.parse().map_err(std::io::Error::other)?;
            let seconds = seconds.parse().map_err(std::io::Error::other)?;
            let rate = call(port, outstanding, Duration::from_secs_f64(seconds)).await?;
            println!("{rate}");
            Ok(())
        }
        _ => Err(std::io::Error::other(
            "usage: server | client PORT OUTSTANDING SECONDS",
        )),
    }
}

/// Counts the whole boxes at the front of `bytes` and their length.
fn walk(bytes: &[u8]) -> (usize, usize) {
    let (mut boxes, mut end, mut at) = (0, 0, 0);
    while at + 2 <= bytes.len() {
        let length = usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]);
        at += 2 + length;
        if length == 0 {
            boxes += 1;
            end = at;
            continue;
        }
        if at + 2 > bytes.len() {
            break;
        }
        at += 2 + (usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]));
    }
    (boxes, end)
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let answers = ANSWER.repeat(BUFFER / ASK.len() + 1);
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let (boxes, end) = walk(&buffer[..filled]);
        stream.write_all(&answers[..boxes * ANSWER.len()]).await?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

async fn call(port: u16, outstanding: usize, time: Duration) -> std::io::Result<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let asks = ASK.repeat(outstanding);
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let start = Instant::now();
    let mut calls = 0;
    stream.write_all(&asks).await?;
    while start.elapsed() < time {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let (boxes, end) = walk(&buffer[..filled]);
        calls += boxes;
        stream.write_all(&asks[..boxes * ASK.len()]).await?;
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
    Ok(calls as f64 / start.elapsed().as_secs_f64())
}
