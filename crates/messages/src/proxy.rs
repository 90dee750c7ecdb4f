//! What a writer asks of the commit proxy: to put an object, to make a commit, to delete what
//! nothing refers to any more. The writer has computed all of it; the proxy checks, and holds the
//! keys of the store.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `PUT /api/v1/objects/{bucket}/{key}` with `If-None-Match: *` | the object | [`StoredObject`] |
//! | `POST /api/v1/commits/{bucket}/{table}?version=N&txnId=UUID` | the commit file, lines of JSON | [`Committed`]; 409 and [`CommitConflict`] |
//! | `GET /api/v1/commits/{bucket}/{table}?txnId=UUID[&after=V]` | | [`Committed`]; 404 |
//! | `POST /api/v1/delete/{bucket}/{table}` | [`DeleteObjects`] | [`DeletedObjects`] |
//! | `DELETE /api/v1/tables/{bucket}/{table}` | | [`DeletedTable`] |
//!
//! Keys and tables' paths are percent-encoded once ([`object_url`]). All other answers are
//! [`crate::Error`] with a 4xx or 5xx status. A server that other machines reach asks for
//! `Authorization: Bearer TOKEN`.
//!
//! Every request may be sent again: a commit is recognised by its `txnId`, an object by its bytes.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Path of the route that objects are put to.
pub const OBJECTS: &str = "/api/v1/objects";
/// Path of the route that commits are made and found at.
pub const COMMITS: &str = "/api/v1/commits";
/// Path of the route that deletes objects of a table.
pub const DELETE: &str = "/api/v1/delete";
/// Path of the route that deletes whole tables.
pub const TABLES: &str = "/api/v1/tables";

/// Code of the refusal of a commit whose version exists: somebody else's commit came first.
pub const CONCURRENT_WRITE: &str = "DELTA_CONCURRENT_WRITE";
/// Code of the refusal of a commit that breaks the protocol, or does not fit the table.
pub const INVALID_COMMIT: &str = "INVALID_COMMIT";
/// Code of the refusal to replace an object.
pub const OBJECT_ALREADY_EXISTS: &str = "OBJECT_ALREADY_EXISTS";
/// Code of the answer where no commit of a transaction was found.
pub const COMMIT_NOT_FOUND: &str = "COMMIT_NOT_FOUND";
/// Code of the refusal of a request without the token that the server asks for.
pub const TOKEN_REQUIRED: &str = "TOKEN_REQUIRED";
/// Code of the refusal of a server that has too much to do, or is about to end. Nothing was done.
pub const SERVER_BUSY: &str = "SERVER_BUSY";

/// Code of the error that says that it is not known whether a commit was made.
pub const COMMIT_OUTCOME_UNKNOWN: &str = "COMMIT_OUTCOME_UNKNOWN";
/// Code of the error that says that no proxy answers.
pub const COMMIT_PROXY_UNREACHABLE: &str = "COMMIT_PROXY_UNREACHABLE";

/// Hint of every error after which a write may or may not have been made.
pub const LOOK_AT_HISTORY: &str = "Before you run the statement again, look at the table's history (DESCRIBE HISTORY): if its newest version is this write, it was made.";

/// Answer to an object that was put, or was there already with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// Size in bytes.
    pub size: u64,
    /// Entity tag that the store gives it; `None` where it gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
}

/// A commit that is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Version that it made.
    pub version: u64,
    /// `commitInfo.txnId`: the statement that it is of.
    pub txn_id: String,
    /// `commitInfo.operation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// A commit that came first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winner {
    /// Version that it made.
    pub version: u64,
    /// `commitInfo.operation`; `None` where it has none, or can no longer be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `commitInfo.txnId`, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn_id: Option<String>,
}

/// Answer to a commit of a version that exists. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitConflict {
    /// What happened, for a person. Its code is [`CONCURRENT_WRITE`].
    #[serde(flatten)]
    pub error: Error,
    /// The commit of the version that was asked for.
    pub winner: Winner,
    /// The table's latest version.
    pub latest: u64,
}

/// Objects of a table to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteObjects {
    /// Their keys below the table's folder, not encoded: `year=2024/part-0.parquet`.
    pub keys: Vec<String>,
}

/// Answer to [`DeleteObjects`]: each key is in one of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedObjects {
    /// Keys of which nothing is there any more.
    pub deleted: Vec<String>,
    /// Keys that are still there.
    pub refused: Vec<RefusedDelete>,
}

/// An object that was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedDelete {
    /// Its key below the table's folder.
    pub key: String,
    /// Why not; a clause.
    pub reason: String,
}

/// Answer to the deletion of a whole table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedTable {
    /// Objects that were deleted.
    pub objects: u64,
}

/// The path of a URL for a key, or a table's path, of a bucket below one of the routes: each byte
/// that is not unreserved (RFC 3986, 2.3) is percent-encoded, slashes apart.
pub fn object_url(route: &str, bucket: &str, key: &str) -> String {
    let mut url = format!("{route}/{bucket}/");
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_once() {
        assert_eq!(
            object_url(OBJECTS, "raw", "t/p=50%25 ü+:/x.parquet"),
            "/api/v1/objects/raw/t/p%3D50%2525%20%C3%BC%2B%3A/x.parquet"
        );
    }
}
