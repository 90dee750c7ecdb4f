//! The folders of a connection's buckets, as far as they have been listed.
//!
//! Only a LIST of a folder says whether it is a table, so a bucket of many tables is not searched:
//! a folder is listed when its row comes into view. The tree says which one is next, takes the
//! answers in, and lays out the rows. It knows no browser.

use std::collections::{HashMap, HashSet, VecDeque};

use messages::Error;
use messages::table::FolderListing;
use table_location::TableLocation;

/// Folders below a bucket in which tables are looked for, as in the engine's own search.
const DEPTH: usize = 3;
/// Folders that are listed at the same time.
const CONCURRENT_LISTINGS: usize = 6;

/// A folder of a bucket. `path` has no slash at either end, and is empty for the bucket itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Folder {
    pub bucket: String,
    pub path: String,
}

impl Folder {
    /// The bucket itself.
    fn root(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            path: String::new(),
        }
    }

    fn child(&self, name: &str) -> Self {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        };
        Self {
            bucket: self.bucket.clone(),
            path,
        }
    }

    /// Folders between the bucket and this one, this one included.
    fn depth(&self) -> usize {
        self.path.split('/').filter(|part| !part.is_empty()).count()
    }

    /// The name of the folder directly in this one that `other` is, or lies in.
    fn step_towards<'a>(&self, other: &'a Self) -> Option<&'a str> {
        if self.bucket != other.bucket {
            return None;
        }
        let rest = if self.path.is_empty() {
            &other.path
        } else {
            other.path.strip_prefix(&self.path)?.strip_prefix('/')?
        };
        rest.split('/').next().filter(|name| !name.is_empty())
    }

    /// Its URL: `s3a://bucket/path`.
    pub fn location(&self) -> String {
        TableLocation::s3(&self.bucket, &self.path).to_string()
    }

    /// The last part of its path: a table's name in SQL.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// A folder to list, for the connection that it was wanted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub folder: Folder,
    connection: u32,
}

/// Content of a folder that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Table,
    /// The names of the folders in it, sorted.
    Folders(Vec<String>),
}

/// A line of the table list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Row {
    Bucket(String),
    Table(Folder),
    /// A folder that has not been listed yet.
    Unlisted(Folder),
}

/// Rows that are no heading.
pub fn count(rows: &[Row]) -> usize {
    rows.iter()
        .filter(|row| !matches!(row, Row::Bucket(_)))
        .count()
}

/// See the module's documentation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableTree {
    buckets: Vec<String>,
    listed: HashMap<Folder, Content>,
    /// Folders whose last listing failed. What an earlier one found stays in `listed`.
    failed: HashMap<Folder, Error>,
    /// Tables that statements named, which no listing has shown yet.
    named: Vec<Folder>,
    /// Folders to list, first come, first served.
    wanted: VecDeque<Folder>,
    in_flight: HashSet<Folder>,
    /// Counts connections: an answer of an earlier one is dropped.
    connection: u32,
}

impl TableTree {
    /// Starts over on another connection, and wants its buckets listed.
    pub fn connect(&mut self, buckets: Vec<String>) {
        *self = Self {
            connection: self.connection + 1,
            buckets,
            ..Self::default()
        };
        self.refresh();
    }

    /// Wants everything listed anew that may hold new tables: the buckets, folders that are no
    /// tables, and what could not be listed.
    pub fn refresh(&mut self) {
        let mut due: Vec<Folder> = self.buckets.iter().map(|b| Folder::root(b)).collect();
        for (folder, content) in &self.listed {
            match content {
                Content::Table => {}
                Content::Folders(_) => due.push(folder.clone()),
            }
        }
        due.extend(self.failed.keys().cloned());
        for folder in due {
            self.enqueue(folder);
        }
    }

    /// Wants a folder listed, unless it has been: its row is in view.
    pub fn want(&mut self, folder: Folder) {
        if !self.is_answered(&folder) {
            self.enqueue(folder);
        }
    }

    fn is_answered(&self, folder: &Folder) -> bool {
        self.listed.contains_key(folder) || self.failed.contains_key(folder)
    }

    fn enqueue(&mut self, folder: Folder) {
        if !self.wanted.contains(&folder) && !self.in_flight.contains(&folder) {
            self.wanted.push_back(folder);
        }
    }

