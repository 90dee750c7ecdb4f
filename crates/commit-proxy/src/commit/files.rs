//! Whether the files that a commit names fit those of the table, as far as the log tells.
//!
//! Protocol: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file)

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use delta_log::{DeletionVector, Snapshot, Table};
use object_store::path::Path;

use crate::commit::actions::Actions;
use crate::commit::protocol::has_feature;
use crate::error::{Refusal, invalid};

/// What the log has of a file that a commit adds or removes.
#[derive(Debug, Clone)]
struct Active {
    size: u64,
    vector: Option<String>,
}

/// A file that a commit adds, and what must be true of it in the store.
#[derive(Debug)]
pub(crate) struct Added {
    /// Its position among the commit's adds.
    pub index: usize,
    /// Its place in the store.
    pub path: Path,
    /// Whether it was the table's before, with other rows deleted.
    pub is_known: bool,
}

/// What the log has of the files that a commit names.
#[derive(Debug)]
pub(crate) struct FileChanges {
    pub added: Vec<Added>,
    /// Whether files of before are still there.
    pub keeps_files: bool,
}

/// Checks adds and removes against the files of `before`. `added_files` is `after` with the files alone
/// that the commit adds.
pub(crate) fn check(
    table: &Table,
    before: Option<&Snapshot>,
    after: &Snapshot,
    added_files: &Snapshot,
    actions: &Actions,
) -> Result<FileChanges, Refusal> {
    let active = active(table, before, actions)?;
    let mut removed = HashMap::new();
    for remove in &actions.removes {
        let path = &remove.path;
        let vector = remove
            .deletion_vector
            .as_ref()
            .map(DeletionVector::unique_id);
        match active.get(path.as_str()) {
            Some(file) if file.vector == vector => {}
            Some(_) => {
                return Err(invalid(format!(
                    "{path} is removed with another deletion vector than it has"
                )));
            }
            None => {
                return Err(invalid(format!(
                    "{path} is removed, and is no file of the table under this name"
                )));
            }
        }
        if remove.data_change && is_append_only(before) {
            return Err(append_only());
        }
        if removed.insert(path.as_str(), vector).is_some() {
            return Err(invalid(format!("{path} is removed twice")));
        }
    }
    let names: BTreeSet<String> = partition_names(after);
    let places: HashMap<String, &str> = active
        .keys()
        .map(|raw| (place(table, raw).into_owned(), raw.as_str()))
        .collect();
    let mut seen = HashSet::new();
    let mut added = Vec::with_capacity(actions.adds.len());
    for (index, add) in actions.adds.iter().enumerate() {
        let path = table.data_path(&add.path).map_err(invalid)?;
        let raw = &add.path;
        check_partition_names(raw, add.partition_values.keys(), &names)?;
        let vector = add.deletion_vector.as_ref().map(DeletionVector::unique_id);
        if vector.is_some() && !has_feature(after.protocol(), "deletionVectors") {
            return Err(invalid(format!(
                "{raw} has a deletion vector, and the table's protocol has none"
            )));
        }
        let place = place(table, raw);
        let known = match places.get(place.as_ref()) {
            Some(spelling) if *spelling == raw => active.get(raw.as_str()),
            Some(spelling) => {
                return Err(invalid(format!(
                    "{raw} is added, and is in the table as {spelling}"
                )));
            }
            None => None,
        };
        match (known, removed.get(raw.as_str())) {
            (Some(file), Some(_)) if file.vector == vector => {
                return Err(invalid(format!("{raw} is removed, and added as it was")));
            }
            (Some(file), Some(_)) if file.size != add.size => {
                return Err(invalid(format!("{raw} is added again with another size")));
            }
            (Some(_), None) => {
                return Err(invalid(format!(
                    "{raw} is added, and is in the table already"
                )));
            }
            (Some(_), Some(_)) => {}
            (None, _) => check_is_inside(table, raw, &path)?,
        }
        if !seen.insert(place.into_owned()) {
            return Err(invalid(format!("{raw} is added twice")));
        }
        added.push(Added {
            index,
            path,
            is_known: known.is_some(),
        });
    }
    for cdc in &actions.cdcs {
        check_partition_names(&cdc.path, cdc.partition_values.keys(), &names)?;
        if cdc.data_change {
            return Err(invalid(format!(
                "the change data file {} claims to change data",
                cdc.path
            )));
        }
    }
    // Texts that are no values of their columns.
    for column in after.partition_columns() {
        let values = added_files.files().partition_values(column);
        values.map_err(invalid)?;
    }
    let before = before.map_or(0, |before| before.files().len());
    Ok(FileChanges {
        added,
        keeps_files: before > actions.removes.len(),
    })
}

