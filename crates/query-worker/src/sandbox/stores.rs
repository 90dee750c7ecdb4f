//! The connection's stores as the engine has them in a sandbox: readable as they are, and writable.

use std::sync::Arc;

use messages::Error;
use object_store::prefix::PrefixStore;
use overlay_store::OverlayStore;
use query_engine::{StoreLocation, Stores};
use url::Url;

use super::below::folder_of;
use crate::stores::Place;

/// Stores whose writes go to an overlay.
#[derive(Debug)]
pub(crate) struct OverlaidStores {
    /// Above [`super::below::StoresBelow`].
    pub overlay: OverlayStore,
    /// Names of the buckets that are searched for tables.
    pub buckets: Vec<String>,
}

impl Stores for OverlaidStores {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        let place = Place::of(url)?;
        let store = PrefixStore::new(self.overlay.clone(), folder_of(&place.store));
        Ok(StoreLocation {
            store: Arc::new(store),
            can_list: place.can_list(),
            can_write: true,
            root: place.root,
            location: place.location,
        })
    }

    fn buckets(&self) -> Vec<String> {
        self.buckets.clone()
    }
}
