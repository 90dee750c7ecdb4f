//! The catalog: names and paths of tables, resolved to places in the stores.

pub(crate) mod snapshots;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt};
use messages::Error;
use messages::table::FolderListing;
use object_store::ObjectStore;
use object_store::path::Path;
use spark_dialect::{TableFormat, TableName};
use table_location::TableLocation;
use url::Url;

use crate::errors::from_store;
use crate::host::{StoreLocation, Stores};

/// Depth of folders below a bucket in which tables are searched.
const DEPTH: usize = 3;

/// Folders that are listed at the same time.
const CONCURRENT_LISTINGS: usize = 8;

/// A table that was found in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// Bucket that holds it.
    pub bucket: String,
    /// Path below the bucket, without slashes at either end.
    pub path: String,
    /// Its address, as `table-location` prints it: `s3a://bucket/path`.
    pub location: String,
}

impl TableEntry {
    /// The last part of its path: its name in SQL.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The tables of the connection's buckets.
#[derive(Debug)]
pub(crate) struct Catalog {
    stores: Arc<dyn Stores>,
    known: Mutex<Known>,
}

/// Results of earlier searches.
#[derive(Debug, Default)]
struct Known {
    /// All tables, once they were looked for.
    all: Option<Vec<TableEntry>>,
    /// Tables by the name that a statement gave, in lower case.
    by_name: HashMap<Vec<String>, TableEntry>,
}

impl Catalog {
    pub fn new(stores: Arc<dyn Stores>) -> Self {
        Self {
            stores,
            known: Mutex::default(),
        }
    }

    /// Place of a table that a statement names. Whether there is one is not asked.
    ///
    /// A name is the last part of a table's path, in any bucket; where several tables have it, it
    /// is the one in the fewest folders, and `bucket.name` tells tables in different buckets apart.
    /// Names compare without case.
    ///
    /// Requests for a name that is new: one LIST of each bucket, and one of each folder of that name
    /// in them. Only where that finds no table, all folders are searched.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`, `AMBIGUOUS_TABLE_NAME`, `INVALID_URL`, and those of
    /// [`Stores::resolve`].
    pub async fn locate(&self, table: &TableName) -> Result<StoreLocation, Error> {
        match table {
            TableName::Path { url, .. } => self.locate_url(url),
            TableName::Name { parts } => self.locate_name(parts, table).await,
        }
    }

    /// Place of a URL.
    pub fn locate_url(&self, url: &str) -> Result<StoreLocation, Error> {
        let url = url.trim_end_matches('/');
        // An absolute path is a local table's, for hosts that have such.
        let parsed = if url.starts_with('/') {
            Url::parse("file:///").map(|mut file| {
                file.set_path(url);
                file
            })
        } else {
            Url::parse(url)
        };
        let parsed = parsed.map_err(|_| {
            Error::new("INVALID_URL", format!("`{url}` is not the URL of a table."))
                .with_hint("Tables are named like delta.`s3a://bucket/path`.")
        })?;
        self.stores.resolve(&parsed)
    }

    /// Place of the table that `CREATE TABLE name` makes without a LOCATION: that of the table of this
    /// name, if there is one; else a folder directly in the bucket that the name gives, in the first
    /// bucket whose name starts with `curated`, or in the first bucket.
    pub async fn locate_new(&self, table: &TableName) -> Result<StoreLocation, Error> {
        let TableName::Name { parts } = table else {
            return self.locate(table).await;
        };
        let existing = self.locate(table).await;
        match existing {
            Err(error) if error.code == "TABLE_OR_VIEW_NOT_FOUND" => {}
            other => return other,
        }
        let buckets = self.stores.buckets();
        let bucket = match parts.as_slice() {
            [bucket, _] if !is_default(bucket) => buckets
                .iter()
                .find(|other| other.eq_ignore_ascii_case(bucket)),
            [_] | [_, _] => {
                let curated = buckets.iter().find(|bucket| bucket.starts_with("curated"));
                curated.or_else(|| buckets.first())
            }
            _ => None,
        };
        match (bucket, parts.last()) {
            (Some(bucket), Some(name)) => {
                self.locate_url(&TableLocation::s3(bucket, name).to_string())
            }
            _ => Err(Error::new(
                "SCHEMA_NOT_FOUND",
                format!("There is no bucket for {table}."),
            )
            .with_hint("Give the table a place: CREATE TABLE delta.`s3a://bucket/path`.")),
        }
    }

