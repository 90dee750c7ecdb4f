//! Conditions of a statement, as a transaction checks them against commits that came first.

use std::fmt;

use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::Expr;
use delta_log::Snapshot;
use delta_transaction::{Error, FilePredicate, Result};

use crate::scan::pruning::select;

/// Conditions that all have to be true of a row, over the table's columns.
pub(crate) struct Conditions {
    pub filters: Vec<Expr>,
    pub state: SessionState,
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Conditions").field(&self.filters).finish()
    }
}

impl FilePredicate for Conditions {
    fn may_match(&self, files: &Snapshot) -> Result<Vec<bool>> {
        let selection = select(files, &self.filters, &self.state);
        let selection = selection.map_err(|error| Error::Predicate(error.to_string()))?;
        let mut matches = vec![false; files.files().len()];
        for i in selection.files {
            if let Some(file) = matches.get_mut(i) {
                *file = true;
            }
        }
        Ok(matches)
    }
}