/// The table's files, as far as the commit names them: by the path in the log.
fn active(
    table: &Table,
    before: Option<&Snapshot>,
    actions: &Actions,
) -> Result<HashMap<String, Active>, Refusal> {
    let removed = actions.removes.iter().map(|remove| &remove.path);
    let added = actions.adds.iter().map(|add| &add.path);
    let wanted: HashSet<Cow<'_, str>> = removed.chain(added).map(|raw| place(table, raw)).collect();
    let mut active = HashMap::new();
    let Some(before) = before else {
        return Ok(active);
    };
    let files = before.files();
    for i in 0..files.len() {
        let raw = files.raw_path(i);
        if wanted.contains(&place(table, raw)) {
            let vector = files.deletion_vector(i).map(DeletionVector::unique_id);
            let file = Active {
                size: files.size(i),
                vector,
            };
            if active.insert(raw.to_owned(), file).is_some() {
                return Err(invalid(format!("the table has {raw} twice")));
            }
        }
    }
    Ok(active)
}

/// What tells files apart however their paths are spelled. Most are spelled just like that.
fn place<'a>(table: &Table, raw: &'a str) -> Cow<'a, str> {
    if !raw.contains(['%', ':']) && !raw.starts_with('/') && !raw.ends_with('/') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(table.file_identity(raw))
}

fn below<'a>(table: &Table, path: &'a Path) -> Option<&'a str> {
    path.as_ref()
        .strip_prefix(table.root.as_ref())?
        .strip_prefix('/')
}

/// Refuses a file outside of the table's folder, or among the files of its log.
pub(crate) fn check_is_inside(table: &Table, raw: &str, path: &Path) -> Result<(), Refusal> {
    match below(table, path) {
        None => Err(invalid(format!("{raw} is not in the table's folder"))),
        Some(relative) if relative.starts_with("_delta_log/") => {
            Err(invalid(format!("{raw} is in the table's log")))
        }
        Some(_) => Ok(()),
    }
}

fn partition_names(snapshot: &Snapshot) -> BTreeSet<String> {
    let columns = snapshot.partition_columns().iter();
    let fields = columns.filter_map(|column| snapshot.schema().field(column));
    fields
        .map(|field| snapshot.column_mapping().physical_name(field).to_owned())
        .collect()
}

fn check_partition_names<'a>(
    raw: &str,
    found: impl Iterator<Item = &'a String>,
    names: &BTreeSet<String>,
) -> Result<(), Refusal> {
    match found.eq(names) {
        true => Ok(()),
        false => Err(invalid(format!(
            "{raw} does not have the values of the table's partition columns"
        ))),
    }
}

/// Whether rows may only be added.
fn is_append_only(before: Option<&Snapshot>) -> bool {
    before.is_some_and(|before| {
        let value = before.metadata().configuration.get("delta.appendOnly");
        has_feature(before.protocol(), "appendOnly")
            && value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    })
}

fn append_only() -> Refusal {
    let message =
        "Nothing was written: the table is append-only: rows may be added, not changed or deleted.";
    let error = messages::Error::new("DELTA_CANNOT_MODIFY_APPEND_ONLY", message);
    Refusal::Error(
        error.with_hint("ALTER TABLE … SET TBLPROPERTIES (delta.appendOnly = false) lifts that."),
    )
}