    async fn locate_name(
        &self,
        parts: &[String],
        table: &TableName,
    ) -> Result<StoreLocation, Error> {
        let key: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
        let known = self.known().by_name.get(&key).cloned();
        if let Some(known) = known {
            return self.locate_url(&known.location);
        }
        let Some(wanted) = Wanted::of(parts) else {
            return Err(not_found(table));
        };
        let all = self.known().all.clone().unwrap_or_default();
        let mut problems = Vec::new();
        let mut matches = wanted.among(&all);
        if matches.is_empty() {
            matches = self.directly_in_buckets(&wanted).await;
        }
        if matches.is_empty() {
            let (found, failed) = self.search().await;
            problems = failed;
            matches = wanted.among(&found);
        }
        match matches.as_slice() {
            [one] => {
                self.known().by_name.insert(key, one.clone());
                self.locate_url(&one.location)
            }
            // The table may be where nobody could look.
            [] => Err(problems
                .into_iter()
                .next()
                .unwrap_or_else(|| not_found(table))),
            several => {
                let places: Vec<_> = several
                    .iter()
                    .map(|entry| format!("delta.`{}`", entry.location))
                    .collect();
                Err(Error::new(
                    "AMBIGUOUS_TABLE_NAME",
                    format!("{table} may be one of {}.", places.join(", ")),
                )
                .with_hint("Name it by its path, or with its bucket: `bucket`.name."))
            }
        }
    }

    /// The tables that are `wanted` among those that lie directly in a bucket. A bucket that cannot
    /// be listed has none; [`Self::search`] says why.
    async fn directly_in_buckets(&self, wanted: &Wanted<'_>) -> Vec<TableEntry> {
        let buckets = self.stores.buckets();
        let buckets = buckets.iter().filter(|bucket| wanted.may_be_in(bucket));
        let searches = buckets.map(move |bucket| async move {
            let root = self.list_folder(bucket, "").await?;
            let named = root
                .folders
                .into_iter()
                .filter(|name| wanted.is_named(name));
            let mut tables = Vec::new();
            for path in named {
                if self.list_folder(bucket, &path).await?.is_table {
                    tables.push(entry(bucket, path));
                }
            }
            Ok::<_, Error>(tables)
        });
        let found = join_all(searches).await;
        found.into_iter().flatten().flatten().collect()
    }

    /// Looks for tables in all buckets: for folders with a `_delta_log`, up to three folders deep.
    /// Buckets that could not be searched are told beside the tables that were found.
    pub async fn search(&self) -> (Vec<TableEntry>, Vec<Error>) {
        let buckets = self.stores.buckets();
        let searches = buckets.iter().map(|bucket| self.search_bucket(bucket));
        let mut found = Vec::new();
        let mut problems = Vec::new();
        for result in join_all(searches).await {
            match result {
                Ok(tables) => found.extend(tables),
                Err(problem) => problems.push(problem),
            }
        }
        found.sort_by(|a, b| (&a.bucket, &a.path).cmp(&(&b.bucket, &b.path)));
        self.known().all = Some(found.clone());
        (found, problems)
    }

    /// Lists one folder of a bucket; `path` is empty for the bucket itself. One LIST.
    ///
    /// # Errors
    /// The store's error, with the bucket's name.
    pub async fn list_folder(&self, bucket: &str, path: &str) -> Result<FolderListing, Error> {
        let place = self.locate_url(&TableLocation::s3(bucket, "").to_string())?;
        // Names come from a listing: in a URL some of their characters would mean something else.
        let folder = Path::parse(format!("{}/{path}", place.root))
            .map_err(|error| Error::new("INVALID_PATH", format!("Bucket {bucket}: {error}")))?;
        let folders = folders_in(&place.store, &folder)
            .await
            .map_err(|error| in_bucket(bucket, &error))?;
        Ok(match folders {
            None => FolderListing {
                is_table: true,
                folders: Vec::new(),
            },
            Some(folders) => FolderListing {
                is_table: false,
                folders: folders
                    .iter()
                    .filter_map(|path| path.filename().map(str::to_owned))
                    .collect(),
            },
        })
    }

    /// Drops the table at a place by means of the host's own; `false` where there are none.
    ///
    /// # Errors
    /// Why the table is not dropped.
    pub async fn drop_table(&self, place: &StoreLocation) -> Result<bool, Error> {
        self.stores.drop_table(place).await
    }

