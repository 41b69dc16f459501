//! Intervals of a percentile from the ranks of the sample (F7).

use super::beta;

/// The ranks (1 is the smallest) between which a percentile lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankInterval {
    /// Lower rank; `None`: the sample has no rank low enough.
    pub low: Option<u64>,
    /// Upper rank; `None`: the sample has no rank high enough.
    pub high: Option<u64>,
}

/// The rank of a percentile itself: the nearest rank, ceil(q x n), at least 1.
#[must_use]
pub fn target_rank(n: u64, quantile: f64) -> u64 {
    // The tolerance keeps a product that is a whole number on paper from rising to the next one.
    ((quantile * n as f64 - 1e-9).ceil() as u64).clamp(1, n.max(1))
}

/// The distribution-free interval of a percentile: the number of values below it is binomial, so its ranks are
/// l = ppf(tail; n, q) and u = ppf(1 - tail; n, q) + 1 (Hahn and Meeker, Statistical Intervals, section 5.2). A rank
/// outside 1..=n is no bound.
#[must_use]
pub fn rank_interval(n: u64, quantile: f64, confidence: f64) -> RankInterval {
    let tail = (1.0 - confidence) / 2.0;
    let low = binomial_quantile(n, quantile, tail);
    let high = binomial_quantile(n, quantile, 1.0 - tail) + 1;
    RankInterval { low: (low >= 1).then_some(low), high: (high <= n).then_some(high) }
}

/// The smallest k with P(Binomial(n, q) <= k) >= p.
fn binomial_quantile(n: u64, q: f64, p: f64) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = u64::midpoint(low, high);
        if binomial_cdf(middle, n, q) >= p { high = middle } else { low = middle + 1 }
    }
    low
}

/// P(Binomial(n, q) <= k) = P(Beta(n - k, k + 1) <= 1 - q) (NIST DLMF 8.17.5).
fn binomial_cdf(k: u64, n: u64, q: f64) -> f64 {
    if k >= n { 1.0 } else { beta::cdf((n - k) as f64, (k + 1) as f64, 1.0 - q) }
}
