//! A table as a zip archive in the browser's memory.

use futures::StreamExt;
use js_sys::{Array, Uint8Array};
use messages::Error;
use object_store::path::Path;
use overlay_store::OverlayStore;
use url::Url;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag};

use super::below::folder_of;
use crate::fetch::describe;
use crate::stores::Place;
use crate::timer::sleep;

/// Milliseconds for which an archive can be fetched.
const LIFETIME: u32 = 60_000;

// Not web-sys's: another of its features means another build of all that it is below, DataFusion too.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = URL, js_name = createObjectURL, catch)]
    fn create_object_url(blob: &Blob) -> Result<String, JsValue>;
    #[wasm_bindgen(js_namespace = URL, js_name = revokeObjectURL)]
    fn revoke_object_url(url: &str);
}

/// An archive that the browser holds.
#[derive(Debug)]
pub(crate) struct Archive {
    pub url: String,
    pub name: String,
    pub size: u64,
}

/// Packs the folder of a table, as the overlay has it.
///
/// # Errors
/// `INVALID_URL`; `EXPORT_FAILED`, with the reason: the folder is empty, a file below can't be read.
pub(crate) async fn export(overlay: &OverlayStore, location: &str) -> Result<Archive, Error> {
    let url = Url::parse(location)
        .map_err(|_| Error::new("INVALID_URL", format!("`{location}` is not a table's URL.")))?;
    let place = Place::of(&url)?;
    let folder: Path = folder_of(&place.store)
        .parts()
        .chain(place.root.parts())
        .collect();
    let parts = Array::new();
    let mut size = 0;
    let mut stream = overlay.export(&folder);
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| failed(location, &error.to_string()))?;
        size += part.len() as u64;
        // Out of this module's memory at once: the browser may put it on the disk.
        let bytes = Uint8Array::from(part.as_ref());
        let part = blob(&Array::of1(&bytes)).map_err(|error| failed(location, &error))?;
        parts.push(&part);
    }
    let archive = blob(&parts).map_err(|error| failed(location, &error))?;
    let url = create_object_url(&archive).map_err(|error| failed(location, &describe(&error)))?;
    let revoked = url.clone();
    spawn_local(async move {
        sleep(LIFETIME).await;
        revoke_object_url(&revoked);
    });
    let name = place.root.filename().unwrap_or("table");
    Ok(Archive {
        url,
        name: format!("{name}.zip"),
        size,
    })
}

fn blob(parts: &JsValue) -> Result<Blob, String> {
    let options = BlobPropertyBag::new();
    options.set_type("application/zip");
    Blob::new_with_u8_array_sequence_and_options(parts, &options).map_err(|error| describe(&error))
}

fn failed(location: &str, why: &str) -> Error {
    Error::new(
        "EXPORT_FAILED",
        format!("{location} can't be packed: {why}"),
    )
}
