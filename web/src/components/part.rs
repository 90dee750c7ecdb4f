//! Parts of views that change, in few types.
//!
//! Leptos is compiled once more for each type of a view, and each closure is a type of its own. Behind
//! these functions they are of one type each, which makes the page's module much smaller. Components
//! return [`AnyView`] for the same reason.

use std::sync::{Arc, Mutex};

use leptos::prelude::*;
use leptos::tachys::reactive_graph::SharedReactiveFunction;

/// A text, an attribute or a class that follows what it reads.
pub fn live<T: 'static>(value: impl FnMut() -> T + Send + 'static) -> SharedReactiveFunction<T> {
    Arc::new(Mutex::new(value))
}

/// A view that is built anew when something changes that it reads; `None` shows nothing.
pub fn part(
    view: impl Fn() -> Option<AnyView> + Send + 'static,
) -> SharedReactiveFunction<AnyView> {
    live(move || view().unwrap_or_else(|| ().into_any()))
}

/// A view that is there while `condition` holds.
pub fn when(
    condition: Memo<bool>,
    view: impl Fn() -> AnyView + Send + 'static,
) -> SharedReactiveFunction<AnyView> {
    part(move || condition.get().then(&view))
}

/// What handles an event.
pub fn on<E: 'static>(handler: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(handler)
}
