//! Integration tests: where our own reader meets delta-rs, delta_kernel and tables that others
//! wrote. This library is what the tests share.

pub mod filters;
pub mod random;
pub mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use delta_log::Table;
use object_store::local::LocalFileSystem;
use serde_json::Value;
use tempfile::TempDir;

/// A table of `tables/`, with what must be found in it: see `tables/README.md`.
#[derive(Debug, Clone)]
pub struct GoldenTable {
    /// Name of its folder.
    pub name: String,
    path: PathBuf,
    /// `expected.json`.
    pub expected: Value,
    /// Where `path` is a copy, because the log must hold the path of the table itself.
    _copy: Option<Arc<TempDir>>,
}

/// All tables, by name.
pub fn golden_tables() -> Result<Vec<GoldenTable>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables");
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.path().join("expected.json").exists() {
            tables.push(GoldenTable::read(&entry.path())?);
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

/// The golden table of this name.
pub fn golden_table(name: &str) -> Result<GoldenTable> {
    let tables = golden_tables()?.into_iter();
    tables
        .into_iter()
        .find(|table| table.name == name)
        .context("no such table")
}

/// A local folder as a table of ours.
pub fn open_local(path: &Path) -> Result<Table> {
    let store = LocalFileSystem::new_with_prefix(path)?;
    let location = format!("file://{}", path.display());
    Ok(Table::new(
        Arc::new(store),
        object_store::path::Path::ROOT,
        location,
        true,
    ))
}

/// Copies a folder and all in it.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

impl GoldenTable {
    fn read(folder: &Path) -> Result<Self> {
        let expected = std::fs::read(folder.join("expected.json"))?;
        let mut table = Self {
            name: folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: folder.join("table"),
            expected: serde_json::from_slice(&expected)?,
            _copy: None,
        };
        if table.expected["prepare"].is_object() {
            table.prepare().context("cannot prepare the table")?;
        }
        Ok(table)
    }

    /// Makes a copy, and puts its own path where a template of the log asks for it.
    fn prepare(&mut self) -> Result<()> {
        let prepare = &self.expected["prepare"];
        let text = |name: &str| prepare[name].as_str().context("no text");
        let copy = TempDir::new()?;
        copy_folder(&self.path, &copy.path().join("table"))?;
        let path = copy.path().join("table");
        let log = copy.path().join(text("replace_in")?);
        let with = text("with")?.replace("<absolute path of table>", &path.to_string_lossy());
        let replaced = std::fs::read_to_string(&log)?.replace(text("placeholder")?, &with);
        std::fs::write(&log, replaced)?;
        self.path = path;
        self._copy = Some(Arc::new(copy));
        Ok(())
    }

    /// The table's folder, above `_delta_log`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `ok`, `log_only`, `error` or `unknown`.
    pub fn expect(&self) -> &str {
        self.expected["expect"].as_str().unwrap_or_default()
    }

    /// Whether its rows, or at least its log, are to be read without an error.
    pub fn is_readable(&self) -> bool {
        matches!(self.expect(), "ok" | "log_only")
    }
}
