//! Names of data files: Spark's, as people know them.

use std::sync::Arc;

use crate::environment::Environment;
use crate::files::layout::TableLayout;
use crate::files::partitions::Partition;

/// The folder of change data files.
const CHANGE_FOLDER: &str = "_change_data";

/// Characters of the random folder that stands for the folders of a partition whose names are too long.
const SHORT_PREFIX: usize = 2;

/// The kind of a file, on which its name depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Data,
    ChangeData,
}

/// Makes names of files.
#[derive(Debug)]
pub(crate) struct Names {
    layout: Arc<TableLayout>,
    kind: FileKind,
    environment: Arc<dyn Environment>,
    numbers: usize,
}

impl Names {
    pub(crate) fn new(
        layout: Arc<TableLayout>,
        kind: FileKind,
        environment: Arc<dyn Environment>,
    ) -> Self {
        Self {
            layout,
            kind,
            environment,
            numbers: 0,
        }
    }

    /// Numbers files, from 0 on.
    pub(crate) fn next_number(&mut self) -> usize {
        let number = self.numbers;
        self.numbers = number.saturating_add(1);
        number
    }

    /// Now, in milliseconds since the epoch: see [`Environment::now`].
    pub(crate) fn now(&self) -> i64 {
        self.environment.now()
    }

    /// Key of a data file below the table's root, another one at each call:
    /// `p=a b/part-00000-<uuid>.c000.snappy.parquet`.
    pub(crate) fn key(&self, partition: &Partition, number: usize) -> String {
        let (folder, name) = match self.kind {
            FileKind::Data => (String::new(), "part"),
            FileKind::ChangeData => (format!("{CHANGE_FOLDER}/"), "cdc"),
        };
        let partition = match (self.layout.random_prefix, self.kind) {
            (Some(length), FileKind::Data) => Some(random_prefix(&*self.environment, length)),
            (Some(_), FileKind::ChangeData) => None,
            (None, _) if self.layout.partitions().is_empty() => None,
            (None, _) => Some(
                partition
                    .folders(&self.layout)
                    .unwrap_or_else(|| random_prefix(&*self.environment, SHORT_PREFIX)),
            ),
        };
        let partition = partition.map_or_else(String::new, |folder| format!("{folder}/"));
        let uuid = self.environment.uuid();
        let extension = self.layout.codec.extension;
        format!("{folder}{partition}{name}-{number:05}-{uuid}.c000{extension}.parquet")
    }
}

/// Letters and digits at random, as stores like them that spread keys by their beginnings.
pub(crate) fn random_prefix(environment: &dyn Environment, length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut prefix = String::with_capacity(length);
    while prefix.len() < length {
        // The last bytes, as the first may be a time.
        for byte in environment.uuid().as_bytes().iter().rev().take(6) {
            prefix.push(char::from(ALPHABET[usize::from(*byte % 62)]));
        }
    }
    prefix.truncate(length);
    prefix
}
