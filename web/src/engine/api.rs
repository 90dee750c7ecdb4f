//! `window.lakeglass.run(sql)`: the engine for scripts and for pages that embed this one.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

use cells::Column as _;
use js_sys::{Array, JSON, Object, Promise, Reflect};
use messages::Error;
use messages::engine::{FromWorker, StatementSummary};
use messages::table::Column;
use wasm_bindgen::prelude::*;

use crate::arrow::decode;
use crate::engine::client::{RunEvent, RunHandle};
use crate::state::Workbench;

/// Rows that one call may return; more would not fit into a script's memory.
const MAX_ROWS: u64 = 1_000_000;
/// Batches asked for ahead, so that the engine never waits for this page.
const CREDIT: u32 = 4;

/// The result of the last statement, as it grows.
#[derive(Default)]
struct Collected {
    columns: Vec<Column>,
    rows: Vec<JsValue>,
    count: u64,
    summary: Option<StatementSummary>,
    is_last: bool,
    too_large: bool,
    /// Whether any statement of the script may have changed a table.
    wrote: bool,
}

/// Runs a script and collects the last statement's rows.
///
/// Resolves to `{ columns: [{ name, type }], rows: [[…]], rowCount, version, metrics }`, rejects
/// with `{ code, message, hint, columns }`. How values are written: [`cells::write_json`].
pub fn run(workbench: Workbench, sql: String) -> Promise {
    Promise::new(&mut move |resolve, reject| {
        let collected = Rc::new(RefCell::new(Collected::default()));
        let handle: Rc<RefCell<Option<RunHandle>>> = Rc::default();
        let listener = {
            let handle = handle.clone();
            move |event| {
                let mut collected = collected.borrow_mut();
                let step = collected.take(event);
                if collected.wrote && matches!(step, Step::Resolve | Step::Reject(_)) {
                    workbench.refresh();
                }
                match step {
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
                    Step::Resolve => settle(&resolve, &collected.result()),
                    Step::Reject(error) => settle(&reject, &error_value(&error)),
                }
            }
        };
        let run = workbench.engine().run(sql.clone(), CREDIT, listener);
        *handle.borrow_mut() = Some(run);
    })
}

/// What follows from an event.
enum Step {
    Wait,
    Grant,
    Stop,
    Resolve,
    Reject(Error),
}

impl Collected {
    fn take(&mut self, event: RunEvent) -> Step {
        let (message, bytes) = match event {
            RunEvent::Message(message, bytes) => (message, bytes),
            RunEvent::Lost(error) => return Step::Reject(error),
            RunEvent::Replaced => {
                self.wrote = true;
                return Step::Reject(self.stopped());
            }
        };
        match message {
            FromWorker::StatementStarted { index, count, .. } => {
                let is_last = index + 1 == count;
                *self = Self {
                    is_last,
                    wrote: self.wrote,
                    ..Self::default()
                };
                Step::Wait
            }
            FromWorker::ResultColumns { columns, .. } => {
                self.columns = columns;
                Step::Wait
            }
            FromWorker::Batch { rows, .. } => {
                if !self.is_last {
                    return Step::Grant;
                }
                self.count += rows;
                if self.count > MAX_ROWS {
                    self.too_large = true;
                    return Step::Stop;
                }
                match self.push(bytes.unwrap_or_default()) {
                    Ok(()) => Step::Grant,
                    Err(error) => Step::Reject(error),
                }
            }
            FromWorker::StatementDone { summary, .. } => {
                self.wrote |= summary.is_write;
                self.summary = Some(summary);
                Step::Wait
            }
            FromWorker::Done { .. } => Step::Resolve,
            FromWorker::Failed { error, .. } => Step::Reject(error),
            FromWorker::Cancelled { .. } => Step::Reject(self.stopped()),
            _ => Step::Wait,
        }
    }

    /// Turns a batch into rows, by way of JSON: one parse is faster than a call for each value.
    fn push(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        for batch in decode(bytes)? {
            let mut json = String::from("[");
            for row in 0..batch.rows {
                json.push_str(if row == 0 { "[" } else { ",[" });
                for (index, column) in batch.columns.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    cells::write_json(&mut json, column.value(row));
                }
                json.push(']');
            }
            json.push(']');
            self.rows.push(JSON::parse(&json).map_err(|error| {
                let mut message = String::new();
                let _ = write!(message, "rows could not be handed to the script: {error:?}");
                Error::new("RESULT_UNREADABLE", message)
            })?);
        }
        Ok(())
    }

    fn stopped(&self) -> Error {
        if self.too_large {
            Error::new(
                "RESULT_TOO_LARGE",
                format!("the result has more than {MAX_ROWS} rows"),
            )
            .with_hint("Add a LIMIT, or aggregate in SQL.")
        } else {
            Error::new("CANCELLED", "the statement was cancelled")
        }
    }

    fn result(&mut self) -> JsValue {
        let rows = Array::new();
        for part in self.rows.drain(..) {
            for row in Array::from(&part).iter() {
                rows.push(&row);
            }
        }
        let result = Object::new();
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| serde_json::json!({ "name": column.name, "type": column.data_type }))
            .collect();
        set(&result, "columns", &parsed(&columns));
        set(&result, "rowCount", &rows.length().into());
        set(&result, "rows", &rows);
        let summary = self.summary.take();
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
}

fn settle(how: &js_sys::Function, value: &JsValue) {
    // Resolving a promise cannot throw.
    let _ = how.call1(&JsValue::UNDEFINED, value);
}

fn error_value(error: &Error) -> JsValue {
    let value = parsed(&serde_json::json!({
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "columns": error.columns,
    }));
    if value.is_null() {
        JsValue::from_str(&error.message)
    } else {
        value
    }
}

fn parsed<T: serde::Serialize + ?Sized>(value: &T) -> JsValue {
    let json = serde_json::to_string(value).unwrap_or_default();
    JSON::parse(&json).unwrap_or(JsValue::NULL)
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
