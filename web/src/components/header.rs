//! The top bar: the mark, the connection, the engine's state.

use leptos::prelude::*;

use crate::components::part::{live, on, part};
use crate::components::theme::ThemeButton;
use crate::engine::client::EngineStatus;
use crate::format::numbers::bytes;
use crate::state::workbench;

#[component]
pub fn Header() -> AnyView {
    view! {
        <header>
            <h1 class="mark">
                <svg
                    viewBox="0 0 20 20"
                    fill="none"
                    stroke="currentColor"
                    stroke-width="1.8"
                    stroke-linecap="round"
                    aria-hidden="true"
                >
                    <path d="M10 2.2 17.5 16.6H2.5Z" stroke-linejoin="round"/>
                    <path d="M6.2 11.4c1.3-1 2.5-1 3.8 0s2.5 1 3.8 0"/>
                </svg>
                "Lakeglass"
            </h1>
            <span class="grow"></span>
            <ConnectionChip/>
            <SandboxChip/>
            <EngineChip/>
            <ThemeButton/>
        </header>
    }
    .into_any()
}

/// The connection's place and state; a click opens the form that changes it.
#[component]
fn ConnectionChip() -> AnyView {
    let workbench = workbench();
    let state = move || {
        let trouble = workbench.tree.with(|tree| tree.is_unreachable());
        workbench.connection.with(
            |link| match (&link.connection, trouble || link.server_down) {
                (None, _) => "idle",
                (Some(_), true) => "bad",
                (Some(_), false) => "good",
            },
        )
    };
    let label = move || workbench.connection.with(|link| link.label());
    let note = move || {
        workbench.connection.with(|link| {
            if link.connection.is_none() {
                None
            } else {
                link.server_down.then_some("server not reachable")
            }
        })
    };
    let title = move || {
        workbench.connection.with(|link| {
            if link.server_down {
                "The page's server does not answer: the store may be readable, but takes no writes."
                    .to_owned()
            } else {
                "Connection: click to change it".to_owned()
            }
        })
    };
    view! {
        <button
            class="chip"
            data-testid="connection"
            data-state=live(state)
            title=live(title)
            on:click=on(move |_| workbench.dialog_open.set(true))
        >
            <i class=live(state) aria-hidden="true"></i>
            <span>{live(label)}</span>
            {part(move || note().map(|note| view! { <span class="badge">{note}</span> }.into_any()))}
        </button>
    }
    .into_any()
}

/// Where writes go: into this tab, or to the store. A click tells more, or begins a sandbox.
#[component]
fn SandboxChip() -> AnyView {
    let workbench = workbench();
    let connected = Memo::new(move |_| workbench.connection.with(|link| link.connection.is_some()));
    let sandboxed = Memo::new(move |_| workbench.is_sandboxed());
    let chip = move || {
        if !sandboxed.get() {
            return view! {
                <button
                    class="chip sandbox"
                    data-testid="sandbox-on"
                    title="Try things out: have changes stay in this tab, and leave the store as it is"
                    aria-label="Keep changes in this tab"
                    on:click=on(move |_| workbench.set_sandboxed(true))
                >
                    <BoxMark/>
                    <span class="wide">"Sandbox…"</span>
                </button>
            }
            .into_any();
        }
        let size = move || {
            let kept = workbench.sandbox.with(|sandbox| {
                let bytes_kept = sandbox.bytes();
                (!sandbox.is_empty()).then_some(bytes_kept)
            });
            kept.map(|kept| format!(" · {}", bytes(kept)))
        };
        view! {
            <button
                class="chip sandbox on"
                data-testid="sandbox"
                title="What you write stays in this tab; the store is only read"
                on:click=on(move |_| workbench.sandbox_open.set(true))
            >
                <BoxMark/>
                <span>"sandbox"<span class="wide">": changes stay in this tab"</span>{live(size)}</span>
            </button>
        }
        .into_any()
    };
    part(move || connected.get().then(chip)).into_any()
}

/// A box with sand in it.
#[component]
fn BoxMark() -> AnyView {
    view! {
        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" aria-hidden="true">
            <path d="M2 6.5V13h12V6.5"/><path d="M2 9.5c2-2 4-2 6-.8s4 1 6-.2" /><path d="M8 2v3.5M6.3 4 8 5.7 9.7 4"/>
        </svg>
    }
    .into_any()
}

/// The engine's state: its download, then its size.
#[component]
fn EngineChip() -> AnyView {
    let workbench = workbench();
    let state = move || match workbench.engine_status.get() {
        EngineStatus::Downloading { .. } => "loading",
        EngineStatus::Starting => "starting",
        EngineStatus::Ready { .. } => "ready",
        EngineStatus::Unavailable { .. } => "unavailable",
    };
    let text = move || match workbench.engine_status.get() {
        EngineStatus::Downloading {
            percent: Some(percent),
        } => format!("engine {percent} %"),
        EngineStatus::Downloading { percent: None } => "engine loading…".to_owned(),
        EngineStatus::Starting => "engine starting…".to_owned(),
        EngineStatus::Ready { .. } => format!("engine ready · {}", bytes(workbench.engine_bytes)),
        EngineStatus::Unavailable { .. } => "engine not loaded".to_owned(),
    };
    let title = move || match workbench.engine_status.get() {
        EngineStatus::Ready {
            version,
            memory_limit,
        } => format!(
            "Lakeglass engine {version}, {} to download, {} of memory for queries",
            bytes(workbench.engine_bytes),
            bytes(memory_limit),
        ),
        EngineStatus::Unavailable { message } => message,
        EngineStatus::Downloading { .. } | EngineStatus::Starting => {
            "The query engine is on its way; statements run as soon as it is there.".to_owned()
        }
    };
    view! {
        <span
            class="chip engine"
            data-testid="engine-chip"
            data-state=live(state)
            role="status"
            title=live(title)
        >
            {live(text)}
        </span>
    }
    .into_any()
}
