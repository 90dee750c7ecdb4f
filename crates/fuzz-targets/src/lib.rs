//! What reads bytes that others wrote, as functions of these bytes: for `cargo fuzz` (the folder
//! `fuzz`) and, with the same corpora, for `cargo test`. They must come to an end, without a panic,
//! whatever the bytes are.
#![warn(missing_docs)]

use std::sync::Arc;

use delta_log::{ChangeBound, ChangeColumns, DeletionVector, Table, TimeTravel};
use futures::executor::block_on;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// A target, under the name of its corpus.
pub type Target = (&'static str, fn(&[u8]) -> Read);

/// `Ok` if the input was read, else the reason why it was refused.
pub type Read = Result<(), String>;

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("commit", commit),
    ("checkpoint", checkpoint),
    ("deletion_vector", deletion_vector),
    ("statement", statement),
];

const FIRST: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"a","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"p\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["p"],"configuration":{"delta.enableChangeDataFeed":"true"}}}
"#;

/// The lines of a table's second commit.
pub fn commit(bytes: &[u8]) -> Read {
    read_log(&[
        ("00000000000000000000.json", FIRST.as_bytes()),
        ("00000000000000000001.json", bytes),
    ])
}

/// A checkpoint's Parquet file.
pub fn checkpoint(bytes: &[u8]) -> Read {
    read_log(&[("00000000000000000001.checkpoint.parquet", bytes)])
}

/// Reads all that the log alone tells.
///
/// Change feed and deletion vectors do not decide whether the log was read: the feed may be
/// switched off, and the vectors' files are not there.
fn read_log(files: &[(&str, &[u8])]) -> Read {
    let store = Arc::new(InMemory::new());
    block_on(async {
        for (name, content) in files {
            let path = Path::from(format!("t/_delta_log/{name}"));
            let written = store.put(&path, content.to_vec().into()).await;
            written.expect("memory takes everything");
        }
        let table = Table::new(
            Arc::clone(&store) as Arc<dyn ObjectStore>,
            Path::from("t"),
            "s3a://lake/t",
            true,
        );
        let history = table.history(None).await;
        let _ = table
            .changes(ChangeBound::Version(0), None, ChangeColumns::OfLatest)
            .await;
        let snapshot = table.snapshot(TimeTravel::Latest).await.map_err(text)?;
        let files = snapshot.files();
        let mut read = history.map(drop).map_err(text);
        for i in 0..files.len() {
            read = read.and(files.path(i).map(drop).map_err(text));
            let _ = files.num_records(i);
            if let Some(vector) = files.deletion_vector(i) {
                let _ = table.deleted_rows(vector).await;
            }
        }
        for field in snapshot.arrow_schema().fields() {
            let _ = files.partition_values(field.name());
            let _ = files.min_values(field.name());
            let _ = files.max_values(field.name());
            let _ = files.null_counts(field.name());
        }
        read
    })
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// A deletion vector's bitmap, bare or between its length and checksum. The first byte is how many
/// rows it should name.
pub fn deletion_vector(bytes: &[u8]) -> Read {
    let Some((cardinality, bitmap)) = bytes.split_first() else {
        return Err("empty".to_owned());
    };
    let vector = |size: usize| DeletionVector {
        storage_type: "u".to_owned(),
        path_or_inline_dv: "vBn[lx{q8@P<9BNH/isA".to_owned(),
        offset: Some(1),
        size_in_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        cardinality: i64::from(*cardinality),
    };
    let bare = vector(bitmap.len()).decode(bitmap);
    let stored = vector(bitmap.len().saturating_sub(8)).decode_stored(bitmap);
    for rows in [&bare, &stored].into_iter().flatten() {
        assert_eq!(rows.len(), u64::from(*cardinality));
    }
    bare.or(stored).map(drop).map_err(text)
}

/// A script, as somebody types it.
pub fn statement(bytes: &[u8]) -> Read {
    let script = std::str::from_utf8(bytes).map_err(text)?;
    for statement in spark_dialect::parse_script(script).map_err(|error| error.message)? {
        let end = statement.offset + statement.text.len();
        assert_eq!(
            script.get(statement.offset..end),
            Some(statement.text.as_str())
        );
    }
    Ok(())
}
