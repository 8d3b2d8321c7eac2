//! Programs on raw tokio sockets.

use std::future::Future;
use std::io;

use tokio::net::{TcpListener, TcpStream};

use crate::{Error, Job, Load, Report, Side};

/// Does what the command line asks for: a server that answers on each connection, or a client that measures.
///
/// # Errors
///
/// Mistakes on the command line, and whatever fails on the way.
pub fn run_raw<F>(
    answer: fn(TcpStream) -> F,
    measure: impl AsyncFnOnce(Vec<TcpStream>, Load) -> Result<Report, Error>,
) -> Result<(), Error>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let job = Job::from_command_line()?;
    job.runtime()?.block_on(async {
        match job.side {
            Side::Server => serve(answer).await,
            Side::Client { port, load } => {
                let streams = connect(port, load.connections).await?;
                crate::connected();
                println!("{}", measure(streams, load).await?);
                Ok(())
            }
            Side::Idle { .. } => Err("a raw socket takes no memory in its process".into()),
        }
    })
}

async fn serve<F>(answer: fn(TcpStream) -> F) -> Result<(), Error>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    crate::listening(listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream));
    }
}

async fn connect(port: u16, count: usize) -> io::Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    Ok(streams)
}
