//! What a worker says while it runs a test.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use amp_rpc::{Answer, Failure};

use crate::commands::{
    AddError, AddExpectedFailure, AddFailure, AddSkip, AddSuccess, AddUnexpectedSuccess, Opened,
    StreamOpen, StreamWrite, Success, TestWrite,
};
use crate::outcome::{Frame, Outcome, Traceback};

/// How much the open streams of a worker may hold. A worker whose text is longer reports an error.
const MAX_STREAMED: usize = 64 * 1024 * 1024;

const SUCCESS: Success = Success { success: true };

/// What has been reported so far: the state of a worker's connection.
pub(crate) struct Results {
    state: Mutex<State>,
    log: Arc<File>,
}

#[derive(Default)]
struct State {
    outcomes: Vec<Outcome>,
    streams: HashMap<u64, Vec<Vec<u8>>>,
    opened: u64,
    streamed: usize,
}

impl Results {
    /// `log`: where the workers' log goes.
    pub(crate) fn new(log: Arc<File>) -> Self {
        Self {
            state: Mutex::default(),
            log,
        }
    }

    /// What was reported since this was asked last.
    pub(crate) fn take(&self) -> Vec<Outcome> {
        std::mem::take(&mut self.state().outcomes)
    }

    fn add(&self, outcome: Outcome) -> Result<Success, Failure> {
        self.state().outcomes.push(outcome);
        Ok(SUCCESS)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[amp_rpc::responders]
impl Results {
    async fn stream_open(self: Arc<Self>, _: StreamOpen) -> Answer<StreamOpen> {
        let mut state = self.state();
        let stream_id = state.opened;
        state.opened += 1;
        state.streams.insert(stream_id, Vec::new());
        Ok(Opened { stream_id })
    }

    async fn stream_write(self: Arc<Self>, write: StreamWrite) -> Answer<StreamWrite> {
        let mut guard = self.state();
        let state = &mut *guard;
        let length = state.streamed + write.data.len();
        if length > MAX_STREAMED {
            return Err(Failure::unexpected("the worker's streams hold too much"));
        }
        let stream = state.streams.get_mut(&write.stream_id);
        let stream = stream.ok_or_else(no_such_stream)?;
        state.streamed = length;
        stream.push(write.data);
        Ok(())
    }

    async fn add_success(self: Arc<Self>, _: AddSuccess) -> Answer<AddSuccess> {
        self.add(Outcome::Success)
    }

    async fn add_error(self: Arc<Self>, error: AddError) -> Answer<AddError> {
        let streams = (error.error_stream_id, error.frames_stream_id);
        let traceback = self.state().traceback(error.error_class, streams);
        self.add(Outcome::Error(traceback.ok_or_else(no_such_stream)?))
    }

    async fn add_failure(self: Arc<Self>, failure: AddFailure) -> Answer<AddFailure> {
        let streams = (failure.fail_stream_id, failure.frames_stream_id);
        let traceback = self.state().traceback(failure.fail_class, streams);
        self.add(Outcome::Failure(traceback.ok_or_else(no_such_stream)?))
    }

    async fn add_skip(self: Arc<Self>, skip: AddSkip) -> Answer<AddSkip> {
        let reason = skip.reason;
        self.add(Outcome::Skip { reason })
    }

    async fn add_expected_failure(
        self: Arc<Self>,
        failure: AddExpectedFailure,
    ) -> Answer<AddExpectedFailure> {
        let error = self.state().text(failure.error_stream_id);
        self.add(Outcome::ExpectedFailure {
            todo: failure.todo,
            error: error.ok_or_else(no_such_stream)?,
        })
    }

    async fn add_unexpected_success(
        self: Arc<Self>,
        success: AddUnexpectedSuccess,
    ) -> Answer<AddUnexpectedSuccess> {
        let todo = success.todo;
        self.add(Outcome::UnexpectedSuccess { todo })
    }

    async fn test_write(self: Arc<Self>, line: TestWrite) -> Answer<TestWrite> {
        // In one piece, since the workers share the file.
        let line = format!("{}\n", line.out);
        (&*self.log)
            .write_all(line.as_bytes())
            .map_err(Failure::unexpected)?;
        Ok(SUCCESS)
    }
}

fn no_such_stream() -> Failure {
    Failure::unexpected("there is no such stream")
}

impl State {
    /// Ends a stream and takes its pieces.
    fn finish(&mut self, stream: u64) -> Option<Vec<Vec<u8>>> {
        let pieces = self.streams.remove(&stream)?;
        self.streamed -= pieces.iter().map(Vec::len).sum::<usize>();
        Some(pieces)
    }

    fn text(&mut self, stream: u64) -> Option<String> {
        let bytes = self.finish(stream)?.concat();
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The streams are those of the message and of the frames, of which each has three pieces.
    fn traceback(&mut self, class: String, (message, frames): (u64, u64)) -> Option<Traceback> {
        let message = self.text(message)?;
        let pieces = self.finish(frames)?;
        let text = |piece: &[u8]| String::from_utf8_lossy(piece).into_owned();
        let frames = pieces.chunks_exact(3).map(|frame| Frame {
            function: text(&frame[0]),
            file: text(&frame[1]),
            line: text(&frame[2]).parse().unwrap_or_default(),
        });
        Some(Traceback {
            class,
            message,
            frames: frames.collect(),
        })
    }
}
