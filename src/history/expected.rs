//! Slots due, from what workers declared: coverage follows from the store alone.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{FlowName, RunKind, Schedule, ScheduleDeclaration, VantageName};
use crate::slo::Period;

use super::Series;

/// The schedules of one series over the period.
#[derive(Debug, Default)]
pub struct Expected {
    spans: Vec<DeclaredSpan>,
    /// All due slots in microseconds, worked out when first asked for: every table walks them again.
    slots: OnceLock<Vec<i64>>,
}

#[derive(Debug)]
struct DeclaredSpan {
    vantage: VantageName,
    schedule: Schedule,
    from: Timestamp,
    to: Timestamp,
}

impl Expected {
    /// The due slots between two instants, in order.
    pub fn slots(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let all = self.all();
        let first = all.partition_point(|&slot| slot < from.as_microsecond());
        let due = all[first..].iter().take_while(move |&&slot| slot < to.as_microsecond());
        due.filter_map(|&slot| Timestamp::from_microsecond(slot).ok())
    }

    /// How many slots are due between two instants. Takes the same time for any span.
    #[must_use]
    pub fn count(&self, from: Timestamp, to: Timestamp) -> u64 {
        let of_span = |span: &DeclaredSpan| span.schedule.count(&span.vantage, from.max(span.from), to.min(span.to));
        self.spans.iter().map(of_span).sum()
    }

    fn all(&self) -> &[i64] {
        self.slots.get_or_init(|| {
            let of_span = |span: &DeclaredSpan| {
                span.schedule
                    .slots(&span.vantage, span.from, span.to)
                    .map(Timestamp::as_microsecond)
                    .collect::<Vec<_>>()
            };
            self.spans.iter().flat_map(of_span).collect()
        })
    }
}

/// The interval of each flow's normal logins, as last declared.
pub(super) fn intervals(expected: &BTreeMap<Series, Expected>) -> BTreeMap<FlowName, Duration> {
    let mut last: BTreeMap<FlowName, (Timestamp, Duration)> = BTreeMap::new();
    for (series, expected) in expected.iter().filter(|(series, _)| series.kind == RunKind::Login) {
        for span in &expected.spans {
            let said = (span.from, span.schedule.interval);
            let known = last.entry(series.flow.clone()).or_insert(said);
            *known = said.max(*known);
        }
    }
    last.into_iter().map(|(flow, (_, interval))| (flow, interval)).collect()
}

/// The interval of a flow's normal logins that was declared last between two instants: of declarations that hold as long,
/// the longest interval. What was declared outside of them changes nothing.
pub(super) fn interval_between(
    expected: &BTreeMap<Series, Expected>,
    flow: &FlowName,
    (from, to): (Timestamp, Timestamp),
) -> Option<Duration> {
    let logins = expected.iter().filter(|(series, _)| series.kind == RunKind::Login && series.flow == *flow);
    let spans = logins.flat_map(|(_, expected)| &expected.spans).filter(|span| span.from < to && from < span.to);
    spans.map(|span| (span.to.min(to), span.schedule.interval)).max().map(|(_, interval)| interval)
}

/// A declaration holds until the next one of the same vantage. A vantage that vanished without a word stays due: that
/// is how its silence becomes visible.
pub(super) fn from_declarations(declarations: &[ScheduleDeclaration], period: &Period) -> BTreeMap<Series, Expected> {
    let mut expected: BTreeMap<Series, Expected> = BTreeMap::new();
    for (declaration, from, to) in held_spans(declarations, period.start, period.end) {
        for flow in &declaration.flows {
            let (schedule, vantage) = (flow.schedule.clone(), declaration.vantage.clone());
            let series = Series { flow: schedule.flow.clone(), kind: schedule.kind, vantage: vantage.clone() };
            expected.entry(series).or_default().spans.push(DeclaredSpan { vantage, schedule, from, to });
        }
    }
    expected
}

/// The declarations that hold within `from..to`, each with the span that it holds.
pub(super) fn held_spans(
    declarations: &[ScheduleDeclaration],
    from: Timestamp,
    to: Timestamp,
) -> Vec<(&ScheduleDeclaration, Timestamp, Timestamp)> {
    let mut by_vantage: BTreeMap<&VantageName, Vec<&ScheduleDeclaration>> = BTreeMap::new();
    for declaration in declarations {
        by_vantage.entry(&declaration.vantage).or_default().push(declaration);
    }
    let mut spans = Vec::new();
    for mut said in by_vantage.into_values() {
        said.sort_by_key(|declaration| declaration.from);
        for (index, declaration) in said.iter().enumerate() {
            let (begins, ends) = (declaration.from.max(from), said.get(index + 1).map_or(to, |next| next.from.min(to)));
            if begins < ends {
                spans.push((*declaration, begins, ends));
            }
        }
    }
    spans
}

/// The labels of each vantage, as last declared before the period's end.
pub(super) fn labels(
    declarations: &[ScheduleDeclaration],
    period: &Period,
) -> BTreeMap<VantageName, BTreeMap<String, String>> {
    let mut said: Vec<_> = declarations.iter().filter(|declaration| declaration.from < period.end).collect();
    said.sort_by_key(|declaration| declaration.from);
    said.into_iter().map(|declaration| (declaration.vantage.clone(), declaration.labels.clone())).collect()
}
