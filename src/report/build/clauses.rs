//! Which clauses of the budget policy apply.

use crate::incident::Incident;
use crate::model::{BudgetClause, ObjectiveName, Trigger};
use crate::report::model::{BudgetShare, Clause, ObjectiveReport};
use crate::report::words;

/// An incident with what it took from the objective.
type Cost<'a> = (&'a Incident, Option<BudgetShare>);

/// Every clause with whether it applies and why; none without a budget. What is judged is the budget by the policy: with
/// its exclusions, where there are any.
pub(super) fn of(clauses: &[BudgetClause], report: &ObjectiveReport, incidents: &[Cost<'_>]) -> Vec<Clause> {
    let Some(raw) = report.budget else { return Vec::new() };
    let adjusted = report.adjusted.as_ref().and_then(|adjusted| adjusted.budget);
    let spent = adjusted.unwrap_or(raw).spent_share;
    let mut words = format!("{} is spent", words::spent(spent));
    if report.until.is_some() {
        words.push_str(" so far");
    }
    if adjusted.is_some() {
        words.push_str(&format!(" with exclusions, {} without", words::spent(raw.spent_share)));
    }
    // What a larger share asks for holds instead of what a smaller one does.
    let reached = |clause: &BudgetClause| match clause.trigger {
        Trigger::Spent(least) => Some(least).filter(|least| spent >= *least),
        Trigger::Incident(_) => None,
    };
    let most = clauses.iter().filter_map(reached).fold(0.0, f64::max);
    let told = |clause: &BudgetClause| Clause {
        superseded: reached(clause).is_some_and(|least| least < most),
        ..one(clause, (spent, &words), &report.name, incidents)
    };
    clauses.iter().map(told).collect()
}

fn one(clause: &BudgetClause, spent: (f64, &str), name: &ObjectiveName, incidents: &[Cost<'_>]) -> Clause {
    let (applies, because) = match clause.trigger {
        Trigger::Spent(least) => (spent.0 >= least, spent.1.to_owned()),
        Trigger::Incident(least) => {
            let share = |(incident, cost): &Cost<'_>| {
                let cost = cost.as_ref().filter(|cost| cost.objective == *name)?;
                Some((cost.share_of_four, incident.id.clone()))
            };
            match incidents.iter().filter_map(share).max_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((share, id)) => (share > least, format!("incident {id} took {}", words::spent(share))),
                None => (false, "no incident took any".to_owned()),
            }
        }
    };
    let when = words::trigger(clause.trigger);
    Clause { when, text: clause.text.clone(), applies, because, superseded: false }
}
