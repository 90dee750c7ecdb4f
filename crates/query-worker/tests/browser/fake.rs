//! The fake server's handle: see `fake_store.js`.

use std::sync::Once;

use js_sys::{Array, Function, Reflect};
use messages::connection::{Connection, Credentials};
use serde::Deserialize;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = fake)]
    fn put(path: &str, bytes: &[u8]);
    #[wasm_bindgen(js_namespace = fake)]
    fn reset();
}

/// A request that the store got.
#[derive(Debug, Deserialize)]
pub struct Request {
    pub method: String,
    pub cache: String,
    pub headers: BTreeMap<String, String>,
}

/// A commit that the proxy got.
#[derive(Debug, Deserialize)]
pub struct Commit {
    pub method: String,
    /// Bucket and table.
    pub path: String,
    pub query: String,
    pub body: String,
}

/// An object that the proxy got.
#[derive(Debug, Deserialize)]
pub struct Put {
    pub method: String,
    /// Bucket and key.
    pub path: String,
    pub size: usize,
    pub headers: BTreeMap<String, String>,
}

/// An empty store, and a proxy that accepts.
pub fn fresh() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let install = Function::new_no_args(include_str!("fake_store.js"));
        install.call0(&JsValue::NULL).expect("the fake installs");
    });
    reset();
}

pub fn put_object(path: &str, bytes: &[u8]) {
    put(&format!("/{path}"), bytes);
}

/// What goes wrong with the next requests: names of `fake_store.js`, or a status.
pub fn fail(faults: &[&str]) {
    let faults: Array = faults
        .iter()
        .map(|fault| match fault.parse::<u16>() {
            Ok(status) => JsValue::from(status),
            Err(_) => JsValue::from(*fault),
        })
        .collect();
    set("faults", &faults);
}

pub fn proxy_is_down() {
    set("proxyDown", &JsValue::TRUE);
}

/// `status`: a number, `network` or `hang`.
pub fn proxy_answers(status: &str, body: &str) {
    let answer = js_sys::Object::new();
    let status = status
        .parse::<u16>()
        .map_or_else(|_| JsValue::from(status), JsValue::from);
    Reflect::set(&answer, &"status".into(), &status).unwrap();
    Reflect::set(&answer, &"body".into(), &body.into()).unwrap();
    set("commitAnswer", &answer);
}

pub fn log() -> Vec<Request> {
    read("log")
}

pub fn commits() -> Vec<Commit> {
    read("commits")
}

pub fn puts() -> Vec<Put> {
    read("puts")
}

/// Requests whose future was dropped before there was an answer.
pub fn aborted() -> u32 {
    read("aborted")
}

pub fn anonymous() -> Connection {
    Connection {
        endpoint: "http://store.test".to_owned(),
        region: "us-east-1".to_owned(),
        buckets: vec!["bucket".to_owned()],
        credentials: None,
    }
}

pub fn signed() -> Connection {
    let credentials = Credentials {
        access_key: "AKID".to_owned(),
        secret_key: "secret".to_owned(),
        session_token: None,
    };
    Connection {
        credentials: Some(credentials),
        ..anonymous()
    }
}

fn fake() -> JsValue {
    Reflect::get(&js_sys::global(), &"fake".into()).unwrap()
}

fn set(name: &str, value: &JsValue) {
    Reflect::set(&fake(), &name.into(), value).unwrap();
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let value = Reflect::get(&fake(), &name.into()).unwrap();
    let json = js_sys::JSON::stringify(&value).unwrap();
    serde_json::from_str(&String::from(json)).unwrap()
}
