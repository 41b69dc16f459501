//! Slots into counts when some of them count otherwise than measured (slo.md F20). The measured counts stay beside these.

use jiff::Timestamp;

use crate::model::ExclusionMode;

use super::counting::{Counts, Kind, Span, with_coverage, without_outcome};
use super::expected::Expected;
use super::ledger::Outcome;

/// Counts the slots of one series in a span, each as `mode_of` says.
///
/// Dropped time is gone: its slots are neither due nor planned. Of dropped events the runs are gone: they are no longer
/// due, so that they lower no coverage, but they stay planned, so that the budget of the period stays. What counts as
/// good are recorded runs, lost ones included; a slot without any run stays missing.
pub fn count_adjusted(
    outcomes: &[Outcome],
    expected: Option<&Expected>,
    span: Span,
    kind_of: impl Fn(&Outcome) -> Kind,
    mode_of: impl Fn(Timestamp) -> Option<ExclusionMode>,
) -> Counts {
    let mut counts = Counts::default();
    let mut dropped = 0;
    for outcome in outcomes.iter().filter(|outcome| span.contains(outcome.slot)) {
        let kind = match mode_of(outcome.slot) {
            Some(ExclusionMode::DropTime) => continue,
            Some(ExclusionMode::DropEvents) => {
                dropped += 1;
                continue;
            }
            Some(ExclusionMode::CountAsGood) => Kind::Good,
            None => kind_of(outcome),
        };
        match kind {
            Kind::Good => counts.good += 1,
            Kind::Bad => counts.bad += 1,
            Kind::Lost => counts.lost += 1,
        }
    }
    if let Some(expected) = expected {
        let mut to_come = 0;
        for slot in without_outcome(outcomes, expected, span) {
            match mode_of(slot) {
                Some(ExclusionMode::DropTime) => {}
                Some(ExclusionMode::DropEvents) => dropped += 1,
                _ if slot < span.until => counts.missing += 1,
                _ => to_come += 1,
            }
        }
        let due = counts.good + counts.bad + counts.lost + counts.missing;
        counts.due = Some(due);
        counts.planned = Some(due + to_come + dropped);
    }
    with_coverage(counts)
}
