//! What the history says of a statement that writes, in the statement's own words.

use crate::write::{Delete, Insert, InsertTarget, Merge, MergeWhen, RawMergeAction, Update};

impl Insert {
    /// Whether rows are only added.
    pub fn appends(&self) -> bool {
        match &self.target {
            InsertTarget::Append => true,
            InsertTarget::Overwrite | InsertTarget::ReplaceWhere(_) => false,
        }
    }

    /// Whether some of the table's rows are replaced, by a condition.
    pub fn replaces_rows(&self) -> bool {
        self.condition().is_some()
    }

    /// The condition of REPLACE WHERE.
    pub fn condition(&self) -> Option<String> {
        match &self.target {
            InsertTarget::ReplaceWhere(condition) => Some(condition.to_string()),
            InsertTarget::Append | InsertTarget::Overwrite => None,
        }
    }
}

impl Update {
    /// The condition that rows have to meet.
    pub fn condition(&self) -> Option<String> {
        self.predicate.as_ref().map(ToString::to_string)
    }
}

impl Delete {
    /// The condition that rows have to meet.
    pub fn condition(&self) -> Option<String> {
        self.predicate.as_ref().map(ToString::to_string)
    }
}

impl Merge {
    /// The condition that matches rows.
    pub fn condition(&self) -> String {
        self.on.to_string()
    }

    /// Condition and action of each clause for these rows: `update`, `delete`, `insert`.
    pub fn clauses_when(&self, when: MergeWhen) -> Vec<(Option<String>, &'static str)> {
        let clauses = self.clauses.iter().filter(|clause| clause.when == when);
        let described = clauses.map(|clause| {
            let action = match &clause.action {
                RawMergeAction::Update(_) | RawMergeAction::UpdateAll => "update",
                RawMergeAction::Insert { .. } | RawMergeAction::InsertAll => "insert",
                RawMergeAction::Delete => "delete",
            };
            let condition = clause.condition.as_ref().map(ToString::to_string);
            (condition, action)
        });
        described.collect()
    }
}