    /// Wants all folders listed that have a row.
    pub fn want_all(&mut self) {
        for row in self.rows() {
            match row {
                Row::Unlisted(folder) => self.want(folder),
                Row::Table(_) | Row::Bucket(_) => {}
            }
        }
    }

    /// Wants the first folder listed while no table is known, so that there is one to show though
    /// no row is in view; gives up after `most` folders.
    pub fn want_first(&mut self, most: usize) {
        if self.is_looking() || self.listed.len() >= self.buckets.len() + most {
            return;
        }
        let unlisted = |row| match row {
            Row::Unlisted(folder) => Some(folder),
            Row::Table(_) | Row::Bucket(_) => None,
        };
        if let Some(first) = self.rows().into_iter().find_map(unlisted) {
            self.want(first);
        }
    }

    /// Its row has left the view. It is not listed if its turn has not come yet.
    pub fn unwant(&mut self, folder: &Folder) {
        if !self.is_answered(folder) && !folder.path.is_empty() {
            self.wanted.retain(|wanted| wanted != folder);
        }
    }

    /// The next folder to list; `None` where none is wanted, or enough are under way.
    pub fn next_listing(&mut self) -> Option<Listing> {
        if self.in_flight.len() >= CONCURRENT_LISTINGS {
            return None;
        }
        let folder = self.wanted.pop_front()?;
        self.in_flight.insert(folder.clone());
        Some(Listing {
            folder,
            connection: self.connection,
        })
    }

    /// Takes the answer to a listing in; the folders' names are sorted as the rows are to be.
    pub fn take(&mut self, listing: Listing, answer: Result<FolderListing, Error>) {
        let Listing { folder, connection } = listing;
        if connection != self.connection {
            return;
        }
        self.in_flight.remove(&folder);
        let listing = match answer {
            Ok(listing) => listing,
            Err(error) => {
                self.failed.insert(folder, error);
                return;
            }
        };
        self.failed.remove(&folder);
        self.named.retain(|named| *named != folder);
        let content = if listing.is_table {
            Content::Table
        } else {
            self.forget_missing(&folder, &listing.folders);
            Content::Folders(listing.folders)
        };
        self.listed.insert(folder, content);
    }

    /// Forgets what lies below `folder`, but in none of the folders that it has by now.
    fn forget_missing(&mut self, folder: &Folder, names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let remains = |other: &Folder| {
            let step = folder.step_towards(other);
            step.is_none_or(|name| names.contains(name))
        };
        self.listed.retain(|other, _| remains(other));
        self.failed.retain(|other, _| remains(other));
        self.wanted.retain(remains);
        self.named.retain(remains);
    }

    /// Adds a table that a statement has read or written, if it is in one of the buckets.
    pub fn name_table(&mut self, location: &str) {
        let Ok(location) = TableLocation::parse(location) else {
            return;
        };
        let (Some(bucket), path) = (location.bucket(), location.path()) else {
            return;
        };
        let folder = Folder {
            bucket: bucket.to_owned(),
            path: path.to_owned(),
        };
        if path.is_empty() || !self.buckets.contains(&folder.bucket) || self.is_table(&folder) {
            return;
        }
        let above = Folder {
            bucket: folder.bucket.clone(),
            path: path
                .rsplit_once('/')
                .map_or("", |(above, _)| above)
                .to_owned(),
        };
        match self.listed.get(&above) {
            // Its row is there: now it is known what it is.
            Some(Content::Folders(names)) if names.iter().any(|name| name == folder.name()) => {
                self.listed.insert(folder, Content::Table);
            }
            Some(_) | None => self.named.push(folder),
        }
    }

    /// Whether the folder is known to be a table.
    pub fn is_table(&self, folder: &Folder) -> bool {
        matches!(self.listed.get(folder), Some(Content::Table)) || self.named.contains(folder)
    }

    /// Whether each bucket has been listed, well or badly.
    pub fn is_loaded(&self) -> bool {
        let is_answered = |bucket: &String| self.is_answered(&Folder::root(bucket));
        self.connection > 0 && self.buckets.iter().all(is_answered)
    }

