//! Turns of the worker's event loop, as futures.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures::channel::oneshot;
use query_engine::Scheduler;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort, WorkerGlobalScope};

/// The scope that this code runs in; it is only ever started in a worker.
pub(crate) fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Gives the event loop a turn, so that a `cancel` from the page is heard while a query computes.
///
/// A message to ourselves, and not `setTimeout`, which browsers hold back for 4 ms once it nests;
/// and not a resolved promise, whose reactions run before any other event does.
#[derive(Debug)]
pub struct MacrotaskScheduler {
    turns: SendWrapper<Rc<Turns>>,
    _on_turn: SendWrapper<Closure<dyn FnMut()>>,
}

#[derive(Debug)]
struct Turns {
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
    send: MessagePort,
    receive: MessagePort,
}

impl MacrotaskScheduler {
    /// A scheduler for the worker that calls this.
    ///
    /// # Errors
    /// The browser cannot make a `MessageChannel`.
    pub fn new() -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let turns = Rc::new(Turns {
            waiting: RefCell::default(),
            send: channel.port2(),
            receive: channel.port1(),
        });
        let weak = Rc::downgrade(&turns);
        let on_turn = Closure::<dyn FnMut()>::new(move || {
            let next = weak
                .upgrade()
                .and_then(|turns| turns.waiting.borrow_mut().pop_front());
            if let Some(waiting) = next {
                // Nobody waits any longer where the query was cancelled.
                let _ = waiting.send(());
            }
        });
        turns
            .receive
            .set_onmessage(Some(on_turn.as_ref().unchecked_ref()));
        Ok(Self {
            turns: SendWrapper::new(turns),
            _on_turn: SendWrapper::new(on_turn),
        })
    }

    fn next_turn(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.turns.waiting.borrow_mut().push_back(sender);
        if self.turns.send.post_message(&JsValue::NULL).is_err() {
            // Without a message there is no turn to wait for: dropping the sender ends the wait.
            self.turns.waiting.borrow_mut().pop_back();
        }
        receiver
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.receive.close();
    }
}

#[async_trait]
impl Scheduler for MacrotaskScheduler {
    async fn yield_now(&self) {
        let turn = self.next_turn();
        let _ = turn.await;
    }
}

/// Resolves after a while; dropped, it leaves no timer behind.
#[derive(Debug)]
pub(crate) struct Sleep {
    timer: i32,
    _callback: Closure<dyn FnMut()>,
    done: oneshot::Receiver<()>,
}

/// Waits for `milliseconds`.
pub(crate) fn sleep(milliseconds: u32) -> Sleep {
    let (sender, done) = oneshot::channel();
    let callback = Closure::once(move || {
        let _ = sender.send(());
    });
    let delay = i32::try_from(milliseconds).unwrap_or(i32::MAX);
    // A worker's `setTimeout` throws only where its arguments are no callback and number.
    let timer = scope()
        .set_timeout_with_callback_and_timeout_and_arguments_0(
            callback.as_ref().unchecked_ref(),
            delay,
        )
        .unwrap_or_default();
    Sleep {
        timer,
        _callback: callback,
        done,
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.done).poll(context).map(|_| ())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        scope().clear_timeout_with_handle(self.timer);
    }
}
