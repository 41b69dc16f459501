//! The policy: the written rules by which runs become a report. Its hash is printed in the report.

use serde::{Deserialize, Serialize};

use super::event::Exclusion;
use super::id::Revision;

/// How lost runs enter an availability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostRuns {
    /// They say nothing: they lower coverage, not availability. The report prints both extremes beside it.
    #[default]
    Excluded,
    /// They count as bad.
    Bad,
}

/// Which attempts of a slot count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retries {
    /// The scheduled attempt alone: what a user met who did not try again.
    #[default]
    FirstAttempt,
    /// The best attempt of each slot.
    BestAttempt,
}

/// When a clause of the budget policy applies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// This share of the period's budget is spent, or more; 0 applies always.
    Spent(f64),
    /// One incident took more than this share of the budget of four periods.
    Incident(f64),
}

/// What follows from the state of the budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetClause {
    /// When it applies.
    pub trigger: Trigger,
    /// What is to be done, in one or two sentences.
    pub text: String,
}

impl BudgetClause {
    /// The clauses of a site that wrote none, after the error budget policy of the Google SRE Workbook, appendix B.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let clause = |trigger, text: &str| Self { trigger, text: text.to_owned() };
        vec![
            clause(
                Trigger::Spent(0.75),
                "Most of the budget is gone. Look at what is planned for the rest of the period and put off what is \
                 risky and can wait.",
            ),
            clause(
                Trigger::Spent(1.0),
                "The budget is overspent. Ship only urgent fixes and security changes until the service is back within \
                 its objective; the team works on reliability first.",
            ),
            clause(Trigger::Incident(0.2), "Write a postmortem, with at least one action of the highest priority."),
        ]
    }
}

/// The rules by which runs become a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// How lost runs count.
    pub lost_runs: LostRuns,
    /// Which attempts count.
    pub retries: Retries,
    /// The confidence of all intervals, two-sided.
    pub confidence: f64,
    /// Below this coverage a verdict is never `met`: what was not measured cannot be claimed.
    pub least_coverage: f64,
    /// What follows from the state of the budget.
    pub clauses: Vec<BudgetClause>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lost_runs: LostRuns::default(),
            retries: Retries::default(),
            confidence: 0.95,
            least_coverage: 0.9,
            clauses: BudgetClause::usual(),
        }
    }
}

impl Policy {
    /// The policy's hash, over its canonical JSON.
    ///
    /// # Panics
    /// Never: a policy always has a JSON form.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision::of(&serde_json::to_vec(self).expect("a policy has a JSON form"))
    }

    /// The hash of the policy together with the exclusions that apply, in any order; without any it is
    /// [`Policy::revision`].
    ///
    /// # Panics
    /// Never: both always have a JSON form.
    #[must_use]
    pub fn revision_with(&self, exclusions: &[Exclusion]) -> Revision {
        if exclusions.is_empty() {
            return self.revision();
        }
        let json = |exclusion: &Exclusion| serde_json::to_string(exclusion).expect("an exclusion has a JSON form");
        let mut texts: Vec<String> = exclusions.iter().map(json).collect();
        texts.sort();
        Revision::of(&serde_json::to_vec(&(self, texts)).expect("texts have a JSON form"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_rule_changes_the_hash() {
        let policy = Policy::default();
        let other = Policy { lost_runs: LostRuns::Bad, ..Policy::default() };
        assert_ne!(policy.revision(), other.revision());
    }
}
