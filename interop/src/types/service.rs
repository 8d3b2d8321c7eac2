//! One connection that serves every command.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use amp_rpc::{Answer, CallError, Failure, Peer, RemoteError, Responders};
use num_bigint::BigInt;
use tokio::sync::oneshot;

use super::commands::{
    AskFor, Bounce, Break, BreakError, CatchAll, Crash, Depth, Double, DoubleAll, Hold, Lookup,
    LookupError, LookupOwned, LookupOwnedError, Outcome, OwnCode, Release, Released, Tell, Texts,
    Told, Total,
};
use super::echoes::serve_echoes;

/// What is kept for one connection.
#[derive(Debug, Default)]
pub struct Service {
    told: Mutex<Vec<String>>,
    held: Mutex<Vec<oneshot::Sender<()>>>,
}

/// The responders of a new connection.
pub fn service() -> Responders<Arc<Service>> {
    serve_echoes(Responders::with_state(Service::default()))
        .on(Service::lookup)
        .on(Service::lookup_owned)
        .on(Service::break_)
        .on(Service::crash)
        .on(Service::catch_all)
        .on(Service::own_code)
        .on(Service::tell)
        .on(Service::told)
        .on(Service::hold)
        .on(Service::release)
        .on(Service::double)
        .on_with_peer(Service::double_all)
        .on_with_peer(Service::bounce)
        .on_with_peer(Service::ask_for)
}

impl Service {
    async fn lookup(self: Arc<Self>, command: Lookup) -> Answer<Lookup> {
        if command.text.is_empty() {
            return Ok(());
        }
        Err(LookupError::NotThere(command.text).into())
    }

    async fn lookup_owned(self: Arc<Self>, command: LookupOwned) -> Answer<LookupOwned> {
        let error = match command.kind.as_str() {
            "not there" | "not there yet" => LookupError::NotThere(command.kind).into(),
            "not yours" => LookupOwnedError::NotYours(command.kind),
            _ => return Ok(()),
        };
        Err(error.into())
    }

    async fn break_(self: Arc<Self>, command: Break) -> Answer<Break> {
        Err(BreakError::Broken(command.text).into())
    }

    async fn crash(self: Arc<Self>, command: Crash) -> Answer<Crash> {
        Err(Failure::unexpected(command.text))
    }

    async fn catch_all(self: Arc<Self>, command: CatchAll) -> Answer<CatchAll> {
        Err(Failure::unexpected(command.text))
    }

    async fn own_code(self: Arc<Self>, command: OwnCode) -> Answer<OwnCode> {
        let error = RemoteError::new(command.code, command.description);
        let error = if command.fatal { error.fatal() } else { error };
        Err(error.into())
    }

    async fn tell(self: Arc<Self>, command: Tell) -> Answer<Tell> {
        lock(&self.told).push(command.text);
        Ok(())
    }

    async fn told(self: Arc<Self>, _: Told) -> Answer<Told> {
        let texts = lock(&self.told).clone();
        Ok(Texts { texts })
    }

    async fn hold(self: Arc<Self>, command: Hold) -> Answer<Hold> {
        let (release, released) = oneshot::channel();
        lock(&self.held).push(release);
        released.await.map_err(Failure::unexpected)?;
        Ok(command)
    }

    async fn release(self: Arc<Self>, _: Release) -> Answer<Release> {
        let held = std::mem::take(&mut *lock(&self.held));
        let count = held.len();
        for release in held.into_iter().rev() {
            // Where nobody waits any more, the connection is ending.
            let _ = release.send(());
        }
        Ok(Released { count })
    }

    async fn double(self: Arc<Self>, command: Double) -> Answer<Double> {
        let number = command.number * 2;
        Ok(Double { number })
    }

    async fn double_all(self: Arc<Self>, command: DoubleAll, peer: Peer) -> Answer<DoubleAll> {
        let numbers = (1..=command.count).map(BigInt::from);
        let calls: Vec<_> = numbers
            .map(|number| peer.call(Double { number }).start())
            .collect();
        let mut total = BigInt::ZERO;
        for call in calls {
            total += call.await.map_err(Failure::unexpected)?.number;
        }
        Ok(Total { total })
    }

    async fn bounce(self: Arc<Self>, command: Bounce, peer: Peer) -> Answer<Bounce> {
        let Some(left) = command.left.checked_sub(1) else {
            return Ok(Depth { depth: 0 });
        };
        let answer = peer.call(Bounce { left }).await;
        let depth = answer.map_err(Failure::unexpected)?.depth + 1;
        Ok(Depth { depth })
    }

    async fn ask_for(self: Arc<Self>, command: AskFor, peer: Peer) -> Answer<AskFor> {
        let outcome = match peer.call(Lookup { text: command.text }).await {
            Ok(()) => "found".to_owned(),
            Err(CallError::Declared {
                error: LookupError::NotThere(text),
                ..
            }) => format!("NOT_THERE {text}"),
            Err(error) => return Err(Failure::unexpected(error)),
        };
        Ok(Outcome { outcome })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
