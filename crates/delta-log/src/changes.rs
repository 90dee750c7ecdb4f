//! Which files hold the changes of a range of versions.
//!
//! Protocol: [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-cdc-file)

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::ArrayRef;

use crate::actions::{Commit, Metadata, PartitionTexts, Protocol, Remove, num_records};
use crate::change_plan::{
    ChangeBound, ChangeColumns, ChangeKind, ChangePlan, ChangeSource, ChangeVersion,
};
use crate::commit_times::{adjusted_commit_timestamps, version_at};
use crate::error::{Error, Result};
use crate::files::data_path::{DataPaths, FileKey};
use crate::files::deletion_vector::{DeletionVector, FileRows};
use crate::files::values::parse_partition_values;
use crate::log::checkpoint::CheckpointScope;
use crate::log::log_segment::{Log, LogRange};
use crate::log::replay::{self, Loaded, read_commits};
use crate::open::TimeTravel;
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::compatibility::SchemaCompatibility;
use crate::schema::types::StructType;
use crate::snapshot::check_readable;
use crate::table::Table;
use crate::warning::{Warning, distinct};

impl Table {
    /// Plans the change feed from `start` to `end`, both included: the files to read. Without `end`, or
    /// with one that is yet to come, to the latest version.
    ///
    /// Requests: one LIST, one GET for each commit of the range, and what it takes to know the
    /// schema as of `start`, and as of the latest version where `columns` asks for it.
    ///
    /// # Errors
    /// [`Error::ChangeDataNotRecorded`] if the feed was off at any version of the range;
    /// [`Error::ChangesStartAfterLatest`] and [`Error::InvalidChangeRange`];
    /// [`Error::IncompatibleSchemaInChanges`]; else as [`Self::snapshot`].
    ///
    /// Protocol: [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-addcdcfile)
    pub async fn changes(
        &self,
        start: ChangeBound,
        end: Option<ChangeBound>,
        columns: ChangeColumns,
    ) -> Result<ChangePlan> {
        plan(self, start, end, columns).await
    }
}

/// See [`Table::changes`].
async fn plan(
    table: &Table,
    start: ChangeBound,
    end: Option<ChangeBound>,
    columns: ChangeColumns,
) -> Result<ChangePlan> {
    let log = Log::open(table, LogRange::All).await?;
    let (start, end) = range(table, &log, start, end).await?;
    // Where two times enclose no commit, the schema is that of the commit before them.
    let first = start.min(end);
    let Loaded {
        state: before,
        mut warnings,
        ..
    } = replay::load(table, &log, first, CheckpointScope::WithoutFiles).await?;
    let (mut protocol, mut metadata) =
        check_readable(table, first, before.protocol, before.metadata)?;

    let commits = read_commits(table, &log, start..=end).await?;
    let mut schemas: Vec<TableSchema> = Vec::with_capacity(commits.len());
    for (version, commit) in (start..=end).zip(&commits) {
        if commit.protocol.is_some() || commit.metadata.is_some() {
            let new_protocol = commit.protocol.clone().unwrap_or(protocol);
            let new_metadata = commit.metadata.clone().unwrap_or(metadata);
            (protocol, metadata) =
                check_readable(table, version, Some(new_protocol), Some(new_metadata))?;
        }
        if !metadata.records_changes() {
            return Err(Error::ChangeDataNotRecorded {
                version,
                start,
                end,
            });
        }
        match schemas.last() {
            Some(last) if commit.protocol.is_none() && commit.metadata.is_none() => {
                schemas.push(last.clone());
            }
            _ => schemas.push(TableSchema::of(&protocol, &metadata)?),
        }
    }
    let mut last = TableSchema::of(&protocol, &metadata)?;
    check_schemas(start, end, &schemas, &last)?;
    if columns == ChangeColumns::OfLatest
        && let Some(latest) = schema_after(table, &log, end).await?
        && check_schemas(start, end, &schemas, &latest).is_ok()
    {
        last = latest;
    }

    let times = adjusted_commit_timestamps(&log);
    let own_times = commits
        .last()
        .is_some_and(|commit| commit.in_commit_timestamp().is_some());
    let mut planner = Planner {
        table,
        paths: DataPaths::new(table),
        schema: &last,
        origins: None,
    };
    // Removed files were written before their commit, which may partition the table otherwise.
    let repartitions = |commit: &Commit| commit.metadata.is_some() && !commit.removes.is_empty();
    let mut partitioned_before = match commits.first() {
        Some(commit) if repartitions(commit) => {
            partition_columns_before(table, &log, start).await?
        }
        _ => None,
    };
    if let Some(columns) = &mut partitioned_before {
        columns.retain(|column| last.columns.field(column).is_some());
    }
    let mut versions = Vec::new();
    for (i, commit) in commits.iter().enumerate() {
        let version = start.saturating_add(i as u64);
        if planner.origins.is_none() && lacks_origins(commit) {
            let more = planner.find_origins(start, &commits[..i]).await?;
            warnings.extend(more);
        }
        let columns = &schemas[i].partition_columns;
        let before = partitioned_before.as_ref().unwrap_or(columns);
        let sources = planner.sources(version, commit, columns, before)?;
        partitioned_before = Some(columns.clone());
        planner.remember(commit);
        if !sources.is_empty() {
            let own = commit.in_commit_timestamp().filter(|_| own_times);
            let by_file = times.get(&version).copied().unwrap_or_default();
            versions.push(ChangeVersion {
                version,
                timestamp_ms: own.unwrap_or(by_file),
                sources,
            });
        }
    }
    let TableSchema {
        columns,
        column_mapping,
        ..
    } = last;
    Ok(ChangePlan {
        start,
        end,
        arrow_schema: columns.to_arrow(),
        schema: columns,
        column_mapping,
        versions,
        warnings: distinct(warnings),
    })
}

