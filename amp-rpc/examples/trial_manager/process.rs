//! Calling a program that may end before it answers.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use amp_rpc::process::Child;
use amp_rpc::{CallError, Command, NoErrors, Peer};

/// Why a program has not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// Its end, in Twisted's words.
    #[error("{}", in_words(*.0))]
    Ended(ExitStatus),
    #[error(transparent)]
    Call(CallError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Calls a command of a program. When there is no answer, the connection is closed, and the program ends.
pub(crate) async fn call<C: Command<Error = NoErrors>>(
    peer: &Peer,
    child: &Child,
    command: C,
) -> Result<C::Response, ProcessError> {
    let error = tokio::select! {
        // When it has answered, it does not matter whether it has ended too.
        biased;
        answer = peer.call(command) => match answer {
            Ok(response) => return Ok(response),
            Err(error) => error,
        },
        // The connection may stay open, if the program has started another one.
        status = child.wait() => return Err(ProcessError::Ended(status?)),
    };
    peer.close();
    let status = child.wait().await?;
    match error {
        CallError::Ended(_) => Err(ProcessError::Ended(status)),
        error => Err(ProcessError::Call(error)),
    }
}

fn in_words(status: ExitStatus) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(0), _) => {
            return "A process has ended without apparent errors: process finished with exit code 0."
                .to_owned();
        }
        (Some(code), _) => format!("process ended with exit code {code}"),
        (None, Some(signal)) => format!("process ended by signal {signal}"),
        (None, None) => status.to_string(),
    };
    format!("A process has ended with a probable error condition: {how}.")
}
