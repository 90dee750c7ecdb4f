//! `CREATE TABLE … SHALLOW CLONE`: a new table of the files that another one has. Its log names them by
//! absolute paths; what is written to it from then on is its own.

use std::collections::BTreeMap;

use delta_log::actions::Add;
use delta_log::{DeletionVector, DeletionVectorLocation, Metadata, Snapshot, Table};
use delta_transaction::{ConflictKind, Feature, Operation, Transaction, check_writable, to_uri};
use messages::Error;
use serde_json::json;
use spark_dialect::{CloneTable, CreateMode};
use table_location::{Scheme, TableLocation};
use table_properties::Properties;

use crate::errors::from_log;
use crate::plan::open_tables::open_snapshot;
use crate::writes::column_mapping::MODE;
use crate::writes::create::exists;
use crate::writes::errors::WriteError;
use crate::writes::protocol::{needed, with_features};
use crate::writes::round::{Outcome, Round};

/// Properties that say when commits of the source began to carry their times.
const IN_COMMIT_TIMESTAMPS: &str = "delta.inCommitTimestampEnablement";

/// Makes the clone, where there is no table yet.
pub(crate) async fn clone_table(
    round: &Round<'_>,
    statement: &CloneTable,
) -> Result<Outcome, WriteError> {
    let location = &round.table.location;
    if round.snapshot_if_any().await?.is_some() {
        return match statement.mode {
            CreateMode::CreateIfNotExists => Ok(Outcome::default()),
            CreateMode::Create => Err(exists(location).into()),
            CreateMode::CreateOrReplace => {
                let message = format!(
                    "{location} is a table already, and replacing one by a clone is not supported yet."
                );
                Err(Error::new("UNSUPPORTED_FEATURE", message)
                    .with_hint("Drop it first, or clone to another place.")
                    .into())
            }
        };
    }
    let (source, snapshot) =
        open_snapshot(round.core, &round.context, &statement.source, &statement.at).await?;
    check_writable(snapshot.protocol())?;
    if Feature::Clustering.is_in(snapshot.protocol()) {
        let message = format!(
            "{} has liquid clustering: such a table is not cloned here.",
            source.location
        );
        return Err(Error::new("UNSUPPORTED_FEATURE", message)
            .with_hint("CREATE TABLE t AS SELECT * FROM s copies the rows.")
            .into());
    }
    let files = Files::of(&source, &round.table)?;
    let all: Vec<usize> = (0..snapshot.files().len()).collect();
    let adds = snapshot.files().adds(&all)?.into_iter();
    let adds = adds
        .map(|add| files.absolute(add))
        .collect::<Result<Vec<_>, _>>()?;
    let environment = round.environment();
    let Properties { stored, features } = table_properties::check(&statement.properties)?;
    let metadata = Metadata {
        id: environment.uuid().to_string(),
        name: None,
        configuration: configuration(&snapshot, stored)?,
        created_time: Some(environment.now()),
        ..snapshot.metadata().clone()
    };
    let protocol = with_features(snapshot.protocol(), &features)?;
    let protocol = needed(&protocol, &metadata, snapshot.schema());
    let mut transaction = Transaction::create(round.table.clone(), environment, round.id);
    transaction.set_protocol(protocol);
    transaction.set_metadata(metadata);
    transaction.add(adds);
    let size = snapshot.files().size_in_bytes();
    let metrics = [
        ("sourceTableSize", "source_table_size", size),
        ("sourceNumOfFiles", "source_num_of_files", all.len() as u64),
        ("numRemovedFiles", "num_removed_files", 0),
        ("numCopiedFiles", "num_copied_files", 0),
        ("removedFilesSize", "removed_files_size", 0),
        ("copiedFilesSize", "copied_files_size", 0),
    ];
    let mut operation = Operation::new("CLONE")
        .parameter("source", source.location.clone())
        .parameter("sourceVersion", json!(snapshot.version()))
        .parameter("isShallow", true);
    for (name, _, value) in metrics {
        operation.metric(name, value);
    }
    *transaction.operation() = operation;
    let value = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let result = metrics.map(|(_, name, count)| (name.to_owned(), value(count)));
    match transaction.commit().await.map_err(WriteError::from) {
        Ok(committed) => Ok(Outcome {
            committed: Some(committed),
            result: result.into(),
            ..Outcome::default()
        }),
        Err(WriteError::Conflict(conflict)) if conflict.kind == ConflictKind::TableCreated => {
            match statement.mode {
                CreateMode::CreateIfNotExists => Ok(Outcome::default()),
                CreateMode::Create | CreateMode::CreateOrReplace => Err(exists(location).into()),
            }
        }
        Err(error) => Err(error),
    }
}

/// Properties of the source, with others that are new.
fn configuration(
    snapshot: &Snapshot,
    properties: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut configuration = snapshot.metadata().configuration.clone();
    configuration.retain(|key, _| !key.starts_with(IN_COMMIT_TIMESTAMPS));
    if properties.contains_key(MODE) {
        let message = format!(
            "{MODE} can't be set on a clone: it has the files of its source, and their columns' names."
        );
        return Err(Error::new(
            "DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE",
            message,
        ));
    }
    configuration.extend(properties);
    Ok(configuration)
}

/// The files of a table as another one names them.
struct Files<'a> {
    source: &'a Table,
    /// What all their addresses begin with: `s3a://bucket`.
    store: String,
}

impl<'a> Files<'a> {
    /// # Errors
    /// `UNSUPPORTED_FEATURE` where the clone could not read them.
    fn of(source: &'a Table, clone: &Table) -> Result<Self, Error> {
        let places = [source, clone].map(|table| TableLocation::parse(&table.location).ok());
        match places {
            [Some(from), Some(to)]
                if from.is_in_same_store(&to) && from.scheme() == &Scheme::S3 =>
            {
                let store = from.store().to_string();
                let store = store.trim_end_matches('/').to_owned();
                Ok(Self { source, store })
            }
            _ => {
                let (from, to) = (&source.location, &clone.location);
                let message = format!(
                    "{to} can't be a clone of {from}: a table's files must be in its own bucket."
                );
                Err(Error::new("UNSUPPORTED_FEATURE", message)
                    .with_hint("CREATE TABLE t AS SELECT * FROM s copies the rows."))
            }
        }
    }

    fn absolute(&self, add: Add) -> Result<Add, Error> {
        let deletion_vector = match add.deletion_vector {
            Some(vector) => Some(Box::new(self.absolute_vector(*vector)?)),
            None => None,
        };
        Ok(Add {
            path: self.address(&add.path)?,
            deletion_vector,
            ..add
        })
    }

    fn absolute_vector(&self, vector: DeletionVector) -> Result<DeletionVector, Error> {
        match vector.location().map_err(|error| from_log(&error))? {
            DeletionVectorLocation::Inline(_) => Ok(vector),
            DeletionVectorLocation::File { path, .. } => Ok(DeletionVector {
                storage_type: "p".to_owned(),
                path_or_inline_dv: self.address(&path)?,
                ..vector
            }),
        }
    }

    /// The address of a file that the source's log calls `raw`.
    fn address(&self, raw: &str) -> Result<String, Error> {
        let path = self.source.data_path(raw);
        let path = path.map_err(|error| from_log(&error))?;
        Ok(format!("{}/{}", self.store, to_uri(path.as_ref())))
    }
}
