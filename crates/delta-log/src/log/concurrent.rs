//! Several requests at a time.

use futures::future::BoxFuture;
use futures::{Stream, StreamExt, stream};

/// Runs futures, at most `limit` at a time, and gives their results in order.
///
/// Boxed, because of the closures that make them: a stream of unboxed ones is not `Send`
/// ("not general enough"), and then nor is anything that awaits it.
pub(crate) fn ordered<'a, T: Send + 'a>(
    futures: Vec<BoxFuture<'a, T>>,
    limit: usize,
) -> impl Stream<Item = T> + Send + 'a {
    stream::iter(futures).buffered(limit)
}
