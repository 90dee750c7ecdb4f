//! Answers of the proxy, as object_store's results and errors.

use bytes::Bytes;
use http::StatusCode;
use messages::Error as Told;
use messages::proxy::{COMMIT_PROXY_UNREACHABLE, SERVER_BUSY, StoredObject};
use object_store::client::HttpError;
use object_store::path::Path;
use object_store::{Error, PutResult, Result};
use serde::de::DeserializeOwned;

/// Name of the store in errors.
const STORE: &str = "the commit proxy";

/// What came back.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Answer {
    /// Of a put.
    pub fn stored(self, path: &Path) -> Result<PutResult> {
        let StoredObject { e_tag, .. } = self.json(path)?;
        Ok(PutResult {
            e_tag,
            version: None,
        })
    }

    /// Of a commit.
    pub fn committed(self, path: &Path) -> Result<PutResult> {
        self.check(path)?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    pub fn json<T: DeserializeOwned>(self, path: &Path) -> Result<T> {
        self.check(path)?;
        serde_json::from_slice(&self.body).map_err(|error| Error::Generic {
            store: STORE,
            source: error.into(),
        })
    }

    /// What is not a success, as the error that says whether anything was done.
    fn check(&self, path: &Path) -> Result<()> {
        if self.status.is_success() {
            return Ok(());
        }
        let told = serde_json::from_slice::<Told>(&self.body);
        let told = told.unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&self.body);
            let text: String = text.chars().take(200).collect();
            let status = self.status;
            let message = format!("The server answers {status}, and not as a commit proxy: {text}");
            Told::new(COMMIT_PROXY_UNREACHABLE, message)
        });
        let path = path.to_string();
        let is_busy = told.code == SERVER_BUSY;
        let source = Box::new(told);
        Err(match self.status {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
                Error::AlreadyExists { path, source }
            }
            // Nothing was done, and nothing will be.
            status if status.is_client_error() || is_busy => Error::NotSupported { source },
            _ => Error::Generic {
                store: STORE,
                source,
            },
        })
    }
}

/// A request that got no answer: whether it was heard is not known.
pub(crate) fn unanswered(origin: &str, error: HttpError) -> Error {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        why = error.to_string();
        cause = error.source();
    }
    let message = format!("The commit proxy at {origin} gives no answer: {why}.");
    let told = Told::new(COMMIT_PROXY_UNREACHABLE, message)
        .with_hint("Start it with `lakeglass serve`, and look with DESCRIBE HISTORY whether a write was made before you run it again.");
    Error::Generic {
        store: STORE,
        source: Box::new(told),
    }
}

/// Something that the proxy does not do.
pub(crate) fn not_supported(why: &str) -> Error {
    Error::NotSupported {
        source: Box::new(Told::new("UNSUPPORTED_OPERATION", format!("{why}."))),
    }
}

/// A request that can't be made.
pub(crate) fn invalid(path: &Path, why: &str) -> Error {
    Error::NotSupported {
        source: Box::new(Told::new("INTERNAL_ERROR", format!("{path}: {why}."))),
    }
}
