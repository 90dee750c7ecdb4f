//! A copy of a table in memory, behind a store that can be told to answer wrongly.

use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use lakeglass::environment::SystemEnvironment;
use lakeglass::run::{Outcome, run};
use lakeglass::scheduler::TokioScheduler;
use lakeglass_tests::rows::canonical_rows;
use messages::Error;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult,
};
use query_engine::{Engine, EngineOptions, StoreLocation, Stores};
use url::Url;

/// Far more than any of these tables needs.
const HANG: Duration = Duration::from_secs(60);

/// All rows of the table.
pub const ROWS: &str = "SELECT * FROM delta.`s3a://lake/t`";

/// How the store answers for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The body ends this many bytes early, whatever was announced.
    CutShort(usize),
    /// The whole file, or as much as was asked for but from its start.
    WrongRange,
    /// It is there for this many requests, and then no more.
    Vanishes(usize),
}

#[derive(Debug, Default)]
struct Lies {
    of: Mutex<Option<(String, Answer)>>,
}

/// One table, at `s3a://lake/t`.
#[derive(Debug, Clone, Default)]
pub struct Lake {
    memory: Arc<InMemory>,
    lies: Arc<Lies>,
}

impl Lake {
    /// A copy of a folder.
    pub async fn of(folder: &FilePath) -> Result<Self> {
        let lake = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            for entry in std::fs::read_dir(&inner)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(folder)?.to_str().context("a name")?;
                lake.put(name, std::fs::read(&path)?).await?;
            }
        }
        Ok(lake)
    }

    /// A copy that can be damaged on its own.
    pub async fn fork(&self) -> Result<Self> {
        let copy = Self::default();
        for name in self.files().await? {
            copy.put(&name, self.read(&name).await?).await?;
        }
        Ok(copy)
    }

    /// The table's files, sorted.
    pub async fn files(&self) -> Result<Vec<String>> {
        let listed: Vec<ObjectMeta> = self.memory.list(None).try_collect().await?;
        let names = listed
            .iter()
            .filter_map(|meta| meta.location.as_ref().strip_prefix("t/"))
            .map(str::to_owned);
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    /// The one file whose name ends so.
    pub async fn file(&self, end: &str) -> Result<String> {
        let files = self.files().await?.into_iter();
        let found = files.into_iter().find(|name| name.ends_with(end));
        found.with_context(|| format!("no {end}"))
    }

    pub async fn read(&self, name: &str) -> Result<Vec<u8>> {
        let bytes = self.memory.get(&path(name)?).await?.bytes().await?;
        Ok(bytes.into())
    }

    pub async fn put(&self, name: &str, content: Vec<u8>) -> Result<()> {
        self.memory.put(&path(name)?, content.into()).await?;
        Ok(())
    }

    pub async fn delete(&self, name: &str) -> Result<()> {
        self.memory.delete(&path(name)?).await?;
        Ok(())
    }

    /// Answers so for this file from now on.
    pub fn answer(&self, name: &str, answer: Answer) {
        let mut of = self.lies.of.lock().unwrap_or_else(PoisonError::into_inner);
        *of = Some((name.to_owned(), answer));
    }

    /// The answer to [`ROWS`]: see [`Self::query`].
    pub async fn rows(&self) -> Result<Result<Vec<String>, String>> {
        self.query(ROWS).await
    }

    /// The rows that an engine gives which knows nothing of the table yet; the error's message where
    /// it gives none.
    ///
    /// # Errors
    /// If the engine panics or does not come to an end.
    pub async fn query(&self, sql: &str) -> Result<Result<Vec<String>, String>> {
        match self.outcome(sql).await? {
            Ok(outcome) => Ok(Ok(canonical_rows(&outcome.batches)?)),
            Err(message) => Ok(Err(message)),
        }
    }

    /// The answer to [`ROWS`], which must be rows, and the warnings that came with it.
    pub async fn rows_and_warnings(&self) -> Result<(Vec<String>, Vec<String>)> {
        let outcome = self.outcome(ROWS).await?.map_err(anyhow::Error::msg)?;
        Ok((canonical_rows(&outcome.batches)?, outcome.warnings))
    }

    async fn outcome(&self, sql: &str) -> Result<Result<Outcome, String>> {
        let engine = Engine::new(EngineOptions {
            memory_limit: 256 * 1024 * 1024,
            stores: Arc::new(self.clone()),
            environment: Arc::new(SystemEnvironment),
            scheduler: Arc::new(TokioScheduler),
        });
        let sql = sql.to_owned();
        let query = async move {
            let statement = engine.parse(&sql)?.remove(0);
            run(&engine, &statement).await
        };
        let task = tokio::time::timeout(HANG, tokio::spawn(query));
        let outcome = task.await.context("it hangs")?.context("it panicked")?;
        Ok(outcome.map_err(|error: Error| format!("{}: {}", error.code, error.message)))
    }
}

