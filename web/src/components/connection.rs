//! The form that connects to a store. Keys stay in this page's memory.

use leptos::ev::SubmitEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use messages::Error;

use crate::components::part::{live, on, part};
use crate::engine::connect::Form;
use crate::state::workbench;

#[component]
pub fn ConnectionDialog() -> AnyView {
    let workbench = workbench();
    let dialog = NodeRef::<Dialog>::new();
    let form = RwSignal::new(Form::default());
    let problem = RwSignal::new(None::<Error>);
    Effect::new(move |_| {
        let open = workbench.dialog_open.get();
        let Some(dialog) = dialog.get() else { return };
        if open && !dialog.open() {
            form.set(workbench.connection_form());
            problem.set(None);
            // Only a dialog that is not in the document can't be shown.
            let _ = dialog.show_modal();
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match form.with_untracked(Form::connection) {
            Ok(connection) => {
                workbench.connect(connection);
                form.set(Form::default());
                workbench.dialog_open.set(false);
            }
            Err(error) => problem.set(Some(error)),
        }
    };
    let server = part(move || {
        let connection = workbench.connection.with(|link| {
            let own = link.server.as_ref().map(|server| server.connection.clone());
            own.filter(|own| link.connection.as_ref() != Some(own))
        })?;
        Some(
            view! {
                <button
                    type="button"
                    class="plain"
                    data-testid="connect-server"
                    on:click=on(move |_| {
                        workbench.connect(connection.clone());
                        workbench.dialog_open.set(false);
                    })
                >
                    "Back to the page's own store"
                </button>
            }
            .into_any(),
        )
    });
    let nowhere = part(move || {
        let has_store = workbench.connection.with(|link| link.has_store());
        has_store.then(|| {
            view! {
                <button
                    type="button"
                    class="plain"
                    data-testid="connect-nowhere"
                    title="Make tables in this tab alone"
                    on:click=on(move |_| {
                        workbench.connect_nowhere();
                        workbench.dialog_open.set(false);
                    })
                >
                    "Without a store"
                </button>
            }
            .into_any()
        })
    });
    view! {
        <dialog
            class="connect"
            data-testid="connection-dialog"
            aria-labelledby="connect-title"
            node_ref=dialog
            on:close=on(move |_| workbench.dialog_open.set(false))
        >
            <form method="dialog" on:submit=submit>
                <h2 id="connect-title">"Connect to a store"</h2>
                <p class="quiet">
                    "Any store that speaks the S3 API and allows CORS: MinIO, S3, Ceph. The tab reads it directly."
                </p>
                <Field
                    label="Endpoint" testid="endpoint" placeholder="http://127.0.0.1:9000"
                    form value=|form| &form.endpoint value_mut=|form| &mut form.endpoint
                />
                <Field
                    label="Buckets" testid="buckets" placeholder="raw-data-bucket, curated-data-bucket"
                    form value=|form| &form.buckets value_mut=|form| &mut form.buckets
                />
                <Field
                    label="Region" testid="region" placeholder="us-east-1"
                    form value=|form| &form.region value_mut=|form| &mut form.region
                />
                <Field
                    label="Access key" testid="access-key" placeholder="anonymous"
                    form value=|form| &form.access_key value_mut=|form| &mut form.access_key
                />
                <Field
                    label="Secret key" testid="secret-key" placeholder="anonymous" secret=true
                    form value=|form| &form.secret_key value_mut=|form| &mut form.secret_key
                />
                <p class="quiet">"Keys stay in this tab's memory: they are not stored, and gone when it is closed."</p>
                {part(move || problem.get().map(|error| view! {
                    <p class="invalid" role="alert" data-testid="connection-problem">
                        {error.message}" "{error.hint}
                    </p>
                }.into_any()))}
                <div class="actions">
                    {server}
                    {nowhere}
                    <span class="grow"></span>
                    <button type="button" on:click=on(move |_| workbench.dialog_open.set(false))>"Cancel"</button>
                    <button type="submit" class="primary" data-testid="connect">"Connect"</button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}

#[component]
fn Field(
    label: &'static str,
    testid: &'static str,
    placeholder: &'static str,
    #[prop(optional)] secret: bool,
    form: RwSignal<Form>,
    value: fn(&Form) -> &String,
    value_mut: fn(&mut Form) -> &mut String,
) -> AnyView {
    view! {
        <label>
            <span>{label}</span>
            <input
                type=if secret { "password" } else { "text" }
                data-testid=testid
                placeholder=placeholder
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                prop:value=live(move || value(&form.read()).clone())
                on:input=on(move |event| *value_mut(&mut form.write()) = event_target_value(&event))
            />
        </label>
    }
    .into_any()
}