/// The latest version's schema, where it is later than `end`, readable, and without column mapping.
async fn schema_after(table: &Table, log: &Log, end: u64) -> Result<Option<TableSchema>> {
    let Some(latest) = log.latest().filter(|latest| *latest > end) else {
        return Ok(None);
    };
    let loaded = replay::load(table, log, latest, CheckpointScope::WithoutFiles).await?;
    let state = loaded.state;
    let Ok((protocol, metadata)) = check_readable(table, latest, state.protocol, state.metadata)
    else {
        return Ok(None);
    };
    let schema = TableSchema::of(&protocol, &metadata)?;
    Ok((schema.column_mapping == ColumnMapping::None).then_some(schema))
}

/// The partition columns of the version before `version`, if it can still be read.
async fn partition_columns_before(
    table: &Table,
    log: &Log,
    version: u64,
) -> Result<Option<Vec<String>>> {
    let Some(before) = version.checked_sub(1) else {
        return Ok(None);
    };
    match replay::load(table, log, before, CheckpointScope::WithoutFiles).await {
        Ok(loaded) => {
            let metadata = loaded.state.metadata;
            Ok(metadata.map(|metadata| metadata.partition_columns))
        }
        Err(Error::VersionNotFound { .. } | Error::MissingCommit { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the metadata of a version say of its columns.
#[derive(Clone)]
struct TableSchema {
    columns: Arc<StructType>,
    column_mapping: ColumnMapping,
    partition_columns: Vec<String>,
}

impl TableSchema {
    fn of(protocol: &Protocol, metadata: &Metadata) -> Result<Self> {
        let columns = StructType::from_json(&metadata.schema_string)?;
        let column_mapping = ColumnMapping::of(protocol, metadata, &columns)?;
        Ok(Self {
            columns: Arc::new(columns),
            column_mapping,
            partition_columns: metadata.partition_columns.clone(),
        })
    }
}

/// The first and the last version.
async fn range(
    table: &Table,
    log: &Log,
    start: ChangeBound,
    end: Option<ChangeBound>,
) -> Result<(u64, u64)> {
    let latest = log.latest().unwrap_or(0);
    let first = match start {
        ChangeBound::Version(version) => version,
        ChangeBound::Timestamp(timestamp) => match version_at(table, log, timestamp).await {
            Ok((version, time)) if time == timestamp => version,
            Ok((version, _)) => version.saturating_add(1),
            Err(Error::TimestampBeforeFirstCommit { version, .. }) => version,
            Err(error) => return Err(error),
        },
    };
    if first > latest {
        return Err(Error::ChangesStartAfterLatest {
            start: first,
            latest,
        });
    }
    let last = match end {
        None => latest,
        Some(ChangeBound::Version(version)) => version,
        Some(ChangeBound::Timestamp(timestamp)) => version_at(table, log, timestamp).await?.0,
    };
    let between_commits = matches!(start, ChangeBound::Timestamp(_))
        && matches!(end, Some(ChangeBound::Timestamp(_)))
        && last.checked_add(1) == Some(first);
    if last < first && !between_commits {
        return Err(Error::InvalidChangeRange {
            start: first,
            end: last,
        });
    }
    Ok((first, last.min(latest)))
}

/// Refuses a range in which a row of an earlier version may not fit the last one's schema.
fn check_schemas(start: u64, end: u64, schemas: &[TableSchema], last: &TableSchema) -> Result<()> {
    let mut checked: Option<&TableSchema> = None;
    for (version, schema) in (start..=end).zip(schemas) {
        if checked.is_some_and(|checked| Arc::ptr_eq(&checked.columns, &schema.columns)) {
            continue;
        }
        checked = Some(schema);
        let compatibility = SchemaCompatibility {
            before: schema.column_mapping,
            after: last.column_mapping,
            evolution: false,
        };
        if let Some(reason) = compatibility.incompatibility(&schema.columns, &last.columns) {
            return Err(Error::IncompatibleSchemaInChanges {
                version,
                end,
                reason,
            });
        }
    }
    Ok(())
}

/// A file with changes, as an action names it.
struct File<'a> {
    path: &'a str,
    size: u64,
    texts: &'a PartitionTexts,
    /// Rows that are stored in it.
    num_records: Option<u64>,
}

/// What a remove may leave out, from the add of the same file.
struct Origin {
    size: u64,
    partition_values: PartitionTexts,
    num_records: Option<u64>,
}

struct Planner<'a> {
    table: &'a Table,
    paths: DataPaths,
    schema: &'a TableSchema,
    /// Only where some remove needs it.
    origins: Option<HashMap<FileKey, Origin>>,
}

/// Whether rows of removed files must be read, and a remove lacks what that takes.
fn lacks_origins(commit: &Commit) -> bool {
    let lacks = |remove: &Remove| remove.size.is_none() || remove.partition_values.is_none();
    commit.cdcs.is_empty()
        && commit
            .removes
            .iter()
            .any(|remove| remove.data_change && lacks(remove))
}

impl Planner<'_> {
    /// Loads the files as of before `start`, and adds those of the commits since.
    async fn find_origins(&mut self, start: u64, commits: &[Commit]) -> Result<Vec<Warning>> {
        let mut origins = HashMap::new();
        let mut warnings = Vec::new();
        if let Some(before) = start.checked_sub(1) {
            let snapshot = self.table.snapshot(TimeTravel::Version(before)).await?;
            warnings.extend_from_slice(snapshot.warnings());
            let files = snapshot.files();
            for (i, partition_values) in files.partition_texts().into_iter().enumerate() {
                let origin = Origin {
                    size: files.size(i),
                    partition_values,
                    num_records: files.num_stored_records(i),
                };
                origins.insert(self.paths.key(files.raw_path(i), None), origin);
            }
        }
        self.origins = Some(origins);
        for commit in commits {
            self.remember(commit);
        }
        Ok(warnings)
    }

    fn remember(&mut self, commit: &Commit) {
        let Some(origins) = &mut self.origins else {
            return;
        };
        for add in &commit.adds {
            let origin = Origin {
                size: u64::try_from(add.size).unwrap_or(0),
                partition_values: add.partition_values.clone(),
                num_records: num_records(add.stats.as_deref()),
            };
            origins.insert(self.paths.key(&add.path, None), origin);
        }
    }

    fn sources(
        &self,
        version: u64,
        commit: &Commit,
        partition_columns: &[String],
        partitioned_before: &[String],
    ) -> Result<Vec<ChangeSource>> {
        let source_of = |kind, file: File<'_>, rows: FileRows, columns: &[String]| {
            Ok(ChangeSource {
                kind,
                path: self.paths.resolve(file.path)?,
                size: file.size,
                partition_values: self.partition_values(columns, file.texts)?,
                num_records: rows.count(file.num_records),
                num_stored_records: file.num_records,
                rows,
            })
        };
        let source =
            |kind, file: File<'_>, rows: FileRows| source_of(kind, file, rows, partition_columns);
        if !commit.cdcs.is_empty() {
            let cdcs = commit.cdcs.iter().map(|cdc| {
                let file = File {
                    path: &cdc.path,
                    size: u64::try_from(cdc.size).unwrap_or(0),
                    texts: &cdc.partition_values,
                    num_records: None,
                };
                source(ChangeKind::Cdc, file, FileRows::All)
            });
            return cdcs.collect();
        }
        // A file that is removed and added has another deletion vector: what changed is between
        // the two.
        let vector_before: HashMap<FileKey, Option<&DeletionVector>> = commit
            .removes
            .iter()
            .filter(|remove| remove.data_change)
            .map(|remove| {
                (
                    self.paths.key(&remove.path, None),
                    remove.deletion_vector.as_deref(),
                )
            })
            .collect();
        let mut sources = Vec::new();
        let mut kept: HashSet<FileKey> = HashSet::new();
        for add in commit.adds.iter().filter(|add| add.data_change) {
            let file = || File {
                path: &add.path,
                size: u64::try_from(add.size).unwrap_or(0),
                texts: &add.partition_values,
                num_records: num_records(add.stats.as_deref()),
            };
            let key = self.paths.key(&add.path, None);
            let now = add.deletion_vector.as_deref();
            match vector_before.get(&key) {
                None => {
                    let rows = FileRows::remaining(now);
                    sources.push(source(ChangeKind::Insert, file(), rows)?);
                }
                Some(before) => {
                    if let Some(rows) = FileRows::between(now, *before) {
                        sources.push(source(ChangeKind::Delete, file(), rows)?);
                    }
                    if let Some(rows) = FileRows::between(*before, now) {
                        sources.push(source(ChangeKind::Insert, file(), rows)?);
                    }
                    kept.insert(key);
                }
            }
        }
        for remove in commit.removes.iter().filter(|remove| remove.data_change) {
            let key = self.paths.key(&remove.path, None);
            if kept.contains(&key) {
                continue;
            }
            let origin = self.origins.as_ref().and_then(|origins| origins.get(&key));
            let size = remove.size.and_then(|size| u64::try_from(size).ok());
            let texts = remove.partition_values.as_ref();
            let (Some(size), Some(texts)) = (
                size.or(origin.map(|origin| origin.size)),
                texts.or(origin.map(|origin| &origin.partition_values)),
            ) else {
                return Err(Error::CorruptLog {
                    path: format!("{} version {version}", self.table.location),
                    reason: format!("removed file {} was not in the table", remove.path),
                });
            };
            let rows = num_records(remove.stats.as_deref());
            let file = File {
                path: &remove.path,
                size,
                texts,
                num_records: rows.or_else(|| origin?.num_records),
            };
            let rows = FileRows::remaining(remove.deletion_vector.as_deref());
            sources.push(source_of(
                ChangeKind::Delete,
                file,
                rows,
                partitioned_before,
            )?);
        }
        Ok(sources)
    }

    fn partition_values(
        &self,
        columns: &[String],
        texts: &PartitionTexts,
    ) -> Result<Vec<(String, ArrayRef)>> {
        let value = |column: &String| {
            let field = self.schema.columns.field(column);
            let field = field.ok_or_else(|| Error::UnknownColumn(column.clone()))?;
            let name = self.schema.column_mapping.physical_name(field);
            let text = texts.get(name).and_then(Option::as_deref);
            Ok((
                column.clone(),
                parse_partition_values(column, &field.data_type, &[text])?,
            ))
        };
        columns.iter().map(value).collect()
    }
}
