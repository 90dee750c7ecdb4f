//! The log of a table that was written in a sandbox: the store's up to there, and the sandbox's own.

use object_store::path::Path;
use overlay_store::{Change, Snapshot};

use super::below::store_of;
use crate::stores::StoreName;

/// Folder of a table's log.
const LOG: &str = "_delta_log";

/// The hint at the last checkpoint, which may be one of others' commits.
const HINT: &str = "_last_checkpoint";

/// Digits of a version in the name of a file of the log.
const VERSION_DIGITS: usize = 20;

/// Whether an object of the store belongs to a log that goes on otherwise in the sandbox: to versions
/// from the sandbox's first commit on, or to a table that was dropped there. What others have committed
/// since is in none of its versions.
pub(crate) fn comes_after_own_commits(held: &Snapshot, key: &Path) -> bool {
    let Some((table, name)) = key.as_ref().rsplit_once("/_delta_log/") else {
        return false;
    };
    let Ok(log) = Path::parse(format!("{table}/{LOG}")) else {
        return false;
    };
    let own = |change: Change| match change {
        Change::Put(object) => commit_version(object.location.filename()?),
        Change::Deleted(_) => None,
    };
    // In the order of their names, which is that of the versions.
    let mut changes = held.changes_in(&log).peekable();
    if changes.peek().is_none() {
        return false;
    }
    let Some(first) = changes.find_map(own) else {
        return true;
    };
    let version = name.split('.').filter_map(version).max();
    version.map_or_else(|| name == HINT && can_list(key), |version| version >= first)
}

/// Whether the log of a key is found without the hint.
fn can_list(key: &Path) -> bool {
    match store_of(key) {
        Some((StoreName::Bucket(_), _)) => true,
        Some((StoreName::Origin(_), _)) | None => false,
    }
}

fn commit_version(name: &str) -> Option<u64> {
    version(name.strip_suffix(".json")?)
}

fn version(digits: &str) -> Option<u64> {
    let is_version =
        digits.len() == VERSION_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_version.then(|| digits.parse().ok()).flatten()
}
