//! The frame: top bar, the three parts, the bar that chooses among them on a narrow screen.

use leptos::mount::mount_to_body;
use leptos::prelude::*;

use crate::components::connection::ConnectionDialog;
use crate::components::header::Header;
use crate::components::history::History;
use crate::components::tables::Tables;
use crate::components::work::Work;
use crate::editor::Host;
use crate::state::{Part, Workbench, workbench};

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
    view! {
        <Header/>
        <main data-part=move || workbench.part.get().name()>
            <Tables/>
            <Work/>
            <History/>
        </main>
        <nav class="parts" aria-label="Part">
            <PartButton part=Part::Tables label="Tables"/>
            <PartButton part=Part::Sql label="SQL"/>
            <PartButton part=Part::History label="History"/>
        </nav>
        <ConnectionDialog/>
    }
}

#[component]
fn PartButton(part: Part, label: &'static str) -> impl IntoView {
    let workbench = workbench();
    view! {
        <button
            data-testid=format!("part-{}", part.name())
            aria-current=move || (workbench.part.get() == part).then_some("true")
            on:click=move |_| workbench.part.set(part)
        >
            {label}
        </button>
    }
}
