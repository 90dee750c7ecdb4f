//! Does the store keep its promise of put-if-absent?
//!
//! Two writers that both create version 7 of a log must not both succeed. S3 and MinIO refuse the
//! second put with `If-None-Match: *`, but a server that ignores the header would silently lose one
//! of the commits. So the promise is tested before the first commit in a bucket.

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The second create was refused.
    Kept,
    /// Both creates succeeded, or the store knows no such thing: never commit here.
    Broken(String),
    /// The store did not answer, or not to this key: worth another try later.
    Unanswered(String),
}

/// Creates the same object twice at the bucket's root, then deletes it.
pub(crate) async fn probe(store: &dyn ObjectStore) -> Probe {
    let path = Path::from(format!(".lakeglass-probe-{}", uuid::Uuid::new_v4()));
    let create = || {
        let options = PutOptions::from(PutMode::Create);
        store.put_opts(&path, PutPayload::from_static(b"put-if-absent?"), options)
    };
    match create().await {
        Ok(_) => {}
        Err(error @ (Error::NotImplemented { .. } | Error::NotSupported { .. })) => {
            return Probe::Broken(format!("it has no put-if-absent: {error}"));
        }
        Err(error) => return Probe::Unanswered(error.to_string()),
    }
    let second = create().await;
    if let Err(error) = store.delete(&path).await {
        tracing::warn!(%path, %error, "the probe's object could not be deleted");
    }
    match second {
        Ok(_) => Probe::Broken(
            "two puts that both demanded to create the same object succeeded, so concurrent commits could overwrite each other"
                .into(),
        ),
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Probe::Kept,
        Err(error) => Probe::Unanswered(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::TryStreamExt as _;
    use object_store::memory::InMemory;

    use super::*;
    use crate::faulty_store::{Fault, Faulty};

    #[tokio::test]
    async fn store_with_put_if_absent_passes_and_is_left_clean() {
        let store = InMemory::new();
        assert_eq!(probe(&store).await, Probe::Kept);
        assert!(
            store
                .list(None)
                .try_collect::<Vec<_>>()
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn store_that_creates_twice_is_broken() {
        let store = Faulty::new(Arc::new(InMemory::new()), &[Fault::ForgetsPutIfAbsent]);
        assert!(matches!(probe(&store).await, Probe::Broken(_)));
        assert!(
            store
                .list(None)
                .try_collect::<Vec<_>>()
                .await
                .unwrap()
                .is_empty()
        );
    }
}
