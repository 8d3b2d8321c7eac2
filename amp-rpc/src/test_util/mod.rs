//! For tests of programs that use this crate: connections in memory, a peer that follows a script, streams with faults,
//! and checks of commands. With the feature `test-util`; for `[dev-dependencies]`.
//!
//! Everything works under tokio's paused time (`#[tokio::test(start_paused = true)]`): then deadlines and pauses take no time, and
//! a test that would wait for ever ends at once with its timeout.

mod commands;
mod faulty;
mod reordered;
mod scripted;

pub use commands::{check_command, check_fields, check_fields_with, check_golden};
pub use faulty::Faulty;
pub use reordered::reordered;
pub use scripted::{Asked, Scripted};

use crate::amp::Amp;
use crate::peer::Peer;

/// How many bytes a connection in memory holds in each direction.
const ROOM: usize = 64 * 1024;

/// Two sides of one connection in memory.
///
/// ```
/// use amp_rpc::test_util::pair;
/// use amp_rpc::{Amp, Answer, Command, Responders};
///
/// #[derive(Command)]
/// struct Ping {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Amp::new().locator(Responders::new().on(async |_: Ping| -> Answer<Ping> { Ok(()) }));
/// let (_server, client) = pair(&server, &Amp::new());
/// client.call(Ping {}).await.unwrap();
/// # }
/// ```
///
/// # Panics
///
/// As [`Amp::over`].
pub fn pair(left: &Amp, right: &Amp) -> (Peer, Peer) {
    let (one, other) = tokio::io::duplex(ROOM);
    (left.over(one), right.over(other))
}
