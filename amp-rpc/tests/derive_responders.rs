//! `#[responders]` on an `impl` block.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use amp_rpc::{Amp, Answer, Command, Failure, Fields, Locator, Peer, responders};

#[derive(Command)]
#[amp(response = Total)]
struct Add {
    amount: i64,
}

#[derive(Debug, PartialEq, Fields)]
struct Total {
    total: i64,
}

/// Adds what the caller says when asked.
#[derive(Command)]
#[amp(response = Total)]
struct AddYours;

#[derive(Command)]
#[amp(response = Total)]
struct Yours;

#[derive(Command)]
struct Absent;

#[derive(Default)]
struct Counter<T> {
    total: AtomicI64,
    _tag: std::marker::PhantomData<T>,
}

#[responders]
impl<T> Counter<T>
where
    T: Send + Sync + 'static,
{
    /// Documented, and with a receiver under another path.
    #[allow(unused_qualifications)]
    async fn add(self: std::sync::Arc<Self>, Add { amount }: Add) -> Answer<Add> {
        let total = self.total.fetch_add(amount, Ordering::Relaxed) + amount;
        Ok(Total { total })
    }

    pub(crate) async fn r#yield(self: Arc<Self>, _: AddYours, peer: Peer) -> Answer<AddYours> {
        let Total { total } = peer.call(Yours).await.map_err(Failure::unexpected)?;
        self.add(Add { amount: total }).await
    }

    #[cfg(any())]
    async fn absent(self: Arc<Self>, _: Absent) -> Answer<Absent> {
        not_even(rust)
    }
}

struct Seven;

#[responders(name = numbers, crate = amp_rpc)]
impl Seven {
    async fn yours(self: Arc<Self>, _: Yours) -> Answer<Yours> {
        Ok(Total {
            total: Self::NUMBER,
        })
    }

    const NUMBER: i64 = 7;
}

// A second block of the same type.
#[responders]
impl Seven {}

#[tokio::test]
async fn responders_answer_and_call_back() {
    let (here, there) = tokio::io::duplex(64);
    let counter = Arc::new(Counter::<()>::default());
    let server = Amp::new().locator(Arc::clone(&counter).responders());
    let client = Amp::new().locator(Arc::new(Seven).numbers());
    let _server = server.over(there);
    let client = client.over(here);
    assert_eq!(
        client.call(Add { amount: 2 }).await.unwrap(),
        Total { total: 2 }
    );
    assert_eq!(client.call(AddYours).await.unwrap(), Total { total: 9 });
    assert_eq!(counter.total.load(Ordering::Relaxed), 9);
}

#[test]
fn what_is_configured_away_is_no_responder() {
    let counter = Arc::new(Counter::<()>::default()).responders();
    assert!(counter.locate(Add::NAME).is_some());
    assert!(counter.locate(AddYours::NAME).is_some());
    assert!(counter.locate(Absent::NAME).is_none());
    assert!(Arc::new(Seven).responders().locate(Yours::NAME).is_none());
}

struct Twice;

/// Where the first method of the block begins.
const FIRST: u32 = line!() + 4;

#[responders]
impl Twice {
    async fn first(self: Arc<Self>, _: Yours) -> Answer<Yours> {
        Ok(Total { total: 1 })
    }

    async fn second(self: Arc<Self>, _: Yours) -> Answer<Yours> {
        Ok(Total { total: 2 })
    }
}

#[test]
fn two_responders_of_one_command_are_named_by_their_places() {
    let panic = std::panic::catch_unwind(|| Arc::new(Twice).responders()).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    let place = format!("derive_responders.rs:{}:14", FIRST);
    assert!(message.contains(&place), "{message}");
}
