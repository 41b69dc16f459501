//! The error budget: what may fail, what did, and how fast it is spent (F1, F3).
//!
//! A target of 100 % cannot reach these functions: `model::Target` refuses it, since it has no budget to divide by.

/// Burn rate: (1 - share) / (1 - target) (F1; Google SRE Workbook, chapter 5). 1 spends the budget exactly.
#[must_use]
pub fn burn_rate(share: f64, target: f64) -> f64 {
    (1.0 - share) / (1.0 - target)
}

/// The share of a calendar period's budget that `bad` events have spent: bad / ((1 - target) x planned), where the
/// planned events of the *whole* period are known in advance, since probes follow a schedule (F1). `None` when nothing
/// is planned.
#[must_use]
pub fn spent_share(bad: u64, target: f64, planned: u64) -> Option<f64> {
    (planned > 0).then(|| bad as f64 / ((1.0 - target) * planned as f64))
}

/// What is left of a budget after a share of it was spent; negative when overspent.
#[must_use]
pub fn left_after(budget: f64, spent_share: f64) -> f64 {
    budget * (1.0 - spent_share)
}

/// The budget of a period in time: (1 - target) x its exact length (F19: 167, 168 or 169 hours for a week).
#[must_use]
pub fn period_budget(target: f64, period_seconds: f64) -> f64 {
    (1.0 - target) * period_seconds
}

/// Failures among `probes` at which a burn-rate rule fires: floor(factor x (1 - target) x probes) + 1 (F3: the rule
/// fires above, not at, its threshold). When this is 1, a single failure pages.
#[must_use]
pub fn failures_to_fire(factor: f64, target: f64, probes: u64) -> u64 {
    // The tolerance keeps a product that is a whole number on paper from falling just below it.
    let threshold = factor * (1.0 - target) * probes as f64;
    (threshold + 1e-9).floor() as u64 + 1
}
