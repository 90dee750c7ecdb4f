//! What statements that tend to a table's files say of its columns.

use arrow_schema::Schema;
use messages::Error;

use crate::bind::rows::condition_over_rows;
use crate::maintenance::Optimize;
use crate::query::Query;
use crate::write::Qualifier;

impl Optimize {
    /// The condition that the partitions have to meet, as it was written.
    pub fn condition(&self) -> Option<String> {
        self.partitions.as_ref().map(ToString::to_string)
    }

    /// The condition as the one expression of a query over [`TARGET`](crate::TARGET); `None` without
    /// one.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN.WITH_SUGGESTION` for a name that is none of the table's columns.
    pub fn partition_condition(&self, target: &Schema) -> Result<Option<Query>, Error> {
        let qualifier = Qualifier {
            alias: self.table.clone(),
            parts: Vec::new(),
        };
        let condition = self.partitions.as_ref();
        let condition =
            condition.map(|condition| condition_over_rows(&qualifier, target, condition));
        condition.transpose()
    }
}
