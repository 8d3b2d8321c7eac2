//! Who waits for the process, whatever becomes of everybody else.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::server::unless;

/// How long to wait for a process that was killed because the runtime is being shut down.
const LAST_WAIT: Duration = Duration::from_millis(200);

/// A handle to the task that waits for a process.
#[derive(Debug, Clone)]
pub(super) struct Reaper(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: PathBuf,
    pid: u32,
    wish: watch::Sender<Wish>,
    end: watch::Receiver<Option<End>>,
}

/// How a process ended; an error if somebody else has reaped it.
type End = Result<ExitStatus, io::ErrorKind>;

/// What is wished for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    /// That it runs.
    Run,
    /// That it ends within its time: it has been told.
    End,
    Kill,
}

impl Reaper {
    pub(super) fn start(program: &Path, child: Child, grace: Duration) -> io::Result<Self> {
        // It is there until the process has been waited for.
        let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
        let (wish, wished) = watch::channel(Wish::Run);
        let (ended, end) = watch::channel(None);
        tokio::spawn(async move {
            let end = reap(Owned(child), wished, grace).await;
            ended.send_replace(Some(end.map_err(|error| error.kind())));
        });
        Ok(Self(Arc::new(Inner {
            program: program.to_owned(),
            pid,
            wish,
            end,
        })))
    }

    pub(super) fn program(&self) -> &Path {
        &self.0.program
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Says that the process has been told to end: from now on its time runs.
    pub(super) fn end(&self) {
        self.wish(Wish::End);
    }

    pub(super) fn kill(&self) {
        self.wish(Wish::Kill);
    }

    fn wish(&self, wish: Wish) {
        self.0.wish.send_if_modified(|wished| {
            let is_more = *wished < wish;
            *wished = wish.max(*wished);
            is_more
        });
    }

    /// Waits for the end of the process.
    pub(super) async fn wait(&self) -> io::Result<ExitStatus> {
        let mut end = self.0.end.clone();
        let ended = end.wait_for(Option::is_some).await;
        match ended.as_deref() {
            Ok(Some(end)) => Ok((*end)?),
            _ => Err(io::Error::other("the runtime has been shut down")),
        }
    }

    pub(super) fn status(&self) -> Option<io::Result<ExitStatus>> {
        self.0.end.borrow().map(|end| Ok(end?))
    }
}

async fn reap(
    mut child: Owned,
    wished: watch::Receiver<Wish>,
    grace: Duration,
) -> io::Result<ExitStatus> {
    match unless(doom(wished, grace), child.0.wait()).await {
        Some(end) => end,
        None => {
            child.0.start_kill()?;
            child.0.wait().await
        }
    }
}

/// Done when the process is to be killed.
async fn doom(mut wished: watch::Receiver<Wish>, grace: Duration) {
    // The senders are the handles. The last one to go without a wish was the connection's, which has
    // wished for the end when it was dropped.
    let _ = wished.wait_for(|wish| *wish > Wish::Run).await;
    let killed = async {
        if wished.wait_for(|wish| *wish == Wish::Kill).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let _ = timeout(grace, killed).await;
}

/// A process that does not outlive its task.
struct Owned(Child);

impl Drop for Owned {
    /// The task is dropped before its end only when the runtime is shut down. What can be done without
    /// one is to kill the process and to wait for a moment.
    fn drop(&mut self) {
        if self.0.start_kill().is_err() {
            return;
        }
        let step = Duration::from_millis(1);
        let mut waited = Duration::ZERO;
        while waited < LAST_WAIT && matches!(self.0.try_wait(), Ok(None)) {
            thread::sleep(step);
            waited += step;
        }
    }
}
