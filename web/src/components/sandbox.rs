//! The sandbox: what it holds, and ways out: download, reset, write to the store.

use leptos::ev::MouseEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::web_sys::Element;
use wasm_bindgen::JsCast;

use crate::components::part::{live, on, part};
use crate::format::numbers::{bytes, counted};
use crate::state::workbench;

#[component]
pub fn SandboxDialog() -> AnyView {
    let workbench = workbench();
    let dialog = NodeRef::<Dialog>::new();
    let sure = RwSignal::new(false);
    Effect::new(move |_| {
        let open = workbench.sandbox_open.get();
        let Some(dialog) = dialog.get() else { return };
        if open && !dialog.open() {
            sure.set(false);
            // Only a dialog that is not in the document can't be shown.
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    let close = move || workbench.sandbox_open.set(false);
    // A click beside it is on the dialog itself; one in it is on a part of it.
    let close_beside = move |event: MouseEvent| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| target.tag_name() == "DIALOG") {
            close();
        }
    };
    let reason = Memo::new(move |_| workbench.connection.with(|link| link.no_commits_reason()));
    let held = Memo::new(move |_| workbench.sandbox.with(|sandbox| !sandbox.is_empty()));
    view! {
        <dialog
            class="sandboxed"
            data-testid="sandbox-dialog"
            aria-labelledby="sandbox-title"
            node_ref=dialog
            on:close=on(move |_| close())
            on:click=on(close_beside)
        >
            <div class="content">
                <h2 id="sandbox-title">"Sandbox"</h2>
                <p>
                    "What you write stays in this tab; the store is only read. "
                    <span class="quiet">{live(move || reason.get())}</span>
                </p>
                <Size/>
                <Keeping/>
                <ChangedTables/>
                <Problem/>
                <div class="actions">
                    {live(move || {
                        if !sure.get() {
                            return view! {
                                <button
                                    class="plain"
                                    data-testid="reset"
                                    disabled=live(move || !held.get())
                                    on:click=on(move |_| sure.set(true))
                                >
                                    "Reset…"
                                </button>
                            }
                            .into_any();
                        }
                        view! {
                            <button
                                class="plain danger"
                                data-testid="reset-sure"
                                on:click=on(move |_| {
                                    sure.set(false);
                                    workbench.reset_sandbox();
                                })
                            >
                                "Forget all of it"
                            </button>
                        }
                        .into_any()
                    })}
                    <span class="grow"></span>
                    <ToStore/>
                    <button class="primary" on:click=on(move |_| close())>"Done"</button>
                </div>
            </div>
        </dialog>
    }
    .into_any()
}

/// How full it is.
#[component]
fn Size() -> AnyView {
    let workbench = workbench();
    part(move || {
        let state = workbench.sandbox.with(|sandbox| sandbox.state.clone())?;
        let percent = state.bytes as f64 / (state.limit as f64).max(1.0) * 100.0;
        let text = if state.changes == 0 {
            "Nothing was written yet.".to_owned()
        } else {
            let files = counted(state.changes, "file", "files");
            format!("{files}, {} of {}", bytes(state.bytes), bytes(state.limit))
        };
        Some(
            view! {
                <p class="size" data-testid="sandbox-size">
                    <span class="meter"><i style=format!("width:{:.1}%", percent.clamp(0.0, 100.0))></i></span>
                    {text}
                </p>
            }
            .into_any(),
        )
    })
    .into_any()
}

/// Whether a reload keeps it.
#[component]
fn Keeping() -> AnyView {
    let workbench = workbench();
    part(move || {
        let (mirrored, elsewhere) = workbench.sandbox.with(|sandbox| {
            let state = sandbox.state.as_ref()?;
            Some((state.mirrored, sandbox.kept_elsewhere))
        })?;
        let text = match (mirrored, elsewhere) {
            (true, _) => "This browser keeps it: it is here again after a reload.",
            (false, true) => {
                "Another tab has this store's sandbox. This one is a second one, and gone when this tab is closed or reloaded."
            }
            (false, false) => "It is gone when this tab is closed or reloaded.",
        };
        Some(view! { <p class="quiet" data-testid="sandbox-keeping">{text}</p> }.into_any())
    })
    .into_any()
}

/// The tables that differ from the store's, each to be taken along.
#[component]
fn ChangedTables() -> AnyView {
    let workbench = workbench();
    let tables = Memo::new(move |_| {
        workbench.sandbox.with(|sandbox| {
            let state = sandbox.state.as_ref();
            state.map(|state| state.tables.clone()).unwrap_or_default()
        })
    });
    part(move || {
        let tables = tables.get();
        if tables.is_empty() {
            return None;
        }
        let rows: Vec<_> = tables.into_iter().map(|location| {
            let name = location.rsplit('/').next().unwrap_or_default().to_owned();
            let title = location.clone();
            view! {
                <li title=title>
                    <code>{name.clone()}</code>
                    <button
                        class="plain"
                        data-testid=format!("download-{name}")
                        title="The table's folder as a zip archive"
                        on:click=on(move |_| workbench.download(location.clone()))
                    >
                        "Download"
                    </button>
                </li>
            }
            .into_any()
        }).collect();
        Some(view! {
            <h2>"Changed tables"</h2>
            <ul class="taken" data-testid="sandbox-tables">{rows}</ul>
            <p class="quiet">
                "A download is the table's folder: unzip it, and any engine opens it, such as "
                <code>"spark.read.format(\"delta\").load(\"…\")"</code>" or "<code>"DeltaTable(\"…\")"</code>"."
            </p>
        }
        .into_any())
    })
    .into_any()
}

#[component]
fn Problem() -> AnyView {
    let workbench = workbench();
    part(move || {
        let told = workbench
            .sandbox
            .with(|sandbox| sandbox.state.as_ref()?.problem.clone());
        let failed = workbench.sandbox_problem.get().map(|error| error.message);
        let text = failed.or(told)?;
        Some(
            view! { <p class="invalid" role="alert" data-testid="sandbox-problem">{text}</p> }
                .into_any(),
        )
    })
    .into_any()
}

/// The way back to the store, where it takes writes; else why it does not.
#[component]
fn ToStore() -> AnyView {
    let workbench = workbench();
    part(move || {
        let possible = workbench.connection.with(|link| link.takes_commits());
        possible.then(|| {
            view! {
                <button
                    class="plain"
                    data-testid="sandbox-off"
                    title="What the sandbox holds stays here for the next time"
                    on:click=on(move |_| {
                        workbench.set_sandboxed(false);
                        workbench.sandbox_open.set(false);
                    })
                >
                    "Write to the store"
                </button>
            }
            .into_any()
        })
    })
    .into_any()
}
