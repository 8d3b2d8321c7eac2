//! The worker processes, each with a task that gives it one test after the other.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::outcome::Outcome;
use crate::worker::{Setup, Worker};

/// What happens in the pool.
pub(crate) enum Event {
    Started {
        worker: usize,
        test: String,
    },
    Ended {
        worker: usize,
        test: String,
        outcomes: Vec<Outcome>,
    },
    /// The tests cannot be run.
    Broken(Box<dyn Error + Send + Sync>),
}

/// The tests that nobody has taken yet.
type Queue = Arc<Mutex<std::vec::IntoIter<String>>>;

/// Runs all tests. There are no more events when all have run and all workers have ended.
pub(crate) fn run(setup: Setup, jobs: usize, tests: Vec<String>) -> Receiver<Event> {
    let (events, received) = mpsc::channel(64);
    let setup = Arc::new(setup);
    let workers = jobs.min(tests.len());
    let queue = Arc::new(Mutex::new(tests.into_iter()));
    for worker in 0..workers {
        let (setup, queue, events) = (Arc::clone(&setup), Arc::clone(&queue), events.clone());
        tokio::spawn(async move {
            if let Err(error) = drive(&setup, worker, &queue, &events).await {
                // Nobody listens only when another worker was broken first.
                let _ = events.send(Event::Broken(error)).await;
            }
        });
    }
    received
}

/// Gives tests to one worker as long as there are any. A worker that does not survive a test is replaced,
/// where trial would fail all tests that it would have given to it.
async fn drive(
    setup: &Setup,
    number: usize,
    queue: &Queue,
    events: &Sender<Event>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut current = None;
    while let Some(test) = next(queue) {
        let worker = match current.take() {
            Some(worker) => worker,
            None => Worker::start(setup, number).await?,
        };
        let started = test.clone();
        events
            .send(Event::Started {
                worker: number,
                test: started,
            })
            .await?;
        let outcomes = match worker.run(&test).await {
            Ok(outcomes) => {
                current = Some(worker);
                outcomes
            }
            Err(outcomes) => {
                worker.stop().await?;
                outcomes
            }
        };
        events
            .send(Event::Ended {
                worker: number,
                test,
                outcomes,
            })
            .await?;
    }
    match current {
        Some(worker) => Ok(worker.stop().await?),
        None => Ok(()),
    }
}

fn next(queue: &Queue) -> Option<String> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}
