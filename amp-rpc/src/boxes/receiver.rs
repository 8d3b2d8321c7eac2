use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

use amp_rpc_core::AmpBox;

use super::connection::Connection;
use super::log;
use super::sender::BoxSender;
use crate::end::EndReason;
use crate::responders::guard;
use crate::transport::Transport;

/// Receives the boxes of a connection instead of a conversation. Twisted's `IBoxReceiver`.
///
/// The connection's task calls it, so it must not block. When one of its methods panics, its
/// connection ends with [`EndReason::ClosedHere`], and no other; the feature `tracing` reports it.
pub trait BoxReceiver: Send + 'static {
    /// The connection is there; `sender` sends boxes over it.
    fn start_receiving_boxes(&mut self, sender: BoxSender);

    /// A box has come.
    fn box_received(&mut self, message: AmpBox);

    /// No more boxes will come, and none can be sent. Called after a panic too; not when the runtime
    /// shuts down, which drops the receiver.
    fn stop_receiving_boxes(&mut self, reason: EndReason);

    /// Whether the receiver can take a box now; while it cannot, nothing is read. It may be asked
    /// several times before the next box. Default: always.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }
}

/// Carries a connection for a receiver until it ends.
pub(crate) fn run(
    transport: Transport,
    sender: BoxSender,
    receiver: impl BoxReceiver,
) -> impl Future<Output = ()> + Send {
    // Not made within the future: one that is dropped before its first poll has to end the sender too.
    carry(Connection::new(transport, sender), receiver)
}

async fn carry(mut connection: Connection, mut receiver: impl BoxReceiver) {
    let sender = connection.sender();
    let reason = match guarded(|| receiver.start_receiving_boxes(sender)) {
        Ok(()) => poll_fn(|cx| connection.poll(cx, &mut receiver)).await,
        Err(reason) => reason,
    };
    connection.end(reason.clone());
    // The connection is at its end already: a panic changes nothing.
    let _ = guarded(|| receiver.stop_receiving_boxes(reason.clone()));
    drop(receiver);
    connection.farewell(&reason).await;
}

/// Calls a receiver; its panic ends the connection.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, EndReason> {
    guard(call).map_err(|message| {
        log::panicked(&message);
        EndReason::ClosedHere
    })
}
