//! Checkpoints, checksums and clean-up, over tables in memory.

mod checkpoints;
mod clean_up;
mod golden;
mod round_trip;
mod support;
mod vacuum;
