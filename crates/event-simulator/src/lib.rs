//! Made-up events for the walkthrough's tables: financial transactions and insurance claims.
//!
//! A [`Simulator`] is an endless stream of rows in the order of their timestamps. It is seeded: the
//! same dataset, seed and start give the same rows on every machine and with every version of the
//! random number crates (ChaCha, not the unspecified `StdRng`), so that tests and pictures can rely
//! on them. [`spoil`] damages a batch on purpose, to show what a table makes of it.
//!
//! ```
//! use event_simulator::{Dataset, Simulator};
//!
//! let start = 1_714_521_600_000_000; // 2024-05-01, in microseconds
//! let mut simulator = Simulator::new(Dataset::Transactions { flagged: false }, 7, start);
//! let batch = simulator.batch(400);
//! assert_eq!(batch.num_rows(), 400);
//! assert_eq!(batch.schema().field(0).name(), "transaction_id");
//! ```
#![warn(missing_docs)]

mod claims;
mod defect;
mod random;
mod transactions;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub use defect::{Defect, spoil};

use claims::Claims;
use random::Random;
use transactions::Transactions;

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dataset {
    /// Card and account movements: `transaction_id`, `timestamp`, `account_id`, `amount`,
    /// `currency`, `transaction_type`, `merchant_id`, `category`.
    Transactions {
        /// Whether there is a ninth column, `is_flagged` (boolean): what a fraud check thinks.
        flagged: bool,
    },
    /// Claims against insurance policies: `claim_id`, `timestamp`, `policy_id`, `claim_amount`,
    /// `currency`, `claim_type`, `status`, `adjuster_id`, `region`.
    Claims,
}

impl Dataset {
    /// The columns: strings, but for `timestamp` (microseconds, UTC), amounts (double) and
    /// `is_flagged`. All are nullable, as Spark declares them.
    pub fn schema(self) -> SchemaRef {
        let names: &[&str] = match self {
            Self::Transactions { flagged: true } => &transactions::COLUMNS,
            Self::Transactions { flagged: false } => {
                &transactions::COLUMNS[..transactions::COLUMNS.len() - 1]
            }
            Self::Claims => &claims::COLUMNS,
        };
        let field = |name: &&str| {
            let data_type = match *name {
                "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "amount" | "claim_amount" => DataType::Float64,
                "is_flagged" => DataType::Boolean,
                _ => DataType::Utf8,
            };
            Field::new(*name, data_type, true)
        };
        Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
    }
}

/// An endless stream of events.
#[derive(Debug, Clone)]
pub struct Simulator {
    dataset: Dataset,
    random: Random,
    /// When the last event happened, in microseconds since the epoch.
    clock: i64,
}

impl Simulator {
    /// Starts at `start`, in microseconds since the epoch: the first event happens a little later.
    pub fn new(dataset: Dataset, seed: u64, start: i64) -> Self {
        Self {
            dataset,
            random: Random::new(seed),
            clock: start,
        }
    }

    /// From now on adds `is_flagged` to transactions; does nothing to claims. The stream goes on.
    pub fn with_flag(mut self) -> Self {
        if let Dataset::Transactions { flagged } = &mut self.dataset {
            *flagged = true;
        }
        self
    }

    /// The next `rows` events, in the order of their timestamps. Their ids never repeat within one
    /// stream.
    pub fn batch(&mut self, rows: usize) -> RecordBatch {
        let columns = match self.dataset {
            Dataset::Transactions { flagged } => {
                let mut transactions = Transactions::default();
                for _ in 0..rows {
                    transactions.push(&mut self.random, &mut self.clock);
                }
                transactions.finish(flagged)
            }
            Dataset::Claims => {
                let mut claims = Claims::default();
                for _ in 0..rows {
                    claims.push(&mut self.random, &mut self.clock);
                }
                claims.finish()
            }
        };
        batch(self.dataset.schema(), columns)
    }
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema, columns).expect("builders make the columns of their schema")
}
