//! The draws that events are made of.

use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// A seeded source, with the distributions that money and arrivals follow.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    rng: ChaCha12Rng,
    /// Ids so far, and what tells two seeds' ids apart.
    ids: u64,
    salt: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let salt = rng.random();
        Self { rng, ids: 0, salt }
    }

    /// An id that looks random and never repeats within one stream: a bijection (splitmix64's
    /// finaliser) of a counter.
    pub fn id(&mut self, prefix: &str) -> String {
        let mut bits = self.salt.wrapping_add(self.ids);
        self.ids += 1;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        format!("{prefix}-{bits:016x}")
    }

    /// Uniform in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        self.rng.random()
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// In `0..n`, small numbers far more often: a few accounts make most of the traffic.
    pub fn skewed(&mut self, n: usize) -> usize {
        // Truncation is the point; the draw is below 1, so the result is below n.
        (self.unit().powi(3) * n as f64) as usize
    }

    /// One of `choices`, by weight.
    pub fn pick<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let total: u32 = choices.iter().map(|(_, weight)| weight).sum();
        let mut draw = self.rng.random_range(0..total);
        for &(choice, weight) in choices {
            if draw < weight {
                return choice;
            }
            draw -= weight;
        }
        unreachable!("the draw is below the sum of the weights")
    }

    /// Log-normal around `median`, in whole cents and at least one: many small amounts, few large.
    pub fn amount(&mut self, median: f64, spread: f64) -> f64 {
        // Box and Muller; 1 - u keeps the logarithm finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (TAU * self.unit()).cos();
        let amount = median * (spread * normal).exp();
        ((amount * 100.0).round() / 100.0).clamp(0.01, 9_999_999.99)
    }

    /// Microseconds until the next of events that come every `mean_seconds` (exponential), at least
    /// one millisecond; whole milliseconds, as event sources write them.
    pub fn gap(&mut self, mean_seconds: f64) -> i64 {
        let seconds = -mean_seconds * (1.0 - self.unit()).ln();
        ((seconds * 1_000.0).ceil() as i64).max(1) * 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_spread_around_their_median() {
        let mut random = Random::new(1);
        let mut amounts: Vec<f64> = (0..10_001).map(|_| random.amount(40.0, 0.8)).collect();
        amounts.sort_by(f64::total_cmp);
        assert!(
            (36.0..44.0).contains(&amounts[5_000]),
            "median {}",
            amounts[5_000]
        );
        assert!(amounts[9_900] > 200.0, "99th percentile {}", amounts[9_900]);
        assert!(amounts[0] >= 0.01);
    }

    #[test]
    fn few_accounts_make_most_of_the_traffic() {
        let mut random = Random::new(1);
        let busiest = (0..10_000).filter(|_| random.skewed(200) < 20).count();
        assert!((4_000..5_500).contains(&busiest), "{busiest} of 10000");
    }

    #[test]
    fn picks_follow_the_weights() {
        let mut random = Random::new(1);
        let often = (0..10_000)
            .filter(|_| random.pick(&[(true, 9), (false, 1)]))
            .count();
        assert!((8_800..9_200).contains(&often), "{often} of 10000");
    }
}
