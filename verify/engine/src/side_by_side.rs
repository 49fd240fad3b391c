//! Parts of one script that don't depend on each other: all are asked for at a time.
//!
//! Each is polled in its order whenever any question of the script is answered, so that a replay, which has the answers in the
//! order of the log, goes the same way.

use std::future::poll_fn;
use std::task::Poll;

/// Carries parts of a script out side by side, and returns what each came to, in their order. All of them end, also where one
/// fails: what was asked is answered. None of them asks for quiet.
pub async fn side_by_side<P: Future>(parts: impl IntoIterator<Item = P>) -> Vec<P::Output> {
    let mut parts: Vec<_> = parts.into_iter().map(|part| (Box::pin(part), None)).collect();
    poll_fn(|context| {
        for (part, done) in parts.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(output) = part.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        if parts.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    parts.into_iter().filter_map(|(_, done)| done).collect()
}

/// The same of two parts that come to different things.
pub async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    // It polls both whenever it is polled itself.
    futures::future::join(one, other).await
}
