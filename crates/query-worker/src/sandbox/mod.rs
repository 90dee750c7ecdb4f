//! The sandbox: reads go to the stores, writes stay in the tab. Start at `tab.rs`.

pub(crate) mod below;
pub(crate) mod export;
pub(crate) mod log;
pub(crate) mod mirror;
pub(crate) mod opfs;
pub(crate) mod preview;
pub(crate) mod stores;
pub(crate) mod tab;
