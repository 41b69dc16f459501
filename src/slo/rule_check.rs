//! What a burn-rate rule cannot do for an objective that is probed so often (F2, F3): page for an outage at all, or keep
//! silent about a single failed login.

use std::fmt;
use std::time::Duration;

use super::budget::failures_to_fire;
use super::burn::can_fire;

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RuleProblem {
    /// Not even a total outage is above the share of failures that it waits for, which this is.
    NeverFires(f64),
    /// A single failure among so many probes of the long window fires it.
    OneFailureFires(u64),
}

/// What is wrong with a rule of this factor and long window, if anything.
#[must_use]
pub fn rule_problem(factor: f64, long: Duration, target: f64, probes_per_hour: f64) -> Option<RuleProblem> {
    if !can_fire(factor, target) {
        return Some(RuleProblem::NeverFires(factor * (1.0 - target)));
    }
    let probes = (probes_per_hour * long.as_secs_f64() / 3_600.0).round() as u64;
    (failures_to_fire(factor, target, probes) == 1).then_some(RuleProblem::OneFailureFires(probes))
}

/// Probes per hour below which a single failure fires a rule: its long window must hold fewer than
/// 1 / (factor x (1 - target)) (F3).
#[must_use]
pub fn single_failure_below(factor: f64, long: Duration, target: f64) -> f64 {
    3_600.0 / long.as_secs_f64() / (factor * (1.0 - target))
}

/// The largest target for which a rule can never fire: 1 - 1 / factor (F2).
#[must_use]
pub fn never_fires_until(factor: f64) -> f64 {
    1.0 - 1.0 / factor
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverFires(share) => write!(
                f,
                "can never fire: it waits for {:.0} % of logins to fail; choose a smaller factor or a stricter target",
                share * 100.0
            ),
            Self::OneFailureFires(probes) => write!(
                f,
                "pages for one failure: its long window holds {probes} logins only; probe more often or ask for more \
                 failures"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_rule_is_said() {
        let said = |target, probes| {
            rule_problem(14.4, Duration::from_secs(3_600), target, probes).map(|problem| problem.to_string())
        };
        assert_eq!(
            said(0.999, 60.0).as_deref(),
            Some(
                "pages for one failure: its long window holds 60 logins only; probe more often or ask for more failures"
            )
        );
        assert_eq!(said(0.999, 180.0), None);
        assert_eq!(
            said(0.93, 180.0).as_deref(),
            Some("can never fire: it waits for 101 % of logins to fail; choose a smaller factor or a stricter target")
        );
    }
}
