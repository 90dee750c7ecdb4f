//! Requests to the proxy.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use http::{Method, Request, header};
use messages::proxy::{
    COMMITS, DELETE, DeleteObjects, DeletedObjects, DeletedTable, OBJECTS, TABLES, object_url,
};
use object_store::client::{HttpClient, HttpRequestBody};
use object_store::path::Path;
use object_store::{PutResult, Result};
use serde_json::Value;

use crate::answer::{Answer, invalid, unanswered};

/// The only object that is put over another one.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Where a proxy is, and how to ask it.
#[derive(Clone)]
pub struct ProxyAddress {
    /// Scheme, host and port, without a slash at the end: `http://127.0.0.1:4600`.
    pub origin: String,
    /// The client to send with.
    pub client: HttpClient,
    /// The secret that the proxy asks of writers, if it does.
    pub token: Option<String>,
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAddress")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// What is asked of a proxy for one bucket.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    pub bucket: String,
    pub proxy: ProxyAddress,
}

impl Requests {
    /// Puts an object whose bytes are all there.
    pub async fn put_bytes(&self, to: &Path, body: Bytes) -> Result<PutResult> {
        let url = object_url(OBJECTS, &self.bucket, to.as_ref());
        let mut request = self.request(Method::PUT, &url);
        if to.filename() != Some(LAST_CHECKPOINT) {
            request = request.header(header::IF_NONE_MATCH, "*");
        }
        let answer = self.send(to, request, body).await?;
        answer.stored(to)
    }

    /// Makes a commit.
    pub async fn commit(&self, to: &Path, commit: Commit<'_>, body: Bytes) -> Result<PutResult> {
        let Commit { table, version } = commit;
        let id = txn_id(&body).ok_or_else(|| invalid(to, "the commit has no `txnId`"))?;
        let url = object_url(COMMITS, &self.bucket, table);
        let url = format!("{url}?version={version}&txnId={id}");
        let request = self.request(Method::POST, &url);
        let answer = self.send(to, request, body).await?;
        answer.committed(to)
    }

    /// Deletes objects of a table, by their keys below its folder. Gives the reason for each that stays.
    pub async fn delete(
        &self,
        path: &Path,
        table: &str,
        keys: Vec<String>,
    ) -> Result<HashMap<String, String>> {
        let url = object_url(DELETE, &self.bucket, table);
        let body = serde_json::to_vec(&DeleteObjects { keys });
        let body = body.map_err(|error| invalid(path, &error.to_string()))?;
        let request = self.request(Method::POST, &url);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = self.send(path, request, body.into()).await?;
        let DeletedObjects { refused, .. } = answer.json(path)?;
        let refused = refused.into_iter();
        Ok(refused
            .map(|refused| (refused.key, refused.reason))
            .collect())
    }

    /// Drops a table; gives the number of objects that are deleted.
    pub async fn drop_table(&self, table: &Path) -> Result<u64> {
        let url = object_url(TABLES, &self.bucket, table.as_ref());
        let request = self.request(Method::DELETE, &url);
        let answer = self.send(table, request, Bytes::new()).await?;
        let DeletedTable { objects } = answer.json(table)?;
        Ok(objects)
    }

    fn request(&self, method: Method, url: &str) -> http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{url}", self.proxy.origin));
        match &self.proxy.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    async fn send(
        &self,
        path: &Path,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Answer> {
        let request = request
            .body(HttpRequestBody::from(body))
            .map_err(|error| invalid(path, &error.to_string()))?;
        let origin = &self.proxy.origin;
        let response = self.proxy.client.execute(request).await;
        let response = response.map_err(|error| unanswered(origin, error))?;
        let status = response.status();
        let body = response.into_body().bytes().await;
        let body = body.map_err(|error| unanswered(origin, error))?;
        Ok(Answer { status, body })
    }
}

/// The commit that a path stands for.
pub(crate) struct Commit<'a> {
    table: &'a str,
    version: u64,
}

impl<'a> Commit<'a> {
    pub fn of(path: &'a Path) -> Option<Self> {
        let (table, name) = path.as_ref().split_once("/_delta_log/")?;
        let digits = name.strip_suffix(".json")?;
        let is_version = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let version = is_version.then(|| digits.parse().ok())??;
        Some(Self { table, version })
    }
}

/// `commitInfo.txnId`: the statement's id.
fn txn_id(commit: &[u8]) -> Option<String> {
    let first = commit.split(|byte| *byte == b'\n').next()?;
    let action: Value = serde_json::from_slice(first).ok()?;
    let id = action.get("commitInfo")?.get("txnId")?.as_str()?;
    Some(id.to_owned())
}
