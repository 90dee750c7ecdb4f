//! In a worker of a real browser: the engine behind its messages, on a fake store.

mod committing;
mod fake;
mod page;
mod reading;
mod running;
mod sandbox;
mod tables;

use query_engine::Scheduler as _;
use query_worker::MacrotaskScheduler;
use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// One turn of the event loop.
async fn wait_a_turn() {
    MacrotaskScheduler::new().unwrap().yield_now().await;
}
