//! Natively a query gives way to the other tasks of the runtime.

use query_engine::Scheduler;

/// Yields to the tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioScheduler;

#[async_trait::async_trait]
impl Scheduler for TokioScheduler {
    async fn yield_now(&self) {
        tokio::task::yield_now().await;
    }
}
