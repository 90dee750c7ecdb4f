//! A result's rows as text.

use cells::Column as _;

use crate::run::Outcome;

/// The cells of a result, row by row; NULL is `None`.
pub fn rows(outcome: &Outcome) -> impl Iterator<Item = Vec<Option<String>>> + '_ {
    outcome.batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).map(move |row| {
            batch
                .columns()
                .iter()
                .map(|column| cells::text(column.value(row)))
                .collect()
        })
    })
}
