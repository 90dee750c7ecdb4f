//! Credit for batches: the number that the page is ready to take.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The credit of one run. One task takes, the message loop grants.
#[derive(Debug, Default)]
pub(crate) struct Credit {
    left: Cell<u32>,
    waiting: RefCell<Option<Waker>>,
}

impl Credit {
    /// Credit for `batches` batches at first.
    pub fn new(batches: u32) -> Self {
        Self {
            left: Cell::new(batches),
            waiting: RefCell::default(),
        }
    }

    /// Adds credit, and wakes the run that waits for it.
    pub fn grant(&self, batches: u32) {
        self.left.set(self.left.get().saturating_add(batches));
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Takes the right to send one batch; waits until there is one.
    pub async fn take(&self) {
        poll_fn(|context| match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Poll::Ready(())
            }
            None => {
                self.waiting.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await;
    }
}
