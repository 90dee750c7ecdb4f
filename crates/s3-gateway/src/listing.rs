//! `ListObjectsV2` over a folder: keys in the order of their UTF-8 bytes, page by page.
//!
//! The folder is walked depth first. A folder sorts as its name followed by `/`, because that is how
//! the keys below it go on: `a.txt` comes before `a/b`. So each page reads only the folders that it
//! shows, and those above them.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::folder::{is_absence, is_visible, real_metadata, visible_path};
use crate::object::etag;

/// What to list.
#[derive(Debug)]
pub(crate) struct Query {
    pub prefix: String,
    /// Keys that hold it beyond the prefix are rolled up into one common prefix.
    pub delimiter: Option<String>,
    pub resume: Option<Resume>,
    /// Objects and common prefixes per page.
    pub max_keys: usize,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resume {
    /// After this key.
    AfterKey(String),
    /// After all keys that begin with this common prefix.
    AfterPrefix(String),
}

impl Resume {
    /// The continuation token: opaque to clients, and safe in XML and in a query string.
    pub fn to_token(&self) -> String {
        match self {
            Self::AfterKey(key) => format!("k{}", hex::encode(key)),
            Self::AfterPrefix(prefix) => format!("p{}", hex::encode(prefix)),
        }
    }

    pub fn from_token(token: &str) -> Option<Self> {
        let (kind, text) = token.split_at_checked(1)?;
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        match kind {
            "k" => Some(Self::AfterKey(text)),
            "p" => Some(Self::AfterPrefix(text)),
            _ => None,
        }
    }

    fn admits(&self, key: &str) -> bool {
        match self {
            Self::AfterKey(after) => key > after.as_str(),
            Self::AfterPrefix(prefix) => key > prefix.as_str() && !key.starts_with(prefix.as_str()),
        }
    }

