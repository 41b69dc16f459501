//! The probes of one flow as a detector meets them: one after the other, in the order in which they ended.

use jiff::Timestamp;

use crate::history::{History, Ledger, Outcome};
use crate::model::{FlowName, Micros, RunKind, VantageName, Verdict};

use super::block::Block;
use super::model::Symptom;
use super::rules::Rules;

/// One probe with a verdict. What the prober lost is no event: it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// The slot, in microseconds since the epoch, as all instants here.
    pub(super) slot: i64,
    pub(super) ended: i64,
    /// How long it took.
    pub(super) lasted: u32,
    /// An index into the lane's vantages.
    pub(super) vantage: u16,
    pub(super) failing: bool,
    /// The scheduled attempt, not a re-probe.
    pub(super) scheduled: bool,
}

impl Event {
    pub(super) fn started(&self) -> i64 {
        self.ended - i64::from(self.lasted)
    }
}

/// All probes of one flow, for one symptom.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) flow: FlowName,
    pub(super) symptom: Symptom,
    /// The vantages that gave a verdict.
    pub(super) vantages: Vec<VantageName>,
    /// What is slow, by vantage; empty for failing logins.
    pub(super) limits: Vec<Micros>,
    /// In the order in which they ended.
    pub(super) events: Vec<Event>,
}

impl Lane {
    /// The probes of a week with its run-up, and those after it until an instant. What is slow, and which vantages
    /// there are, is told by the week alone.
    pub(super) fn read(
        history: &History,
        (flow, symptom): (&FlowName, Symptom),
        rules: &Rules,
        block: Block,
        until: Timestamp,
    ) -> Self {
        let mut lane =
            Self { flow: flow.clone(), symptom, vantages: Vec::new(), limits: Vec::new(), events: Vec::new() };
        let from = block.read_from();
        let of_week = |ledger: &Ledger| ledger.between(from, block.end).next().is_some();
        let series = history.ledgers().filter(|(series, _)| series.flow == *flow && series.kind == RunKind::Login);
        let series: Vec<_> = series.filter(|(_, ledger)| of_week(ledger)).collect();
        // Millions: growing by doubling would hold them twice.
        lane.events.reserve_exact(series.iter().map(|(_, ledger)| ledger.len_between(from, until)).sum());
        for (series, ledger) in series {
            let limit = match symptom {
                Symptom::Failing => None,
                Symptom::Slow => {
                    let week = || ledger.between(from, block.end);
                    let limit = rules.slow_threshold(flow).or_else(|| usual_limit(week()));
                    let Some(limit) = limit else { continue };
                    Some(limit)
                }
            };
            let (vantage, before) = (lane.vantages.len() as u16, lane.events.len());
            let event = |outcome: &Outcome| {
                let failing = fails(outcome, limit)?;
                let (started, ended) = (outcome.started.as_microsecond(), outcome.ended.as_microsecond());
                Some(Event {
                    slot: outcome.slot.as_microsecond(),
                    ended,
                    lasted: u32::try_from(ended - started).unwrap_or(u32::MAX),
                    vantage,
                    failing,
                    scheduled: outcome.attempt == 0,
                })
            };
            lane.events.extend(ledger.between(from, until).filter_map(|outcome| event(&outcome)));
            if lane.events.len() > before {
                lane.vantages.push(series.vantage.clone());
                lane.limits.extend(limit);
            }
        }
        // Each vantage's runs are nearly in order already, which this sort is quick to see.
        lane.events.sort_by_key(|event| event.ended);
        lane
    }

    /// The flow's probes at one vantage, with their places in the lane, without those of some stretches of the lane.
    pub(super) fn at_vantage(&self, vantage: u16, without: &[(usize, usize)]) -> Vec<usize> {
        let mut skipped = without.iter().peekable();
        let mut chosen = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            while skipped.next_if(|(_, last)| *last < index).is_some() {}
            let inside = skipped.peek().is_some_and(|(first, _)| *first <= index);
            if event.vantage == vantage && !inside {
                chosen.push(index);
            }
        }
        chosen
    }
}

/// Whether a run shows the symptom: it is bad, or, with a limit, good but slower than that. `None` when it says nothing
/// about it.
pub(super) fn fails(outcome: &Outcome, limit: Option<Micros>) -> Option<bool> {
    match (outcome.verdict, limit) {
        (Verdict::Lost(_), _) | (Verdict::Bad(_), Some(_)) => None,
        (Verdict::Bad(_), None) => Some(true),
        (Verdict::Good, None) => Some(false),
        (Verdict::Good, Some(limit)) => outcome.login.map(|login| login > limit),
    }
}

/// Good logins that are looked at for a median: evenly spread ones of more.
const SAMPLE: usize = 20_000;

/// Twice the median of good logins and at least a quarter of a second longer, rounded to two digits so that a run more
/// or less changes nothing. `None` without a good login.
fn usual_limit(outcomes: impl Iterator<Item = Outcome>) -> Option<Micros> {
    let good = |outcome: Outcome| outcome.login.filter(|_| outcome.verdict == Verdict::Good);
    let mut times: Vec<u64> = outcomes.filter_map(good).map(|login| login.0).collect();
    let stride = times.len().div_ceil(SAMPLE).max(1);
    times = times.into_iter().step_by(stride).collect();
    let middle = times.len() / 2;
    let median = (!times.is_empty()).then(|| *times.select_nth_unstable(middle).1)?;
    let limit = (2 * median).max(median + 250_000);
    let unit = 10_u64.pow(limit.max(10).ilog10() - 1);
    Some(Micros(limit.div_ceil(unit) * unit))
}

/// An instant from its microseconds; those of events come from instants.
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
