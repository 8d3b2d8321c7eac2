//! Two futures, of which one is enough.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Which one was done.
pub(super) enum Won<A, B> {
    First(A),
    Second(B),
}

/// Waits for one of two futures; for the first where both are done. The other is dropped.
pub(super) async fn race<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> Won<A, B> {
    let mut first = pin!(first);
    let mut second = pin!(second);
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Won::First(done)),
        Poll::Pending => second.as_mut().poll(cx).map(Won::Second),
    })
    .await
}
