//! Loads that several callers share.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

/// Loads in progress, by key. The first caller for a key starts the load, those that follow await
/// the same one.
///
/// A load makes progress whenever any of its callers is polled, so none can wait for one that is
/// not; and it ends, with its requests, when the last of them is dropped.
pub(crate) struct SingleFlight<K, V> {
    loads: Mutex<HashMap<K, WeakShared<BoxFuture<'static, V>>>>,
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self {
            loads: Mutex::default(),
        }
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> SingleFlight<K, V> {
    /// The load of `key` that is in progress, or the one that `start` makes.
    ///
    /// Later callers find it as long as any clone of it is held. So a caller that keeps the result
    /// elsewhere lets go of it after that, and nobody loads in between.
    pub fn join(
        &self,
        key: &K,
        start: impl FnOnce() -> BoxFuture<'static, V>,
    ) -> Shared<BoxFuture<'static, V>> {
        let mut loads = self.lock();
        if let Some(load) = loads.get(key).and_then(WeakShared::upgrade) {
            return load;
        }
        loads.retain(|_, load| load.upgrade().is_some());
        let load = start().shared();
        if let Some(weak) = load.downgrade() {
            loads.insert(key.clone(), weak);
        }
        load
    }

    /// Lets the next caller for `key` start a load of its own. Those that await the present one
    /// still get its result.
    pub fn detach(&self, key: &K) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, WeakShared<BoxFuture<'static, V>>>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::channel::oneshot;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn callers_share_a_load_until_it_is_detached_or_dropped() {
        let flights: SingleFlight<&str, usize> = SingleFlight::default();
        let starts = Arc::new(AtomicUsize::new(0));
        let join = || {
            let starts = Arc::clone(&starts);
            let load = async move { starts.fetch_add(1, Ordering::Relaxed) };
            flights.join(&"t", || load.boxed())
        };
        let (first, second) = (join(), join());
        assert_eq!(block_on(futures::future::join(first, second)), (0, 0));
        let third = join();
        flights.detach(&"t");
        let fourth = join();
        assert_eq!(block_on(futures::future::join(fourth, third)), (1, 2));
        assert_eq!(block_on(join()), 3);
    }

    #[test]
    fn a_load_ends_with_its_last_caller() {
        let flights: SingleFlight<&str, ()> = SingleFlight::default();
        let (sender, receiver) = oneshot::channel::<()>();
        let first = flights.join(&"t", || receiver.map(|_| ()).boxed());
        let second = flights.join(&"t", || futures::future::pending().boxed());
        drop(first);
        assert!(!sender.is_canceled());
        drop(second);
        assert!(sender.is_canceled());
    }
}
