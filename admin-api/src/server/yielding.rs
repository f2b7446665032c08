//! [`yield_now`]: lets other tasks run.

use core::future::poll_fn;
use core::task::Poll;

/// Lets the other tasks of the executor run once.
pub(crate) async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if core::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
