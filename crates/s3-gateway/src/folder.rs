//! Which files of the folder are objects, and where they lie.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder whose subfolders are the buckets, those that are served.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Names of the buckets that are served. Whatever else the folder holds is not there.
    served: Vec<String>,
    /// Canonical, so that a canonical path below it is proof that no symbolic link was crossed.
    root: PathBuf,
}

/// An object's file, opened.
pub(crate) struct OpenObject {
    pub file: File,
    pub metadata: Metadata,
}

impl Folder {
    pub fn open(folder: &Path, served: Vec<String>) -> io::Result<Self> {
        let root = fs::canonicalize(folder)?;
        fs::read_dir(&root)?;
        Ok(Self { served, root })
    }

    fn serves(&self, bucket: &str) -> bool {
        self.served.iter().any(|served| served == bucket)
    }

    /// The bucket's folder; `None` where there is no such bucket.
    pub fn bucket(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let Some(path) = visible_path(&self.root, name).filter(|_| self.serves(name)) else {
            return Ok(None);
        };
        Ok(real_metadata(&path)?.filter(Metadata::is_dir).map(|_| path))
    }

    /// The buckets' names and the times they were made, by name.
    pub fn buckets(&self) -> io::Result<Vec<(String, SystemTime)>> {
        let mut buckets = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if is_visible(&name) && self.serves(&name) && entry.file_type()?.is_dir() {
                let metadata = entry.metadata()?;
                buckets.push((name, metadata.created().or_else(|_| metadata.modified())?));
            }
        }
        buckets.sort();
        Ok(buckets)
    }

    /// Opens the file of `key`; `None` where the bucket has no such object.
    pub fn object(&self, bucket: &str, key: &str) -> io::Result<Option<OpenObject>> {
        let Some(path) = self.bucket(bucket)?.and_then(|b| visible_path(&b, key)) else {
            return Ok(None);
        };
        // Looked at before it is opened: opening a named pipe would wait for its writer.
        match real_metadata(&path)? {
            Some(metadata) if metadata.is_file() => {}
            _ => return Ok(None),
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some(OpenObject { file, metadata }))
    }
}

/// Whether a file or folder of this name takes part in keys.
pub(crate) fn is_visible(name: &str) -> bool {
    let staged = name
        .rsplit_once('#')
        .is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit()));
    let separates = name.contains(['/', '\0']) || cfg!(windows) && name.contains(['\\', ':']);
    !(name.is_empty() || name.starts_with('.') || staged || separates)
}

/// `relative`'s path below `base`; `None` where one of its names is not visible, which covers
/// `.` and `..`.
pub(crate) fn visible_path(base: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = base.to_path_buf();
    for name in relative.split('/') {
        if !is_visible(name) {
            return None;
        }
        path.push(name);
    }
    Some(path)
}

/// What lies at `path`; `None` where nothing does, or where the path crosses a symbolic link.
///
/// Every folder above must be real as well, which only the canonical path tells. (On a file system
/// that ignores case, this also makes keys case-sensitive, as S3's are.)
pub(crate) fn real_metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::canonicalize(path) {
        Ok(real) if real == path => fs::symlink_metadata(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the error says that there is no such object, rather than that it can't be read.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(
        error.kind(),
        NotFound | NotADirectory | InvalidFilename | InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_or_hide_are_not_visible() {
        for name in ["", ".", "..", ".lakeglass", "a/b", "a\0", "part#12"] {
            assert!(!is_visible(name), "{name:?}");
        }
        for name in ["a", "a.b", "part#x", "part#", "day=1", "100%"] {
            assert!(is_visible(name), "{name:?}");
        }
    }

    #[test]
    fn path_is_none_as_soon_as_one_name_is_hidden() {
        let base = Path::new("/base");
        assert_eq!(visible_path(base, "a/b"), Some(PathBuf::from("/base/a/b")));
        for key in [
            "a/../../etc/passwd",
            "/etc/passwd",
            "a//b",
            "a/",
            "a/.hidden/b",
        ] {
            assert_eq!(visible_path(base, key), None, "{key}");
        }
    }
}
