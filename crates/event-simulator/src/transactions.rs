//! Financial transactions.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray, TimestampMicrosecondArray};

use crate::random::Random;

pub(crate) const COLUMNS: [&str; 9] = [
    "transaction_id",
    "timestamp",
    "account_id",
    "amount",
    "currency",
    "transaction_type",
    "merchant_id",
    "category",
    "is_flagged",
];

const ACCOUNTS: usize = 200;
const MERCHANTS_PER_CATEGORY: usize = 40;
const MEAN_SECONDS_BETWEEN: f64 = 42.0;

/// What people spend on: how often, the median amount, and how far amounts spread.
struct Category {
    name: &'static str,
    median: f64,
    spread: f64,
}

const CATEGORIES: [(usize, u32); 8] = [
    (0, 30),
    (1, 22),
    (2, 16),
    (3, 8),
    (4, 7),
    (5, 5),
    (6, 7),
    (7, 5),
];
const SPENDING: [Category; 8] = [
    Category {
        name: "groceries",
        median: 38.0,
        spread: 0.6,
    },
    Category {
        name: "restaurants",
        median: 24.0,
        spread: 0.5,
    },
    Category {
        name: "transport",
        median: 9.5,
        spread: 0.7,
    },
    Category {
        name: "utilities",
        median: 86.0,
        spread: 0.4,
    },
    Category {
        name: "electronics",
        median: 180.0,
        spread: 0.9,
    },
    Category {
        name: "travel",
        median: 410.0,
        spread: 0.8,
    },
    Category {
        name: "entertainment",
        median: 18.0,
        spread: 0.6,
    },
    Category {
        name: "health",
        median: 62.0,
        spread: 0.7,
    },
];

const TYPES: [(&str, u32); 4] = [
    ("debit", 74),
    ("credit", 8),
    ("payment", 11),
    ("transfer", 7),
];

/// Rows as columns.
#[derive(Default)]
pub(crate) struct Transactions {
    ids: Vec<String>,
    timestamps: Vec<i64>,
    accounts: Vec<String>,
    amounts: Vec<f64>,
    currencies: Vec<&'static str>,
    types: Vec<&'static str>,
    merchants: Vec<String>,
    categories: Vec<&'static str>,
    flags: Vec<bool>,
}

impl Transactions {
    /// Draws the next transaction. What it draws does not depend on whether the flag is shown, so
    /// the other columns are the same with and without it.
    pub fn push(&mut self, random: &mut Random, clock: &mut i64) {
        *clock += random.gap(MEAN_SECONDS_BETWEEN);
        let account = random.skewed(ACCOUNTS);
        let category = random.pick(&CATEGORIES);
        let Category {
            name,
            median,
            spread,
        } = SPENDING[category];
        let kind = random.pick(&TYPES);
        // Refunds are smaller than what was bought, transfers larger.
        let factor = match kind {
            "credit" => 0.6,
            "transfer" => 3.0,
            _ => 1.0,
        };
        let amount = random.amount(median * factor, spread);
        let merchant = category * MERCHANTS_PER_CATEGORY + random.skewed(MERCHANTS_PER_CATEGORY);
        // Far above what is usual, or, rarely, for reasons of the check's own.
        let unusual = amount > 5.0 * median * factor;
        let flagged = random.chance(if unusual { 0.8 } else { 0.01 });

        self.ids.push(random.id("TXN"));
        self.timestamps.push(*clock);
        self.accounts.push(format!("ACC-{}", 1_000 + account));
        self.amounts.push(amount);
        self.currencies.push(home_currency(account));
        self.types.push(kind);
        self.merchants.push(format!("MER-{merchant:04}"));
        self.categories.push(name);
        self.flags.push(flagged);
    }

    pub fn finish(self, with_flag: bool) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(self.ids)),
            Arc::new(TimestampMicrosecondArray::from(self.timestamps).with_timezone("UTC")),
            Arc::new(StringArray::from(self.accounts)),
            Arc::new(Float64Array::from(self.amounts)),
            Arc::new(StringArray::from(self.currencies)),
            Arc::new(StringArray::from(self.types)),
            Arc::new(StringArray::from(self.merchants)),
            Arc::new(StringArray::from(self.categories)),
        ];
        if with_flag {
            columns.push(Arc::new(BooleanArray::from(self.flags)));
        }
        columns
    }
}

/// An account keeps its currency.
fn home_currency(account: usize) -> &'static str {
    match account % 10 {
        0..=5 => "USD",
        6..=8 => "EUR",
        _ => "GBP",
    }
}