    /// Whether some key that begins with `folder` may be admitted.
    fn admits_below(&self, folder: &str) -> bool {
        match self {
            Self::AfterKey(after) => after.starts_with(folder) || folder > after.as_str(),
            Self::AfterPrefix(prefix) => {
                !folder.starts_with(prefix.as_str())
                    && (prefix.starts_with(folder) || folder > prefix.as_str())
            }
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Page {
    pub objects: Vec<Listed>,
    pub common_prefixes: Vec<String>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Resume>,
}

#[derive(Debug)]
pub(crate) struct Listed {
    pub key: String,
    pub size: u64,
    pub modified: SystemTime,
    pub etag: String,
}

/// One page of the objects below `bucket`, the folder of a bucket.
pub(crate) fn list(bucket: &Path, query: &Query) -> io::Result<Page> {
    let mut walk = Walk {
        query,
        page: Page::default(),
        last: None,
    };
    if query.max_keys == 0 {
        return Ok(walk.page);
    }
    // Folders that the prefix names in full need not be looked for.
    let (start, folder) = match query.prefix.rfind('/') {
        None => (bucket.to_path_buf(), ""),
        Some(slash) => match visible_path(bucket, &query.prefix[..slash]) {
            Some(path) => (path, &query.prefix[..=slash]),
            None => return Ok(walk.page),
        },
    };
    if real_metadata(&start)?.is_some_and(|metadata| metadata.is_dir()) {
        // Whether the walk ended early shows in `next`.
        let _ = walk.visit(&start, folder)?;
    }
    Ok(walk.page)
}

struct Walk<'a> {
    query: &'a Query,
    page: Page,
    /// The last entry of the page.
    last: Option<Resume>,
}

impl Walk<'_> {
    fn visit(&mut self, path: &Path, folder: &str) -> io::Result<ControlFlow<()>> {
        for child in children(path, folder)? {
            if !self.may_hold(&child.key, child.is_folder) {
                continue;
            }
            let flow = match self.common_prefix(&child.key) {
                Some(common) => self.roll_up(common, &child)?,
                None if child.is_folder => self.visit(&child.path, &child.key)?,
                None => self.object(child)?,
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether this object, or an object in this folder, belongs on the page or after it.
    fn may_hold(&self, key: &str, is_folder: bool) -> bool {
        let prefix = self.query.prefix.as_str();
        let resume = self.query.resume.as_ref();
        if is_folder {
            (key.starts_with(prefix) || prefix.starts_with(key))
                && resume.is_none_or(|resume| resume.admits_below(key))
        } else {
            key.starts_with(prefix) && resume.is_none_or(|resume| resume.admits(key))
        }
    }

    /// What `key` is rolled up into: itself up to the first delimiter beyond the prefix.
    fn common_prefix(&self, key: &str) -> Option<String> {
        let delimiter = self.query.delimiter.as_deref()?;
        let rest = key.strip_prefix(self.query.prefix.as_str())?;
        let end = self.query.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(key[..end].to_owned())
    }

    fn roll_up(&mut self, common: String, child: &Child) -> io::Result<ControlFlow<()>> {
        let entry = Resume::AfterPrefix(common);
        if self.last.as_ref() == Some(&entry) {
            return Ok(ControlFlow::Continue(()));
        }
        // A folder without objects is no prefix of anything.
        if child.is_folder && !self.has_object(&child.path, &child.key)? {
            return Ok(ControlFlow::Continue(()));
        }
        let flow = self.take(entry.clone());
        if let (ControlFlow::Continue(()), Resume::AfterPrefix(common)) = (flow, entry) {
            self.page.common_prefixes.push(common);
        }
        Ok(flow)
    }

    fn object(&mut self, child: Child) -> io::Result<ControlFlow<()>> {
        let metadata = match fs::symlink_metadata(&child.path) {
            Ok(metadata) => metadata,
            // Deleted since its folder was read.
            Err(error) if is_absence(&error) => return Ok(ControlFlow::Continue(())),
            Err(error) => return Err(error),
        };
        let flow = self.take(Resume::AfterKey(child.key.clone()));
        if flow.is_continue() {
            self.page.objects.push(Listed {
                key: child.key,
                size: metadata.len(),
                modified: metadata.modified()?,
                etag: etag(&metadata)?,
            });
        }
        Ok(flow)
    }

    /// Counts an entry in, unless the page is full: then there is a next page.
    fn take(&mut self, entry: Resume) -> ControlFlow<()> {
        if self.page.objects.len() + self.page.common_prefixes.len() == self.query.max_keys {
            self.page.next = self.last.take();
            return ControlFlow::Break(());
        }
        self.last = Some(entry);
        ControlFlow::Continue(())
    }

    fn has_object(&self, path: &Path, folder: &str) -> io::Result<bool> {
        for child in children(path, folder)? {
            if self.may_hold(&child.key, child.is_folder)
                && (!child.is_folder || self.has_object(&child.path, &child.key)?)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

struct Child {
    /// Its key; a folder's ends in `/`.
    key: String,
    path: PathBuf,
    is_folder: bool,
}

/// The visible files and folders in `path`, by key.
fn children(path: &Path, folder: &str) -> io::Result<Vec<Child>> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        // Deleted since the folder above was read.
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut children = Vec::new();
    for entry in entries {
        let entry = entry?;
        let file_type = entry.file_type()?;
        // Names that are not UTF-8 have no key.
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        if !is_visible(&name) || !(file_type.is_file() || file_type.is_dir()) {
            continue;
        }
        let is_folder = file_type.is_dir();
        let slash = if is_folder { "/" } else { "" };
        children.push(Child {
            key: format!("{folder}{name}{slash}"),
            path: entry.path(),
            is_folder,
        });
    }
    children.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the order of their bytes, which is not that of a folder's names: `a.txt` before `a/`.
    const KEYS: [&str; 11] = [
        "a-b/1",
        "a.txt",
        "a/b.c/1",
        "a/b/2",
        "a/c/d/e/3",
        "b",
        "log/00.json",
        "log/01.json",
        "t/p=1/x",
        "t/p=2/x",
        "ü/ö",
    ];

    fn folder_with(keys: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for key in keys {
            let path = folder.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, key).unwrap();
        }
        folder
    }

    /// The definition: all keys in order, filtered, rolled up.
    fn by_definition(
        keys: &[&str],
        prefix: &str,
        delimiter: Option<&str>,
        after: &str,
    ) -> Vec<String> {
        let mut entries: Vec<String> = Vec::new();
        for key in keys
            .iter()
            .filter(|key| key.starts_with(prefix) && **key > after)
        {
            let rolled_up = delimiter.and_then(|delimiter| {
                let end = key[prefix.len()..].find(delimiter)? + prefix.len() + delimiter.len();
                Some(format!("{}…", &key[..end]))
            });
            let entry = rolled_up.unwrap_or_else(|| (*key).to_owned());
            if entries.last() != Some(&entry) {
                entries.push(entry);
            }
        }
        entries
    }

    /// All pages, entries in the order of their bytes.
    fn by_pages(bucket: &Path, mut query: Query) -> Vec<String> {
        let mut entries = Vec::new();
        loop {
            let page = list(bucket, &query).unwrap();
            let mut of_page: Vec<_> = page.objects.into_iter().map(|object| object.key).collect();
            of_page.extend(
                page.common_prefixes
                    .iter()
                    .map(|prefix| format!("{prefix}…")),
            );
            assert!(of_page.len() <= query.max_keys);
            of_page.sort();
            entries.extend(of_page);
            match page.next {
                Some(next) => query.resume = Resume::from_token(&next.to_token()),
                None => return entries,
            }
        }
    }

    #[test]
    fn pages_of_any_size_add_up_to_the_definition() {
        let folder = folder_with(&KEYS);
        for prefix in [
            "", "a", "a/", "a/b", "a/b/", "b", "log/", "t/p=", "x", "ü/", "../", "a//",
        ] {
            for delimiter in [None, Some("/"), Some("="), Some(".j")] {
                for after in [
                    "",
                    "a",
                    "a.txt",
                    "a/b/2",
                    "a/b0",
                    "log/00.json",
                    "t/",
                    "zzz",
                ] {
                    let expected = by_definition(&KEYS, prefix, delimiter, after);
                    for max_keys in [1, 2, 3, 100] {
                        let query = Query {
                            prefix: prefix.to_owned(),
                            delimiter: delimiter.map(str::to_owned),
                            resume: Some(Resume::AfterKey(after.to_owned())),
                            max_keys,
                        };
                        assert_eq!(
                            by_pages(folder.path(), query),
                            expected,
                            "{prefix:?} {delimiter:?} {after:?} {max_keys}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn folder_without_objects_is_no_common_prefix() {
        let folder = folder_with(&["a/b", "c/.hidden"]);
        fs::create_dir_all(folder.path().join("empty/below")).unwrap();
        let query = Query {
            prefix: String::new(),
            delimiter: Some("/".to_owned()),
            resume: None,
            max_keys: 10,
        };
        assert_eq!(list(folder.path(), &query).unwrap().common_prefixes, ["a/"]);
    }

    #[test]
    fn token_that_was_not_issued_is_refused() {
        for token in ["", "kzz", "k616", "x6162", "k80", "é"] {
            assert_eq!(Resume::from_token(token), None, "{token}");
        }
    }
}
