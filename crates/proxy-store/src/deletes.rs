//! Deletion of objects, many in one request. The proxy deletes what a table no longer needs, and says of
//! everything else why it stays.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, Result};

use crate::answer::not_supported;
use crate::requests::Requests;

/// Keys of one request; the proxy takes more.
const KEYS: usize = 1000;

const LOG: &str = "_delta_log";

/// Deletes objects of one bucket.
#[derive(Debug, Clone)]
pub(crate) struct Deletes {
    pub reads: Arc<dyn ObjectStore>,
    pub requests: Requests,
}

impl Deletes {
    /// Deletes the objects, up to [`KEYS`] at a time; the answers are in their order.
    ///
    /// Requests: one for the files of each table among them, one for each file of a log, and one LIST for
    /// each folder that is above a table or is one.
    pub fn all(self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        paths
            .ready_chunks(KEYS)
            .then(move |some| {
                let deletes = self.clone();
                async move { stream::iter(deletes.some(some).await) }
            })
            .flatten()
            .boxed()
    }

    async fn some(&self, paths: Vec<Result<Path>>) -> Vec<Result<Path>> {
        let mut answers: Vec<Option<Result<Path>>> = Vec::with_capacity(paths.len());
        let mut folders = HashMap::new();
        let mut by_table: BTreeMap<String, Vec<(usize, Path)>> = BTreeMap::new();
        let mut log_is_kept = false;
        for (i, path) in paths.into_iter().enumerate() {
            let answer = match path {
                // Those of a log have an order: what stays keeps all that comes after it.
                Ok(path) if is_of_log(&path) && log_is_kept => {
                    Some(Err(not_supported("the files of the log before it stay")))
                }
                Ok(path) if is_of_log(&path) => {
                    let answer = self.of_log(path).await;
                    log_is_kept |= answer.is_err();
                    Some(answer)
                }
                Ok(path) => match self.table_of(&path, &mut folders).await {
                    Ok(Some(table)) => {
                        by_table.entry(table).or_default().push((i, path));
                        None
                    }
                    Ok(None) => Some(Err(not_supported(
                        "the proxy deletes files of tables alone",
                    ))),
                    Err(error) => Some(Err(error)),
                },
                Err(error) => Some(Err(error)),
            };
            answers.push(answer);
        }
        for (table, files) in by_table {
            for (i, answer) in self.of_table(&table, files).await {
                if let Some(place) = answers.get_mut(i) {
                    *place = Some(answer);
                }
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// Deletes a file of a log.
    async fn of_log(&self, path: Path) -> Result<Path> {
        let Some((table, key)) = path.as_ref().split_once("/_delta_log/") else {
            return Err(not_supported("the file is of no log"));
        };
        let key = format!("{LOG}/{key}");
        let refused = self.requests.delete(&path, table, vec![key]).await?;
        match refused.into_values().next() {
            None => Ok(path),
            Some(reason) => Err(not_supported(&reason)),
        }
    }

    /// Deletes data files of one table.
    async fn of_table(&self, table: &str, files: Vec<(usize, Path)>) -> Vec<(usize, Result<Path>)> {
        let key = |path: &Path| {
            let key = path.as_ref().strip_prefix(table).unwrap_or_default();
            key.trim_start_matches('/').to_owned()
        };
        let keys = files.iter().map(|(_, path)| key(path)).collect();
        let at = Path::parse(table).unwrap_or_default();
        let mut refused = match self.requests.delete(&at, table, keys).await {
            Ok(refused) => refused,
            Err(error) => {
                // One error for all: it has no copies.
                let text = error.to_string();
                let mut first = Some(error);
                let answers = files.into_iter().map(|(i, _)| {
                    let again = || object_store::Error::Generic {
                        store: "the commit proxy",
                        source: text.clone().into(),
                    };
                    (i, Err(first.take().unwrap_or_else(again)))
                });
                return answers.collect();
            }
        };
        let answers = files.into_iter().map(|(i, path)| {
            let answer = match refused.remove(&key(&path)) {
                None => Ok(path),
                Some(reason) => Err(not_supported(&reason)),
            };
            (i, answer)
        });
        answers.collect()
    }

    /// The table that a file is of: the outermost folder above it that has a log.
    async fn table_of(
        &self,
        path: &Path,
        folders: &mut HashMap<String, bool>,
    ) -> Result<Option<String>> {
        let ends = path.as_ref().match_indices('/').map(|(at, _)| at);
        for end in ends {
            let folder = &path.as_ref()[..end];
            let is_table = match folders.get(folder) {
                Some(known) => *known,
                None => {
                    let log = Path::parse(format!("{folder}/{LOG}"))?;
                    let first = self.reads.list(Some(&log)).try_next().await?;
                    folders.insert(folder.to_owned(), first.is_some());
                    first.is_some()
                }
            };
            if is_table {
                return Ok(Some(folder.to_owned()));
            }
        }
        Ok(None)
    }
}

fn is_of_log(path: &Path) -> bool {
    path.as_ref().contains("/_delta_log/")
}
