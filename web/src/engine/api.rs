//! `window.lakeglass.run(sql)`: the engine for scripts and for pages that embed this one.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, JSON, Object, Promise, Reflect};
use messages::Error;
use messages::table::Column;
use wasm_bindgen::prelude::*;

use super::client::{EngineClient, RunHandle};
use super::collected::{Collected, Step, Writes};

/// Batches asked for ahead, so that the engine never waits for this page.
const CREDIT: u32 = 4;

/// Runs a script and collects the last statement's rows.
///
/// Resolves to `{ columns: [{ name, type }], rows: [[…]], rowCount, version, metrics }`, rejects
/// with `{ code, message, hint, columns }`. How values are written: [`cells::write_json`].
/// `on_end` hears what was written before the promise settles.
pub fn run(client: EngineClient, sql: String, on_end: impl Fn(Writes) + 'static) -> Promise {
    let on_end = Rc::new(on_end);
    Promise::new(&mut move |resolve, reject| {
        let collected = Rc::new(RefCell::new(Collected::new(parse_rows)));
        let handle: Rc<RefCell<Option<RunHandle>>> = Rc::default();
        let listener = {
            let (handle, on_end) = (Rc::clone(&handle), Rc::clone(&on_end));
            move |event| {
                let mut collected = collected.borrow_mut();
                match collected.take(event) {
                    Step::Wait => {}
                    Step::Grant => {
                        if let Some(handle) = handle.borrow().as_ref() {
                            handle.grant(1);
                        }
                    }
                    Step::Stop => {
                        if let Some(handle) = handle.borrow().as_ref() {
                            handle.cancel();
                        }
                    }
                    Step::Resolve => {
                        on_end(std::mem::take(&mut collected.writes));
                        settle(&resolve, &result(&mut collected));
                    }
                    Step::Reject(error) => {
                        // Where it is the page that can't go on, the run still holds its place.
                        if let Some(handle) = handle.borrow().as_ref() {
                            handle.cancel();
                        }
                        on_end(std::mem::take(&mut collected.writes));
                        settle(&reject, &error_value(&error));
                    }
                }
            }
        };
        let run = client.run(sql.clone(), CREDIT, false, None, listener);
        *handle.borrow_mut() = Some(run);
    })
}

/// The rows of a batch, from their JSON.
fn parse_rows(json: &str) -> Result<JsValue, Error> {
    JSON::parse(json).map_err(|error| {
        Error::new(
            "RESULT_UNREADABLE",
            format!("rows could not be handed to the script: {error:?}"),
        )
    })
}

fn result(collected: &mut Collected<JsValue>) -> JsValue {
    let rows = Array::new();
    for part in collected.rows.drain(..) {
        for row in Array::from(&part).iter() {
            rows.push(&row);
        }
    }
    let result = Object::new();
    let columns: Array = collected.columns.iter().map(column).collect();
    set(&result, "columns", &columns);
    set(&result, "rowCount", &rows.length().into());
    set(&result, "rows", &rows);
    let summary = collected.summary.take();
    let version = summary.as_ref().and_then(|summary| summary.version);
    set(
        &result,
        "version",
        &version.map_or(JsValue::NULL, |version| (version as f64).into()),
    );
    set(
        &result,
        "metrics",
        &summary.map_or(JsValue::NULL, |summary| parsed(&summary.metrics)),
    );
    result.into()
}

fn settle(how: &js_sys::Function, value: &JsValue) {
    // Resolving a promise cannot throw.
    let _ = how.call1(&JsValue::UNDEFINED, value);
}

fn column(column: &Column) -> Object {
    let object = Object::new();
    set(&object, "name", &column.name.as_str().into());
    set(&object, "type", &column.data_type.as_str().into());
    object
}

fn error_value(error: &Error) -> JsValue {
    let value = Object::new();
    set(&value, "code", &error.code.as_str().into());
    set(&value, "message", &error.message.as_str().into());
    let hint = error.hint.as_deref().map_or(JsValue::NULL, JsValue::from);
    set(&value, "hint", &hint);
    set(&value, "columns", &parsed(&error.columns));
    value.into()
}

fn parsed<T: serde::Serialize + ?Sized>(value: &T) -> JsValue {
    let json = serde_json::to_string(value).unwrap_or_default();
    JSON::parse(&json).unwrap_or(JsValue::NULL)
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
