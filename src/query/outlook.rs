//! What may become of the budgets of a running period (F5's outlook), from its days so far and those of the weeks before.

use jiff::{SignedDuration, Timestamp};

use super::Past;
use crate::model::Revision;
use crate::report::ReportModel;
use crate::report::model::{FanPoint, ObjectiveReport, Outlook};
use crate::slo::{OutlookQuestion, Tally, outlook, outlook_seed};

/// Past days that are drawn together on average: an outage over midnight stays in one piece.
const TOGETHER: f64 = 2.0;

/// Adds an outlook to each objective whose period still runs, where enough days are known.
pub(super) fn add(model: &mut ReportModel, past: &Past, revision: &Revision) {
    let Some(until) = model.head.until else { return };
    for objective in &mut model.objectives {
        let days = past.days.get(&objective.name).map_or(&[][..], Vec::as_slice);
        objective.standing.outlook = of(objective, until, days, revision);
    }
}

fn of(objective: &ObjectiveReport, until: Timestamp, days: &[Tally], revision: &Revision) -> Option<Outlook> {
    let (period, counts) = (&objective.period, &objective.counts);
    if until <= period.start || until >= period.end {
        return None;
    }
    // A schedule that was withdrawn has nothing to come.
    let coming = counts.planned?.checked_sub(counts.due?).filter(|&coming| coming > 0)?;
    let ends = day_ends(until, period.end);
    let question = OutlookQuestion {
        past: days,
        coming: &spread(coming, until, &ends),
        so_far: Tally { good: counts.good, bad: counts.bad },
        target: objective.target,
        together: TOGETHER,
        seed: outlook_seed(revision),
    };
    let outlook = outlook(&question)?;
    let now = objective.budget?.spent_share;
    let begin = FanPoint { at: until, low: now, middle: now, high: now };
    let point = |(spent, &at): (&crate::slo::SpentFan, &Timestamp)| FanPoint {
        at,
        low: spent.most.low,
        middle: spent.median,
        high: spent.most.high,
    };
    Some(Outlook {
        inside: outlook.inside,
        fan: std::iter::once(begin).chain(outlook.spent.iter().zip(&ends).map(point)).collect(),
        basis: format!(
            "{} past days drawn again in runs of about {TOGETHER:.0}; what never happened in them is not foreseen",
            outlook.days
        ),
    })
}

/// The ends of the coming days, the last one the period's.
fn day_ends(from: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let mut ends = Vec::new();
    let mut at = from;
    while let Ok(next) = at.checked_add(SignedDuration::from_hours(24)) {
        if next >= end {
            break;
        }
        ends.push(next);
        at = next;
    }
    ends.push(end);
    ends
}

/// Slots to come, spread over days by their length.
fn spread(coming: u64, from: Timestamp, ends: &[Timestamp]) -> Vec<u64> {
    let last = ends.last().map_or(from, |end| *end);
    let whole = last.duration_since(from).as_secs_f64();
    let by = |end: &Timestamp| (coming as f64 * end.duration_since(from).as_secs_f64() / whole).round() as u64;
    let reached: Vec<u64> = ends.iter().map(by).collect();
    let before = std::iter::once(0).chain(reached.iter().copied());
    reached.iter().zip(before).map(|(now, before)| now - before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_to_come_share_the_slots_by_their_length() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, end) = (at("2026-11-20T12:00:00Z"), at("2026-11-23T00:00:00Z"));
        let ends = day_ends(from, end);
        assert_eq!(ends, [at("2026-11-21T12:00:00Z"), at("2026-11-22T12:00:00Z"), end]);
        assert_eq!(spread(600, from, &ends), [240, 240, 120]);
    }
}
