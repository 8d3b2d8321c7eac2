//! The line protocol behind `Switch`, from the side of the client.

use std::fmt;

use amp_rpc::SwitchedStream;
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split,
};
use tokio::sync::{mpsc, watch};

/// Gets the line that comes back, or `None` when the connection ended first.
pub type Report = Box<dyn FnOnce(Option<String>) + Send>;

/// The longest line that is read.
const LONGEST: u64 = 1024 * 1024;

/// Sends lines and gives each the line that comes back in its turn.
#[derive(Clone)]
pub struct Lines {
    orders: mpsc::UnboundedSender<(String, Report)>,
    ended: watch::Receiver<bool>,
}

impl Lines {
    /// Takes the stream over.
    pub fn start(stream: SwitchedStream) -> Self {
        let (orders, taken) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(false);
        let (to_reader, waiting) = mpsc::unbounded_channel();
        let (reading, writing) = split(stream);
        tokio::spawn(write(writing, taken, to_reader));
        tokio::spawn(async move {
            read(reading, waiting).await;
            end.send_replace(true);
        });
        Self { orders, ended }
    }

    /// Sends a line.
    pub fn send(&self, line: String, report: Report) {
        if let Err(refused) = self.orders.send((line, report)) {
            let (_, report) = refused.0;
            report(None);
        }
    }

    /// Waits for the end of the connection.
    pub async fn closed(&mut self) {
        // An error means that the reading task is gone, and so is the connection.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

async fn write(
    mut stream: WriteHalf<SwitchedStream>,
    mut orders: mpsc::UnboundedReceiver<(String, Report)>,
    to_reader: mpsc::UnboundedSender<Report>,
) {
    while let Some((mut line, report)) = orders.recv().await {
        line.push('\n');
        if let Err(refused) = to_reader.send(report) {
            (refused.0)(None);
            return;
        }
        if stream.write_all(line.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    // When it fails, the peer has closed already.
    let _ = stream.shutdown().await;
}

async fn read(stream: ReadHalf<SwitchedStream>, mut waiting: mpsc::UnboundedReceiver<Report>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut stream).take(LONGEST);
        let read = limited.read_until(b'\n', &mut line).await;
        if read.is_err() || line.pop() != Some(b'\n') {
            break;
        }
        let Some(report) = waiting.recv().await else {
            return;
        };
        report(Some(String::from_utf8_lossy(&line).into_owned()));
    }
    waiting.close();
    while let Some(report) = waiting.recv().await {
        report(None);
    }
}
