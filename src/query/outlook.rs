//! What may become of the budgets of a running period (F5's outlook), from its days so far and those of the weeks before.

use jiff::{SignedDuration, Timestamp};

use super::Past;
use crate::model::Revision;
use crate::report::ReportModel;
use crate::report::model::{FanPoint, ObjectiveReport, Outlook};
use crate::slo::{OutlookQuestion, Tally, fan_coverage, outlook, outlook_seed};

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
    // The budget is that of all planned slots, and what is not seen spends none of it: so the fan goes on from where the
    // burn-down ends, on the same scale.
    let bad = objective.budget?.spent_events;
    let so_far = Tally { good: (counts.planned? - coming).saturating_sub(bad), bad };
    let ends = day_ends(until, period.end);
    let question = OutlookQuestion {
        past: days,
        coming: &spread(coming, until, &ends),
        so_far,
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
            "{} past days drawn again in runs of about {TOGETHER:.0}; what never happened in them is not foreseen, and from \
             so many the fan held the end of about {:.0} % of simulated weeks",
            outlook.days,
            fan_coverage(outlook.days) * 100.0
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
    fn the_fan_goes_on_from_where_the_budget_stands_however_much_was_not_seen() {
        use crate::model::{FlowName, ObjectiveName};
        use crate::report::model::{Budget, Counts, Standing};
        use crate::slo::{Attainment, Period};

        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let period = Period::between(at("2026-11-16T00:00:00Z"), at("2026-11-23T00:00:00Z"), &jiff::tz::TimeZone::UTC);
        let until = at("2026-11-19T12:00:00Z");
        // 7,000 slots, half of them due, of which only 1,000 were seen; 35 failed of the 70 that may.
        let counts = Counts {
            due: Some(3_500),
            planned: Some(7_000),
            good: 965,
            bad: 35,
            lost: 0,
            missing: 2_500,
            coverage: Some(1_000.0 / 3_500.0),
        };
        let objective = ObjectiveReport {
            name: ObjectiveName::new("login").unwrap(),
            description: String::new(),
            flow: FlowName::new("shop").unwrap(),
            target: 0.99,
            threshold: None,
            period: period.unwrap(),
            until: Some(until),
            counts,
            over_threshold: None,
            availability: Some(0.965),
            failing: Some(0.035),
            interval: None,
            if_lost: None,
            budget: Some(Budget {
                allowed_events: 70.0,
                spent_events: 35,
                left_events: 35.0,
                allowed_minutes: 100.8,
                spent_minutes: 50.4,
                left_minutes: 50.4,
                spent_share: 0.5,
            }),
            burn_rate: Some(3.5),
            verdict: Attainment::NotKnown,
            probability_met: Some(0.0),
            verdict_note: None,
            users: None,
            burn_down: None,
            adjusted: None,
            standing: Standing::default(),
        };
        // Days without a failure to come: the fan stays where the budget stands.
        let quiet = [Tally { good: 1_000, bad: 0 }; 8];
        let found = of(&objective, until, &quiet, &Revision::of(b"data")).unwrap();
        for point in &found.fan {
            assert!((point.middle - 0.5).abs() < 1e-9, "{point:?}");
        }
        assert_eq!((found.fan[0].at, found.inside), (until, 1.0), "it begins now, and half of the budget is left");
    }

    #[test]
    fn the_days_to_come_share_the_slots_by_their_length() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, end) = (at("2026-11-20T12:00:00Z"), at("2026-11-23T00:00:00Z"));
        let ends = day_ends(from, end);
        assert_eq!(ends, [at("2026-11-21T12:00:00Z"), at("2026-11-22T12:00:00Z"), end]);
        assert_eq!(spread(600, from, &ends), [240, 240, 120]);
    }
}
