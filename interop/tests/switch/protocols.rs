//! Our side of the protocols: just as much of HTTP as Twisted's needs.

use amp_rpc::SwitchedStream;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

/// A head of HTTP, and the body behind it.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    /// The lines, the first one included.
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// Reads a message whose length is said.
pub(crate) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> Message {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a line");
        let line = line.strip_suffix("\r\n").expect("the end of a line");
        if line.is_empty() {
            break;
        }
        head.push(line.to_owned());
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse().expect("a length"))
    });
    let mut body = vec![0; length.expect("a length")];
    stream.read_exact(&mut body).await.expect("a body");
    Message { head, body }
}

/// Serves one request: gives back what was posted.
pub(crate) async fn serve(stream: SwitchedStream) {
    let mut stream = BufReader::new(stream);
    let request = read(&mut stream).await;
    let path = request.head[0].split(' ').nth(1).expect("a path");
    let head = format!(
        "HTTP/1.1 200 OK\r\nX-Path: {path}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        request.body.len()
    );
    for part in [head.as_bytes(), &request.body] {
        stream.write_all(part).await.expect("it is read");
    }
    // The other side may be gone with what it wanted.
    let _ = stream.shutdown().await;
}

/// Shouts lines, with a greeting that is written at once.
pub(crate) async fn shout(mut stream: SwitchedStream) {
    stream.write_all(b"ready\r\n").await.expect("it is read");
    stream.flush().await.expect("it is read");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.expect("a line") > 0 && line != "end\r\n" {
        let loud = line.to_uppercase();
        stream.write_all(loud.as_bytes()).await.expect("it is read");
        stream.flush().await.expect("it is read");
        line.clear();
    }
    // The other side may be gone with what it wanted.
    let _ = stream.shutdown().await;
}
