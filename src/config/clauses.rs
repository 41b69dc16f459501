//! `policy.clauses` to the budget policy's clauses.

use crate::model::{BudgetClause, Trigger};

use super::diagnostic::Findings;
use super::tables_site::CLAUSE;
use super::values;
use super::view::View;

/// The clauses as written; the usual ones when none are.
pub(super) fn clauses(policy: &View<'_>, findings: &mut Findings) -> Option<Vec<BudgetClause>> {
    let items = policy.items("clauses");
    if items.is_empty() {
        return Some(BudgetClause::usual());
    }
    let clause = |item| {
        let view = policy.within(item, &CLAUSE);
        let trigger = if view.has("incident") {
            Trigger::Incident(view.read("incident", values::share, findings)?)
        } else {
            Trigger::Spent(view.read("spent", values::share, findings)?)
        };
        Some(BudgetClause { trigger, text: view.read("do", values::text, findings)? })
    };
    let clauses: Vec<BudgetClause> = items.iter().filter_map(clause).collect();
    (clauses.len() == items.len()).then_some(clauses)
}
