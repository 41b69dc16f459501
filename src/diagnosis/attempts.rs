//! The logins of an incident, one after the other, each with how it failed. Re-probes are no logins that a user's stands
//! for, and what the prober lost says nothing.

use jiff::{SignedDuration, Timestamp};

use crate::history::{History, Ledger, Outcome, Series};
use crate::incident::Incident;
use crate::model::{BadClass, FlowName, Micros, Phase, RunKind, Verdict};

use super::signatures::Signature;

/// One login with a verdict.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) flow: FlowName,
    pub(super) slot: Timestamp,
    /// `None` for a good one.
    pub(super) signature: Option<Signature>,
    /// What was waited; at least, for one that was cut off.
    pub(super) took: Micros,
    /// It was cut off before a connection came about.
    pub(super) while_connecting: bool,
}

/// The scheduled logins of the incident's flows from its first failing probe to its last, by slot.
pub(super) fn within(history: &History, incident: &Incident) -> Vec<Attempt> {
    between(history, incident, incident.first_failing, incident.end.earliest)
}

/// Good logins of so long before it say what was usual.
const BEFORE: SignedDuration = SignedDuration::from_hours(6);

/// The same before it began.
pub(super) fn before(history: &History, incident: &Incident) -> Vec<Attempt> {
    let end = incident.start.earliest;
    between(history, incident, end.checked_sub(BEFORE).unwrap_or(Timestamp::MIN), end)
}

/// Those that began between two instants, both included.
fn between(history: &History, incident: &Incident, from: Timestamp, to: Timestamp) -> Vec<Attempt> {
    // A login begins at its slot or somewhat later.
    let margin = SignedDuration::from_mins(10);
    let (first, end) =
        (from.checked_sub(margin).unwrap_or(from), to.checked_add(SignedDuration::from_secs(1)).unwrap_or(to));
    let mut all = Vec::new();
    for (series, ledger) in history.ledgers().filter(|(series, _)| concerns(series, incident)) {
        let inside = |outcome: &Outcome| outcome.attempt == 0 && from <= outcome.started && outcome.started <= to;
        let chosen = ledger.between(first, end).filter(inside);
        all.extend(chosen.filter_map(|outcome| attempt(&series.flow, ledger, &outcome)));
    }
    all.sort_by_key(|attempt| attempt.slot);
    all
}

fn concerns(series: &Series, incident: &Incident) -> bool {
    series.kind == RunKind::Login && incident.flows.contains(&series.flow)
}

fn attempt(flow: &FlowName, ledger: &Ledger, outcome: &Outcome) -> Option<Attempt> {
    let signature = match outcome.verdict {
        Verdict::Good => None,
        Verdict::Bad(class) => Some(Signature::of(class)),
        Verdict::Lost(_) => return None,
    };
    let elapsed = outcome.ended.as_microsecond() - outcome.started.as_microsecond();
    let took = outcome.login.unwrap_or(Micros(u64::try_from(elapsed).unwrap_or(0)));
    let (_, phase) = ledger.place(outcome);
    let while_connecting = outcome.verdict == Verdict::Bad(BadClass::Timeout)
        && matches!(phase, Some(Phase::Dns | Phase::Connect | Phase::Tls));
    Some(Attempt { flow: flow.clone(), slot: outcome.slot, signature, took, while_connecting })
}
