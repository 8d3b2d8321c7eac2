//! Child processes that speak AMP, over their standard input and output or over other descriptors.
//!
//! A [`Program`] says what to start and over which descriptors to speak; [`Amp::spawn`] starts it and
//! gives the peer and a [`Child`], which knows the process's id and how it ended. The endpoint
//! `process:` is the same as a string, for those who need only the peer:
//! [`ConnectEndpoint`] has its form. In Twisted it is a `ProcessEndpoint`.

mod channel;
mod child;
mod program;
mod reaper;
mod stream;

pub use child::Child;
pub(crate) use program::DEFAULT_GRACE;
pub use program::{Output, Program};
pub use stream::ProgramEnded;

use crate::amp::Amp;
use crate::endpoint::{ConnectEndpoint, ConnectError};
use crate::peer::Peer;

impl Amp {
    /// Starts a program and speaks AMP with it.
    ///
    /// ```no_run
    /// use amp_rpc::{Amp, process::Program};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let worker = Program::new("python3").arg("worker.py").descriptors(3, 4);
    /// let (peer, child) = Amp::new().spawn(&worker)?;
    /// println!("process {} runs", child.pid());
    /// // …
    /// peer.close();
    /// println!("it ended: {}", child.wait().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// When the connection is closed, so are its descriptors, which tells the program to end; it is
    /// killed when it takes longer than [`Program::grace`] for that. Nobody has to wait for it: it is
    /// reaped in any case.
    ///
    /// When the program ends first, the connection ends, with
    /// [`EndReason::ProgramEnded`](crate::EndReason::ProgramEnded) unless the program's exit status is 0.
    ///
    /// # Errors
    ///
    /// The program cannot be started: there is none of this name, it may not be executed, there is no
    /// such directory, or the system has no descriptors left.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its drivers for time and I/O enabled.
    pub fn spawn(&self, program: &Program) -> Result<(Peer, Child), ConnectError> {
        let (transport, child) = program.start().map_err(|source| ConnectError::Io {
            endpoint: Box::new(ConnectEndpoint::process(program.clone())),
            source,
        })?;
        Ok((self.start(transport), child))
    }
}
