//! A plan of changed rows: which of its columns mean what, and what becomes of its rows.

use std::ops::Range;
use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use spark_dialect::MergeWhen;

/// A plan that runs, and what its rows mean.
pub(crate) struct Stage {
    pub rows: SendableRecordBatchStream,
    pub layout: Layout,
    /// What becomes of a row, by the number in its action column; of all rows, if there is one only.
    pub actions: Arc<[Action]>,
}

/// Positions of a plan's columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    /// The number of the row's action, an int; NULL where nothing becomes of the row.
    pub action: Option<usize>,
    /// File and number of the row.
    pub place: Option<[usize; 2]>,
    /// The table's columns as they were; empty where they are not wanted.
    pub old: Range<usize>,
    /// The table's columns as they are to be; empty where rows are only deleted.
    pub new: Range<usize>,
}

impl Layout {
    /// Place, `old` columns, `new` columns.
    pub fn over_target(old: usize, new: usize) -> Self {
        let old = 2..old.saturating_add(2);
        Self {
            action: None,
            place: Some([0, 1]),
            new: old.end..old.end.saturating_add(new),
            old,
        }
    }

    /// `new` columns only.
    pub fn of_new_rows(new: usize) -> Self {
        Self {
            new: 0..new,
            ..Self::default()
        }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub kind: ActionKind,
    /// The rows of a MERGE that it is for.
    pub when: Option<MergeWhen>,
    /// Whether a row of the table may come several times, and goes once.
    pub repeats: bool,
    /// The identity columns, by their positions in the table, that new rows get their numbers in.
    pub numbered: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionKind {
    Insert,
    Update,
    Delete,
}

impl Action {
    pub fn delete() -> Self {
        Self::of(ActionKind::Delete)
    }

    pub fn update() -> Self {
        Self::of(ActionKind::Update)
    }

    pub fn insert(numbered: Vec<usize>) -> Self {
        Self {
            numbered,
            ..Self::of(ActionKind::Insert)
        }
    }

    fn of(kind: ActionKind) -> Self {
        Self {
            kind,
            when: None,
            repeats: false,
            numbered: Vec::new(),
        }
    }
}