    /// Forgets the results of searches: a table may have come or gone.
    pub fn forget(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn search_bucket(&self, bucket: &str) -> Result<Vec<TableEntry>, Error> {
        let place = self.locate_url(&TableLocation::s3(bucket, "").to_string())?;
        let root = &place.root;
        let paths = tables_below(&place.store, root.clone(), DEPTH)
            .await
            .map_err(|error| in_bucket(bucket, &error))?;
        let entries = paths.into_iter().filter_map(|path| {
            let parts: Option<Vec<_>> = path
                .prefix_match(root)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect());
            Some(entry(bucket, parts?.join("/")))
        });
        Ok(entries.collect())
    }
}

fn is_default(bucket: &str) -> bool {
    bucket.eq_ignore_ascii_case("default")
}

/// A name of a table, as a statement gives it.
struct Wanted<'a> {
    bucket: Option<&'a str>,
    name: &'a str,
}

impl<'a> Wanted<'a> {
    /// `None` for names of more parts than a bucket and a name.
    fn of(parts: &'a [String]) -> Option<Self> {
        let (bucket, name) = match parts {
            [name] => (None, name),
            [bucket, name] if is_default(bucket) => (None, name),
            [bucket, name] => (Some(bucket.as_str()), name),
            _ => return None,
        };
        Some(Self { bucket, name })
    }

    fn may_be_in(&self, bucket: &str) -> bool {
        self.bucket
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(bucket))
    }

    fn is_named(&self, folder: &str) -> bool {
        folder.eq_ignore_ascii_case(self.name)
    }

    /// The `tables` that have the name and are in the fewest folders.
    fn among(&self, tables: &[TableEntry]) -> Vec<TableEntry> {
        let matches =
            |entry: &&TableEntry| self.is_named(entry.name()) && self.may_be_in(&entry.bucket);
        let depth = |entry: &TableEntry| entry.path.matches('/').count();
        let least = tables.iter().filter(matches).map(depth).min();
        let tables = tables.iter().filter(matches);
        tables
            .filter(|entry| Some(depth(entry)) == least)
            .cloned()
            .collect()
    }
}

fn not_found(table: &TableName) -> Error {
    Error::new(
        "TABLE_OR_VIEW_NOT_FOUND",
        format!("The table or view {table} cannot be found."),
    )
    .with_hint(
        "SHOW TABLES lists the tables; any other is named by its path: delta.`s3a://bucket/path`.",
    )
}

fn entry(bucket: &str, path: String) -> TableEntry {
    TableEntry {
        bucket: bucket.to_owned(),
        location: TableLocation::s3(bucket, &path).to_string(),
        path,
    }
}

/// The folders directly in `folder` that may be tables or hold some: hidden folders and partitions
/// do not. `None` where `folder` is a table itself.
async fn folders_in(
    store: &Arc<dyn ObjectStore>,
    folder: &Path,
) -> object_store::Result<Option<Vec<Path>>> {
    let listing = store.list_with_delimiter(Some(folder)).await?;
    let mut folders = listing.common_prefixes;
    if folders
        .iter()
        .any(|path| path.filename() == Some("_delta_log"))
    {
        return Ok(None);
    }
    folders.retain(|path| {
        path.filename()
            .is_some_and(|name| !name.starts_with(['_', '.']) && !name.contains('='))
    });
    Ok(Some(folders))
}

/// A store's error, with the name of the bucket that could not be listed.
fn in_bucket(bucket: &str, error: &object_store::Error) -> Error {
    let mut problem = from_store(&format!("bucket {bucket}"), error);
    problem.message = format!("Bucket {bucket}: {}", problem.message);
    problem
}

fn tables_below<'a>(
    store: &'a Arc<dyn ObjectStore>,
    folder: Path,
    depth: usize,
) -> BoxFuture<'a, object_store::Result<Vec<Path>>> {
    async move {
        let Some(below) = folders_in(store, &folder).await? else {
            return Ok(vec![folder]);
        };
        if depth == 0 {
            return Ok(Vec::new());
        }
        let below: Vec<object_store::Result<Vec<Path>>> = futures::stream::iter(below)
            .map(|path| tables_below(store, path, depth - 1))
            .buffered(CONCURRENT_LISTINGS)
            .collect()
            .await;
        let below: Vec<Vec<Path>> = below.into_iter().collect::<object_store::Result<_>>()?;
        Ok(below.into_iter().flatten().collect())
    }
    .boxed()
}

/// Whether a statement means a Parquet file or folder rather than a Delta table.
pub(crate) fn is_parquet(table: &TableName) -> bool {
    match table {
        TableName::Name { .. } => false,
        TableName::Path { format, .. } => match format {
            TableFormat::Parquet => true,
            TableFormat::Delta => false,
        },
    }
}
