//! Which clauses of the budget policy apply.

use crate::incident::Incident;
use crate::model::{BudgetClause, Trigger};
use crate::report::format;
use crate::report::model::{BudgetShare, Clause, ObjectiveReport};
use crate::report::words;

/// An incident with what it took from the objective.
type Cost<'a> = (&'a Incident, Option<BudgetShare>);

/// Every clause with whether it applies and why. Without a budget none does.
pub(super) fn of(clauses: &[BudgetClause], report: &ObjectiveReport, incidents: &[Cost<'_>]) -> Vec<Clause> {
    clauses.iter().map(|clause| one(clause, report, incidents)).collect()
}

fn one(clause: &BudgetClause, report: &ObjectiveReport, incidents: &[Cost<'_>]) -> Clause {
    let (when, found) = match clause.trigger {
        Trigger::Spent(least) => {
            let when = format!("{} of the period's budget is spent", format::target(least));
            let spent = report.budget.map(|budget| budget.spent_share);
            let found = spent.map(|spent| (spent >= least, format!("{} is spent", words::spent(spent))));
            (when, found)
        }
        Trigger::Incident(least) => {
            let when = format!("one incident takes more than {} of the budget of four periods", format::target(least));
            let share = |(incident, cost): &Cost<'_>| Some((cost.as_ref()?.share_of_four, incident.id.clone()));
            let dearest = incidents.iter().filter_map(share).max_by(|a, b| a.0.total_cmp(&b.0));
            let found = match dearest {
                Some((share, id)) => (share > least, format!("incident {id} took {}", words::spent(share))),
                None => (false, "no incident took any".to_owned()),
            };
            (when, report.budget.map(|_| found))
        }
    };
    let (applies, because) = found.unwrap_or((false, "no login has a verdict, so that no budget is known".to_owned()));
    Clause { when, text: clause.text.clone(), applies, because }
}
