//! The frame: top bar, the panes, the bar that chooses among them on a narrow screen.

use leptos::mount::mount_to_body;
use leptos::prelude::*;

use crate::components::connection::ConnectionDialog;
use crate::components::header::Header;
use crate::components::history::History;
use crate::components::tables::Tables;
use crate::components::work::Work;
use crate::editor::Host;
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
fn App() -> impl IntoView {
    let workbench = workbench();
    window_event_listener(leptos::ev::focus, move |_| workbench.refresh_if_due());
    let columns = PANES.map(Pane::width).join(" ");
    let panes = PANES.map(content).into_iter().collect_view();
    let buttons = PANES.map(|pane| view! { <PaneButton pane/> });
    view! {
        <Header/>
        <main style=format!("--columns:{columns}")>{panes}</main>
        <nav class="parts" aria-label="Part">{buttons.into_iter().collect_view()}</nav>
        <ConnectionDialog/>
    }
}

/// Component of a pane. Its element has the class `shown` while a narrow screen shows it.
fn content(pane: Pane) -> AnyView {
    match pane {
        Pane::Tables => view! { <Tables/> }.into_any(),
        Pane::Sql => view! { <Work/> }.into_any(),
        Pane::History => view! { <History/> }.into_any(),
    }
}

#[component]
fn PaneButton(pane: Pane) -> impl IntoView {
    let workbench = workbench();
    view! {
        <button
            data-testid=format!("part-{}", pane.name())
            aria-current=move || workbench.is_shown(pane).then_some("true")
            on:click=move |_| workbench.pane.set(pane)
        >
            {pane.label()}
        </button>
    }
}
