//! The overlay as its users see it.

mod conditions;
mod creators;
mod export;
mod fixtures;
mod forks;
mod hidden;
mod journal;
mod limit;
mod model;
mod operations;
