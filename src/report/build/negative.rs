//! Negative logins, and every security failure as an alarm.

use std::collections::BTreeMap;

use crate::history::{self, History, Outcome, Series};
use crate::model::{BadClass, FlowName, RunKind, Verdict};
use crate::report::model::{NegativeReport, SecurityAlarm};

use super::{Data, failures};

/// Runs that an alarm names.
const EXAMPLES: usize = 5;

/// What an alarm is about.
type Topic<'a> = (&'a FlowName, RunKind, &'static str);

/// Every attempt counts here, whatever the policy says: a wrong password that was let in once was let in.
pub(super) fn alarms(history: &History) -> Vec<SecurityAlarm> {
    let mut found: BTreeMap<Topic<'_>, Vec<(&Series, Outcome)>> = BTreeMap::new();
    for (series, ledger) in history.ledgers() {
        for run in ledger.all().filter(Outcome::is_security_failure) {
            if let Some(class) = run.verdict.class() {
                found.entry((&series.flow, series.kind, class)).or_default().push((series, run));
            }
        }
    }
    found.into_iter().filter_map(|(topic, runs)| alarm(topic, runs)).collect()
}

fn alarm((flow, kind, class): Topic<'_>, mut runs: Vec<(&Series, Outcome)>) -> Option<SecurityAlarm> {
    runs.sort_by_key(|(series, run)| (run.started, *series));
    Some(SecurityAlarm {
        flow: flow.clone(),
        kind,
        class: class.to_owned(),
        count: runs.len() as u64,
        first: runs.first()?.1.started,
        last: runs.last()?.1.started,
        examples: runs.iter().take(EXAMPLES).map(|(series, run)| series.run_id(run)).collect(),
    })
}

/// `None` for a flow that neither has nor had a negative login.
pub(super) fn report(data: &Data<'_>, flow: &FlowName) -> Option<NegativeReport> {
    let kind = RunKind::WrongPassword;
    data.series(flow, kind).next()?;
    let counts =
        history::sum(data.series(flow, kind).map(|(series, outcomes)| {
            history::count(outcomes, data.expected(series), data.span(), history::by_verdict)
        }));
    let of_class = |class: BadClass| {
        let outcomes = data.series(flow, kind).flat_map(|(_, outcomes)| outcomes);
        outcomes.filter(|outcome| outcome.verdict == Verdict::Bad(class)).count() as u64
    };
    let accepted = of_class(BadClass::AcceptedWrongPassword) + of_class(BadClass::AcceptedWithoutCredentials);
    let refusal_changed = of_class(BadClass::RefusalChanged);
    Some(NegativeReport {
        flow: flow.clone(),
        due: counts.due,
        refused: counts.good,
        accepted,
        refusal_changed,
        other_bad: counts.bad - accepted - refusal_changed,
        lost: counts.lost,
        missing: counts.missing,
        failures: failures::rows(data, flow, kind),
    })
}