    /// Whether a listing is under way or about to be.
    pub fn is_looking(&self) -> bool {
        !self.in_flight.is_empty() || !self.wanted.is_empty()
    }

    /// Whether no bucket could be listed.
    pub fn is_unreachable(&self) -> bool {
        let is_lost = |bucket: &String| {
            let root = Folder::root(bucket);
            self.failed.contains_key(&root) && !self.listed.contains_key(&root)
        };
        !self.buckets.is_empty() && self.buckets.iter().all(is_lost)
    }

    /// Why buckets are not shown in full: the first error of each, each error once.
    pub fn problems(&self) -> Vec<Error> {
        let first = |bucket: &String| {
            let of_bucket = self.failed.iter().filter(|(f, _)| f.bucket == *bucket);
            let first = of_bucket.min_by(|(left, _), (right, _)| left.path.cmp(&right.path));
            first.map(|(_, error)| error.clone())
        };
        let mut problems: Vec<Error> = Vec::new();
        for error in self.buckets.iter().filter_map(first) {
            if !problems.contains(&error) {
                problems.push(error);
            }
        }
        problems
    }

    /// All rows: bucket by bucket, in the connection's order. A bucket without tables has none.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for bucket in &self.buckets {
            let start = rows.len();
            rows.push(Row::Bucket(bucket.clone()));
            self.push_rows(&Folder::root(bucket), &mut rows);
            if rows.len() == start + 1 {
                rows.truncate(start);
            }
        }
        rows
    }

    fn push_rows(&self, folder: &Folder, rows: &mut Vec<Row>) {
        match self.listed.get(folder) {
            Some(Content::Table) => rows.push(Row::Table(folder.clone())),
            Some(Content::Folders(names)) => {
                self.push_named(folder, names, rows);
                if folder.depth() < DEPTH {
                    for name in names {
                        self.push_rows(&folder.child(name), rows);
                    }
                }
            }
            None if self.named.contains(folder) => rows.push(Row::Table(folder.clone())),
            None => {
                self.push_named(folder, &[], rows);
                if !folder.path.is_empty() {
                    rows.push(Row::Unlisted(folder.clone()));
                }
            }
        }
    }

    /// Tables below `folder` that only statements have named, save those in the folders `except`,
    /// which have rows of their own.
    fn push_named(&self, folder: &Folder, except: &[String], rows: &mut Vec<Row>) {
        let has_rows =
            |name: &str| folder.depth() < DEPTH && except.iter().any(|other| other == name);
        for named in &self.named {
            if folder
                .step_towards(named)
                .is_some_and(|name| !has_rows(name))
            {
                rows.push(Row::Table(named.clone()));
            }
        }
    }

    /// The tables that are known, in the order of the rows.
    pub fn tables(&self) -> Vec<Folder> {
        let of_row = |row| match row {
            Row::Table(folder) => Some(folder),
            Row::Bucket(_) | Row::Unlisted(_) => None,
        };
        self.rows().into_iter().filter_map(of_row).collect()
    }

    /// Folders to complete in a statement: tables, and those that may turn out to be some.
    pub fn tables_and_unlisted(&self) -> Vec<Folder> {
        let of_row = |row| match row {
            Row::Table(folder) | Row::Unlisted(folder) => Some(folder),
            Row::Bucket(_) => None,
        };
        self.rows().into_iter().filter_map(of_row).collect()
    }
}

/// The rows whose bucket and path hold each of the words, in any case; a bucket stays where one of
/// its rows does. `lowercase` is the browser's: Rust's brings tables of all letters into the page.
pub fn matching(rows: &[Row], filter: &str, lowercase: fn(&str) -> String) -> Vec<Row> {
    let words: Vec<String> = filter.split_whitespace().map(lowercase).collect();
    let matches = |folder: &Folder| {
        let name = lowercase(&format!("{}/{}", folder.bucket, folder.path));
        words.iter().all(|word| name.contains(word))
    };
    let mut kept: Vec<Row> = Vec::new();
    let mut bucket = None;
    for row in rows {
        match row {
            Row::Bucket(_) => bucket = Some(row),
            Row::Table(folder) | Row::Unlisted(folder) => {
                if matches(folder) {
                    kept.extend(bucket.take().cloned());
                    kept.push(row.clone());
                }
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests;
