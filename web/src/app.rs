//! The frame: top bar, the panes, the bar that chooses among them on a narrow screen.

use leptos::mount::mount_to_body;
use leptos::prelude::*;

use crate::components::connection::ConnectionDialog;
use crate::components::header::Header;
use crate::components::history::History;
use crate::components::part::{live, on};
use crate::components::sandbox::SandboxDialog;
use crate::components::tables::Tables;
use crate::components::work::Work;
use crate::editor::Host;
use crate::state::tab_sandbox::TabSandbox;
use crate::state::{PANES, Pane, Workbench, workbench};

/// Mounts the app and connects. The state lives as long as the page.
pub fn mount(host: Host) -> Workbench {
    let owner = Owner::new();
    let workbench = owner.with(|| Workbench::new(host));
    // The page never unmounts, and what scripts hold of it must outlive any part of it.
    std::mem::forget(owner);
    mount_to_body(move || {
        provide_context(workbench);
        view! { <App/> }
    });
    workbench.find_connection();
    workbench
}

#[component]
fn App() -> AnyView {
    let workbench = workbench();
    window_event_listener(leptos::ev::focus, move |_| workbench.refresh_if_due());
    window_event_listener(leptos::ev::beforeunload, move |event| {
        if workbench.sandbox.with_untracked(TabSandbox::is_at_risk) {
            event.prevent_default();
        }
    });
    let columns = PANES.map(Pane::width).join(" ");
    let panes = Vec::from(PANES.map(content));
    let buttons = Vec::from(PANES.map(|pane| view! { <PaneButton pane/> }.into_inner()));
    view! {
        <Header/>
        <main style=format!("--columns:{columns}")>{panes}</main>
        <nav class="parts" aria-label="Part">{buttons}</nav>
        <ConnectionDialog/>
        <SandboxDialog/>
    }
    .into_any()
}

/// Component of a pane. Its element has the class `shown` while a narrow screen shows it.
fn content(pane: Pane) -> AnyView {
    match pane {
        Pane::Tables => view! { <Tables/> }.into_inner(),
        Pane::Sql => view! { <Work/> }.into_inner(),
        Pane::History => view! { <History/> }.into_inner(),
    }
}

#[component]
fn PaneButton(pane: Pane) -> AnyView {
    let workbench = workbench();
    view! {
        <button
            data-testid=format!("part-{}", pane.name())
            aria-current=live(move || workbench.is_shown(pane).then_some("true"))
            on:click=on(move |_| workbench.pane.set(pane))
        >
            {pane.label()}
        </button>
    }
    .into_any()
}
