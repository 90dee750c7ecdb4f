//! Insurance claims.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};

use crate::random::Random;

pub(crate) const COLUMNS: [&str; 9] = [
    "claim_id",
    "timestamp",
    "policy_id",
    "claim_amount",
    "currency",
    "claim_type",
    "status",
    "adjuster_id",
    "region",
];

const POLICIES: usize = 5_000;
const ADJUSTERS: usize = 24;
const MEAN_SECONDS_BETWEEN: f64 = 540.0;

/// Name and median amount.
type Kind = (&'static str, f64);

const KINDS: [(Kind, u32); 6] = [
    (("auto_collision", 2_900.0), 34),
    (("auto_theft", 7_800.0), 6),
    (("water_damage", 4_100.0), 22),
    (("fire", 14_500.0), 4),
    (("liability", 3_300.0), 12),
    (("health", 740.0), 22),
];
const STATUSES: [(&str, u32); 5] = [
    ("submitted", 30),
    ("under_review", 28),
    ("approved", 18),
    ("rejected", 8),
    ("paid", 16),
];
const REGIONS: [(&str, &str); 5] = [
    ("north", "USD"),
    ("south", "USD"),
    ("east", "USD"),
    ("west", "EUR"),
    ("central", "GBP"),
];

/// Rows as columns.
#[derive(Default)]
pub(crate) struct Claims {
    ids: Vec<String>,
    timestamps: Vec<i64>,
    policies: Vec<String>,
    amounts: Vec<f64>,
    currencies: Vec<&'static str>,
    kinds: Vec<&'static str>,
    statuses: Vec<&'static str>,
    adjusters: Vec<Option<String>>,
    regions: Vec<&'static str>,
}

impl Claims {
    pub fn push(&mut self, random: &mut Random, clock: &mut i64) {
        *clock += random.gap(MEAN_SECONDS_BETWEEN);
        let policy = random.below(POLICIES);
        let (kind, median) = random.pick(&KINDS);
        let status = random.pick(&STATUSES);
        let adjuster = random.below(ADJUSTERS);
        let (region, currency) = REGIONS[policy % REGIONS.len()];

        self.ids.push(random.id("CLM"));
        self.timestamps.push(*clock);
        self.policies.push(format!("POL-{:05}", 10_000 + policy));
        self.amounts.push(random.amount(median, 0.7));
        self.currencies.push(currency);
        self.kinds.push(kind);
        self.statuses.push(status);
        // Nobody has looked at it yet.
        self.adjusters
            .push((status != "submitted").then(|| format!("ADJ-{adjuster:02}")));
        self.regions.push(region);
    }

    pub fn finish(self) -> Vec<ArrayRef> {
        vec![
            Arc::new(StringArray::from(self.ids)),
            Arc::new(TimestampMicrosecondArray::from(self.timestamps).with_timezone("UTC")),
            Arc::new(StringArray::from(self.policies)),
            Arc::new(Float64Array::from(self.amounts)),
            Arc::new(StringArray::from(self.currencies)),
            Arc::new(StringArray::from(self.kinds)),
            Arc::new(StringArray::from(self.statuses)),
            Arc::new(StringArray::from(self.adjusters)),
            Arc::new(StringArray::from(self.regions)),
        ]
    }
}