fn path(name: &str) -> Result<Path> {
    Ok(Path::parse(format!("t/{name}"))?)
}

impl Stores for Lake {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        let root = Path::from_url_path(url.path());
        Ok(StoreLocation {
            store: Arc::new(self.clone()),
            root: root.map_err(|error| Error::new("TEST", error.to_string()))?,
            location: url.to_string(),
            can_list: true,
            can_write: false,
        })
    }

    fn buckets(&self) -> Vec<String> {
        vec!["lake".to_owned()]
    }
}

impl Lake {
    /// How to answer for a file; counts the request.
    fn lie(&self, location: &Path) -> Option<Answer> {
        let mut of = self.lies.of.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, answer) = of.as_mut()?;
        if location.as_ref().strip_prefix("t/") != Some(name.as_str()) {
            return None;
        }
        if let Answer::Vanishes(left) = answer {
            if *left > 0 {
                *left -= 1;
                return None;
            }
            return Some(Answer::Vanishes(0));
        }
        Some(*answer)
    }
}

impl fmt::Display for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lake")
    }
}

fn answered(of: GetResult, range: Range<u64>, body: Bytes) -> GetResult {
    GetResult {
        payload: GetResultPayload::Stream(stream::once(async { Ok(body) }).boxed()),
        meta: of.meta,
        range,
        attributes: of.attributes,
    }
}

#[async_trait]
impl ObjectStore for Lake {
    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        let lie = self.lie(location);
        let wanted = options.range.clone();
        match lie {
            None => self.memory.get_opts(location, options).await,
            Some(Answer::Vanishes(_)) => Err(object_store::Error::NotFound {
                path: location.to_string(),
                source: "it is gone".into(),
            }),
            Some(Answer::CutShort(by)) => {
                let whole = self.memory.get_opts(location, options).await?;
                let range = whole.range.clone();
                let like = GetResult {
                    payload: GetResultPayload::Stream(stream::empty().boxed()),
                    meta: whole.meta.clone(),
                    range: range.clone(),
                    attributes: whole.attributes.clone(),
                };
                let body = whole.bytes().await?;
                let body = body.slice(..body.len().saturating_sub(by));
                Ok(answered(like, range, body))
            }
            Some(Answer::WrongRange) => {
                let length = match wanted {
                    Some(GetRange::Bounded(range)) => range.end - range.start,
                    _ => return self.memory.get_opts(location, options).await,
                };
                let start = GetOptions::new().with_range(Some(0..length));
                self.memory.get_opts(location, start).await
            }
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.memory.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn put_opts(
        &self,
        _: &Path,
        _: PutPayload,
        _: PutOptions,
    ) -> object_store::Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        stream::once(async { Err(read_only()) }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        Err(read_only())
    }
}

fn read_only() -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: "write".to_owned(),
        implementer: "a lake that is only read".to_owned(),
    }
}
