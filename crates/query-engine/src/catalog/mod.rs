//! Names and paths of tables → places in the stores.

pub(crate) mod snapshots;

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt};
use messages::Error;
use messages::table::{FolderListing, TableEntry};
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::errors::from_store;
use crate::host::{StoreLocation, Stores};
use crate::sql::{TableFormat, TableName};

/// Folders below a bucket in which tables are looked for.
const DEPTH: usize = 3;

/// Folders that are looked into at the same time.
const CONCURRENT_LISTINGS: usize = 8;

/// The tables of the connection's buckets.
#[derive(Debug)]
pub(crate) struct Catalog {
    stores: Arc<dyn Stores>,
    /// What the last search found; `None` before the first one.
    found: Mutex<Option<Vec<TableEntry>>>,
}

impl Catalog {
    pub fn new(stores: Arc<dyn Stores>) -> Self {
        Self {
            stores,
            found: Mutex::default(),
        }
    }

    /// Where a table is that a statement names. Whether there is one is not asked.
    ///
    /// A name is the last part of a table's path, in any bucket; `bucket.name` tells two such
    /// tables apart. Names compare without case.
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

    /// Where a URL points.
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

    /// Where `CREATE TABLE name` makes a table without a LOCATION: where a table of that name is;
    /// else directly in the bucket that the name gives, in the first bucket whose name starts with
    /// `curated`, or in the first bucket.
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
            (Some(bucket), Some(name)) => self.locate_url(&format!("s3a://{bucket}/{name}")),
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
        let known = self
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut problems = Vec::new();
        let mut matches = matching(&known.unwrap_or_default(), parts);
        if matches.is_empty() {
            let (found, failed) = self.search().await;
            problems = failed;
            matches = matching(&found, parts);
        }
        match matches.as_slice() {
            [one] => self.locate_url(&one.location),
            [] => match problems.into_iter().next() {
                // The table may be where nobody could look.
                Some(problem) => Err(problem),
                None => Err(Error::new(
                    "TABLE_OR_VIEW_NOT_FOUND",
                    format!("The table or view {table} cannot be found."),
                )
                .with_hint("SHOW TABLES lists the tables; any other is named by its path: delta.`s3a://bucket/path`.")),
            },
            several => {
                let places: Vec<_> =
                    several.iter().map(|entry| format!("delta.`{}`", entry.location)).collect();
                Err(Error::new(
                    "AMBIGUOUS_TABLE_NAME",
                    format!("{table} may be one of {}.", places.join(", ")),
                )
                .with_hint("Name it by its path, or with its bucket: `bucket`.name."))
            }
        }
    }

    /// Looks for tables in all buckets: for folders with a `_delta_log`, up to three folders deep.
    /// What could not be looked into is told beside what was found.
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
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        (found, problems)
    }

    /// Lists one folder of a bucket; `path` is empty for the bucket itself. One LIST.
    ///
    /// # Errors
    /// Those of the store, with the bucket's name.
    pub async fn list_folder(&self, bucket: &str, path: &str) -> Result<FolderListing, Error> {
        let place = self.locate_url(&format!("s3a://{bucket}"))?;
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

    /// Forgets what was found: a table may have come or gone.
    pub fn forget(&self) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn search_bucket(&self, bucket: &str) -> Result<Vec<TableEntry>, Error> {
        let place = self.locate_url(&format!("s3a://{bucket}"))?;
        let root = &place.root;
        let paths = tables_below(&place.store, root.clone(), DEPTH)
            .await
            .map_err(|error| in_bucket(bucket, &error))?;
        let entries = paths.into_iter().filter_map(|path| {
            let parts: Option<Vec<_>> = path
                .prefix_match(root)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect());
            let path = parts?.join("/");
            let location = format!("s3a://{bucket}/{path}");
            Some(TableEntry {
                bucket: bucket.to_owned(),
                path,
                location,
            })
        });
        Ok(entries.collect())
    }
}

fn is_default(bucket: &str) -> bool {
    bucket.eq_ignore_ascii_case("default")
}

fn matching(tables: &[TableEntry], parts: &[String]) -> Vec<TableEntry> {
    let (bucket, name) = match parts {
        [name] => (None, name),
        [bucket, name] if is_default(bucket) => (None, name),
        [bucket, name] => (Some(bucket), name),
        _ => return Vec::new(),
    };
    let matches = |entry: &&TableEntry| {
        let last = entry.path.rsplit('/').next().unwrap_or(&entry.path);
        last.eq_ignore_ascii_case(name)
            && bucket.is_none_or(|bucket| entry.bucket.eq_ignore_ascii_case(bucket))
    };
    tables.iter().filter(matches).cloned().collect()
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
    matches!(
        table,
        TableName::Path {
            format: TableFormat::Parquet,
            ..
        }
    )
}
