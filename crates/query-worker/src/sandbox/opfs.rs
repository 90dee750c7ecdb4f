//! The browser's own file system (OPFS), as far as it is used here.
//!
//! Not web-sys's bindings: another of its features means another build of all that it is below,
//! DataFusion too.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `navigator.storage`.
    pub(crate) type Storage;
    #[wasm_bindgen(method, js_name = getDirectory)]
    pub(crate) fn get_directory(this: &Storage) -> Promise;

    /// A `FileSystemDirectoryHandle`.
    pub(crate) type Directory;
    #[wasm_bindgen(method, js_name = getFileHandle)]
    pub(crate) fn get_file_handle(this: &Directory, name: &str, options: &Object) -> Promise;

    /// A `FileSystemFileHandle`.
    pub(crate) type FileHandle;
    #[wasm_bindgen(method, js_name = createSyncAccessHandle)]
    pub(crate) fn create_sync_access_handle(this: &FileHandle) -> Promise;

    /// A `FileSystemSyncAccessHandle`: the file, which nobody else can open as long as it is there.
    #[derive(Debug)]
    pub(crate) type SyncFile;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn read(this: &SyncFile, into: &mut [u8], at: &Object) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn write(this: &SyncFile, from: &[u8], at: &Object) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn truncate(this: &SyncFile, size: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn flush(this: &SyncFile) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    pub(crate) fn close(this: &SyncFile);
}

/// The file system; `None` outside of secure contexts, and in browsers without one.
pub(crate) fn storage() -> Option<Storage> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
    let navigator = get(&js_sys::global(), "navigator")?;
    let storage = get(&navigator, "storage")?;
    let known = storage.is_object() && has(&storage, "getDirectory");
    known.then(|| storage.unchecked_into())
}

impl FileHandle {
    /// Whether workers can open it for writing.
    pub fn is_writable(&self) -> bool {
        has(self, "createSyncAccessHandle")
    }
}

/// Options that make a file which is not there.
pub(crate) fn creating() -> Object {
    option("create", &true.into())
}

/// Options that say where to read or write.
pub(crate) fn at(position: u64) -> Object {
    // Below 2^53, as files are.
    option("at", &(position as f64).into())
}

fn option(name: &str, value: &JsValue) -> Object {
    let options = Object::new();
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(&options, &name.into(), value);
    options
}

fn has(object: &JsValue, name: &str) -> bool {
    Reflect::has(object, &name.into()).unwrap_or_default()
}
