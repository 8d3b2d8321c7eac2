//! Responders: the functions that carry commands out.

mod form;
mod order;
mod task;
mod work;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;
use std::sync::Arc;

use amp_rpc_core::dynamic::{Raised, Values};
use amp_rpc_core::schema::CommandSchema;
use amp_rpc_core::wire::BoxView;
use amp_rpc_core::{AmpBox, Answer, Command, Excerpt, Failure};

pub use task::Responder;
pub(crate) use task::{MakePeer, Reply, Task, guard};

use self::form::{Dynamic, Raw, Typed};
use self::order::Order;
use self::work::Function;
use crate::locator::Locator;
use crate::peer::Peer;

impl Responder {
    /// A function that carries out the command `C`.
    pub fn on<C, F, Fut>(f: F) -> Self
    where
        C: Command,
        F: Fn(C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<C>> + Send + 'static,
    {
        let call = move |command: C, _: MakePeer<'_>| f(command);
        Self::new(Function::new(Typed::<C>::new(), call))
    }

    /// A function that carries out the command `C` and gets the peer that calls it.
    pub fn on_with_peer<C, F, Fut>(f: F) -> Self
    where
        C: Command,
        F: Fn(C, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<C>> + Send + 'static,
    {
        let call = move |command: C, peer: MakePeer<'_>| f(command, peer());
        Self::new(Function::new(Typed::<C>::new(), call))
    }

    /// A function that gets a command as a box, with all its keys, and returns the answer as one.
    /// The keys of the protocol in the answer are replaced.
    pub fn on_box<F, Fut>(f: F) -> Self
    where
        F: Fn(AmpBox, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<AmpBox, Failure>> + Send + 'static,
    {
        let call = move |message: AmpBox, peer: MakePeer<'_>| f(message, peer());
        Self::new(Function::new(Raw, call))
    }

    /// A function that carries out the command of a schema. It returns the values of the answer, or
    /// an error by its label in the schema.
    pub fn on_dynamic<F, Fut>(schema: CommandSchema, f: F) -> Self
    where
        F: Fn(Values, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Values, Failure<Raised>>> + Send + 'static,
    {
        let call = move |values: Values, peer: MakePeer<'_>| f(values, peer());
        Self::new(Function::new(Dynamic(schema), call))
    }
}

/// A set of responders by the names of their commands: the usual [`Locator`].
///
/// Responders are functions. What they share is a state, which each gets as an `Arc`:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use amp_rpc::{Answer, Command, Fields, Peer, Responders};
///
/// #[derive(Command)]
/// #[amp(response = Total)]
/// struct Add { amount: i64 }
///
/// #[derive(Fields)]
/// struct Total { total: i64 }
///
/// #[derive(Command)]
/// struct WhoAmI {}
///
/// #[derive(Default)]
/// struct Counter { total: AtomicI64 }
///
/// impl Counter {
///     async fn add(self: Arc<Self>, command: Add) -> Answer<Add> {
///         let total = self.total.fetch_add(command.amount, Ordering::Relaxed) + command.amount;
///         Ok(Total { total })
///     }
///
///     async fn who_am_i(self: Arc<Self>, _: WhoAmI, peer: Peer) -> Answer<WhoAmI> {
///         println!("{:?} asks who it is", peer.addresses().remote);
///         Ok(())
///     }
/// }
///
/// let responders = Responders::with_state(Counter::default())
///     .on(Counter::add)
///     .on_with_peer(Counter::who_am_i);
/// ```
///
/// Registering a name twice is a mistake in the program and panics; to override on purpose, put one
/// set before another with [`or`](Locator::or).
#[derive(Clone)]
pub struct Responders<S = ()> {
    state: S,
    table: Table,
}

#[derive(Clone, Default)]
struct Table {
    by_name: HashMap<Vec<u8>, Entry, BuildHasherDefault<NameHasher>>,
    /// By the upper-case form of the name.
    ignoring_case: HashMap<Vec<u8>, Entry, BuildHasherDefault<NameHasher>>,
    fallback: Option<Entry>,
    spawned: bool,
    stops_when_canceled: bool,
    order: Option<Order>,
}

#[derive(Clone)]
struct Entry {
    responder: Responder,
    registered: &'static Location<'static>,
}

impl Responders {
    /// A set without responders, and without a state.
    pub fn new() -> Self {
        Self {
            state: (),
            table: Table::default(),
        }
    }

    /// A set whose responders share `state`.
    pub fn with_state<T: Send + Sync + 'static>(state: T) -> Responders<Arc<T>> {
        Self::with_shared(Arc::new(state))
    }

    /// A set whose responders share `state`, which others have too.
    pub fn with_shared<T: Send + Sync + 'static>(state: Arc<T>) -> Responders<Arc<T>> {
        Responders {
            state,
            table: Table::default(),
        }
    }

    /// Adds a function that carries out the command `C`.
    ///
    /// # Panics
    ///
    /// When the set has a responder for `C`'s name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on<C, F, Fut>(self, f: F) -> Self
    where
        C: Command,
        F: Fn(C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<C>> + Send + 'static,
    {
        self.add(C::NAME, Responder::on(f))
    }

    /// Adds a function that carries out the command `C` and gets the peer that calls it.
    ///
    /// # Panics
    ///
    /// When the set has a responder for `C`'s name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on_with_peer<C, F, Fut>(self, f: F) -> Self
    where
        C: Command,
        F: Fn(C, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<C>> + Send + 'static,
    {
        self.add(C::NAME, Responder::on_with_peer(f))
    }
}

impl Default for Responders {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send + Sync + 'static> Responders<Arc<T>> {
    /// Adds a function that carries out the command `C` with the state.
    ///
    /// # Panics
    ///
    /// When the set has a responder for `C`'s name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on<C, F, Fut>(self, f: F) -> Self
    where
        C: Command,
        F: Fn(Arc<T>, C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<C>> + Send + 'static,
    {
        let state = Arc::clone(&self.state);
        let responder = Responder::on(move |command| f(Arc::clone(&state), command));
        self.add(C::NAME, responder)
    }

    /// Adds a function that carries out the command `C` with the state and gets the peer that calls it.
    ///
    /// # Panics
    ///
    /// When the set has a responder for `C`'s name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on_with_peer<C, F, Fut>(self, f: F) -> Self
    where
        C: Command,
        F: Fn(Arc<T>, C, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer<C>> + Send + 'static,
    {
        let state = Arc::clone(&self.state);
        let responder =
            Responder::on_with_peer(move |command, peer| f(Arc::clone(&state), command, peer));
        self.add(C::NAME, responder)
    }
}

impl<S> Responders<S> {
    /// Adds a responder made elsewhere under any name.
    ///
    /// # Panics
    ///
    /// When the set has a responder for the name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn add(mut self, name: impl AsRef<[u8]>, responder: Responder) -> Self {
        insert(&mut self.table.by_name, name.as_ref(), responder);
        self
    }

    /// Adds a function that gets the command of this name as a box, with all its keys, and returns
    /// the answer as one.
    ///
    /// # Panics
    ///
    /// When the set has a responder for the name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on_box<F, Fut>(self, name: impl AsRef<[u8]>, f: F) -> Self
    where
        F: Fn(AmpBox, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<AmpBox, Failure>> + Send + 'static,
    {
        self.add(name, Responder::on_box(f))
    }

    /// Adds a function that carries out the command of a schema made at run time. It returns the
    /// values of the answer, or an error by its label in the schema.
    ///
    /// # Panics
    ///
    /// When the set has a responder for the command's name; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on_dynamic<F, Fut>(self, schema: CommandSchema, f: F) -> Self
    where
        F: Fn(Values, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Values, Failure<Raised>>> + Send + 'static,
    {
        let name = schema.name.clone();
        self.add(&*name, Responder::on_dynamic(schema, f))
    }

    /// The same as [`on_box`](Self::on_box) for a name in any case, as Twisted finds its methods `amp_NAME`. Names that are
    /// registered exactly come first.
    ///
    /// # Panics
    ///
    /// When the set has such a responder for the name in some case; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn on_box_ignoring_case<F, Fut>(mut self, name: impl AsRef<[u8]>, f: F) -> Self
    where
        F: Fn(AmpBox, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<AmpBox, Failure>> + Send + 'static,
    {
        let name = name.as_ref().to_ascii_uppercase();
        insert(&mut self.table.ignoring_case, &name, Responder::on_box(f));
        self
    }

    /// Sets the function that gets all commands without a responder, as boxes; their name stands
    /// under `_command`.
    ///
    /// # Panics
    ///
    /// When the set has a fallback; the message names both places.
    #[must_use]
    #[track_caller]
    pub fn fallback<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(AmpBox, Peer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<AmpBox, Failure>> + Send + 'static,
    {
        if let Some(first) = &self.table.fallback {
            panic!("the fallback is set already, at {}", first.registered);
        }
        self.table.fallback = Some(Entry {
            responder: Responder::on_box(f),
            registered: Location::caller(),
        });
        self
    }

    /// The same set, whose responders are dropped where they stand when their caller says that it waits no
    /// longer: its call was dropped, or its time is over. Nothing is answered then. Default: they
    /// finish, and can look at [`AskContext::canceled`](crate::AskContext::canceled).
    ///
    /// Only callers that use this crate say so; others never do.
    #[must_use]
    pub fn stop_when_canceled(mut self) -> Self {
        self.table.stops_when_canceled = true;
        self
    }

    /// The same set, of which one responder runs at a time on each connection, in the order in which the asks came.
    /// Default: they start in that order and run at the same time, as in Twisted.
    ///
    /// Those that wait count as running ones towards [`Amp::max_running`](crate::Amp::max_running). A responder that calls its
    /// peer and is called back waits for itself if that is by a command of the same set.
    #[must_use]
    pub fn serial(self) -> Self {
        self.serial_by(|_| Vec::new())
    }

    /// The same set, of which one responder runs at a time on each connection for each key, in the order in which the asks
    /// came. `key` makes the key from an ask's box:
    ///
    /// ```
    /// use amp_rpc::{Answer, Command, Responders};
    ///
    /// #[derive(Command)]
    /// struct Deposit { account: String, amount: u64 }
    ///
    /// async fn deposit(_: Deposit) -> Answer<Deposit> { Ok(()) }
    ///
    /// let responders = Responders::new()
    ///     .on(deposit)
    ///     .serial_by(|ask| ask.get(b"account").map_or_else(Vec::new, |account| account.to_vec()));
    /// ```
    ///
    /// As for [`serial`](Self::serial) otherwise. Commands that begin TLS or switch the protocol never wait. When `key` panics,
    /// the ask is answered `UNKNOWN`.
    #[must_use]
    pub fn serial_by(
        mut self,
        key: impl Fn(&BoxView<'_>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.table.order = Some(Order::new(key));
        self
    }

    /// The same set, whose responders run in tasks of the runtime's instead of the connection's: for
    /// handlers that compute for long, which would hold the connection's other work up.
    #[must_use]
    pub fn spawned(mut self) -> Self {
        self.table.spawned = true;
        self
    }
}

#[track_caller]
fn insert(
    table: &mut HashMap<Vec<u8>, Entry, BuildHasherDefault<NameHasher>>,
    name: &[u8],
    responder: Responder,
) {
    let entry = Entry {
        responder,
        registered: Location::caller(),
    };
    if let Some(first) = table.insert(name.to_vec(), entry) {
        let name = Excerpt(name);
        panic!(
            "the command {name} has a responder already, registered at {}",
            first.registered
        );
    }
}

impl<S: Send + Sync + 'static> Locator for Responders<S> {
    fn locate(&self, command: &[u8]) -> Option<Responder> {
        let Table {
            by_name,
            ignoring_case,
            fallback,
            spawned,
            stops_when_canceled,
            order,
        } = &self.table;
        let entry = by_name
            .get(command)
            .or_else(|| {
                if ignoring_case.is_empty() {
                    return None;
                }
                ignoring_case.get(&command.to_ascii_uppercase())
            })
            .or(fallback.as_ref())?;
        let mut responder = entry.responder.clone();
        if *spawned {
            responder = responder.spawned();
        }
        if *stops_when_canceled {
            responder = responder.stop_when_canceled();
        }
        if let Some(order) = order {
            responder = responder.ordered(order.clone());
        }
        Some(responder)
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

impl<S> fmt::Debug for Responders<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.table.by_name.keys().map(|name| Excerpt(name)))
            .entries(self.table.ignoring_case.keys().map(|name| Excerpt(name)))
            .finish()
    }
}

/// A hash for the few names that a program registers (FNV-1a). Peers choose only what is looked up,
/// so they cannot make names collide.
struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_usize(&mut self, length: usize) {
        self.0 ^= length as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
