//! The verdict on a promise. It needs evidence: enough runs, and enough of those that were due. While a period still
//! runs nothing is met, and missed only what would be even if all that is still to come were good.

use crate::history::Counts;
use crate::model::{LostRuns, Policy};
use crate::report::format;
use crate::slo::{Attainment, Tally, attainment, probability_met};

/// Runs from which a verdict is drawn at least: below, one failure would be several percent.
pub(super) const LEAST_RUNS: u64 = 30;

/// What a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    /// Slots by verdict.
    pub(super) counts: &'a Counts,
    /// Good and bad events, lost and missing ones as the policy says.
    pub(super) tally: Tally,
    /// The promised share.
    pub(super) target: f64,
    /// The rules.
    pub(super) policy: &'a Policy,
    /// Slots of the period are still to come.
    pub(super) running: bool,
}

/// The verdict, and why it is not, or not only, what P(met) says.
pub(super) fn of(evidence: &Evidence<'_>) -> (Attainment, Option<String>) {
    let Evidence { tally, target, .. } = *evidence;
    let said = attainment(probability_met(tally.total(), tally.bad, target));
    if said == Attainment::NoData {
        return (said, None);
    }
    if tally.total() < LEAST_RUNS {
        let runs = format::counted(tally.total(), "run has", "runs have");
        return (
            Attainment::NotKnown,
            Some(format!("only {runs} a verdict, and {LEAST_RUNS} are the least to judge by")),
        );
    }
    let planned = evidence.counts.planned.unwrap_or(0).max(tally.total());
    if evidence.running && attainment(probability_met(planned, tally.bad, target)) == Attainment::Missed {
        let note = "it will be missed even if all that is still to come is good";
        return (Attainment::Missed, Some(note.to_owned()));
    }
    let (verdict, note) = covered(evidence, said);
    match verdict {
        Attainment::Met if evidence.running => (Attainment::OnCourse, note),
        Attainment::Missed if evidence.running => (Attainment::OffCourse, note),
        _ => (verdict, note),
    }
}

/// What was not measured cannot be claimed: too little coverage leaves nothing known, but for a miss that stands even if
/// all that was not seen had been good.
fn covered(evidence: &Evidence<'_>, said: Attainment) -> (Attainment, Option<String>) {
    let Evidence { counts, tally, target, policy, .. } = *evidence;
    let Some(coverage) = counts.coverage else {
        let note = "no schedule was declared, so that coverage is unknown".to_owned();
        return (Attainment::NotKnown, Some(note));
    };
    if coverage >= policy.least_coverage {
        return (said, None);
    }
    if said == Attainment::Missed && policy.lost_runs == LostRuns::Bad {
        return (said, Some("the policy counts lost and missing runs as bad".to_owned()));
    }
    let had = format::coverage(Some(coverage));
    let at_best = probability_met(tally.total() + counts.lost + counts.missing, tally.bad, target);
    if attainment(at_best) == Attainment::Missed {
        let note = format!("coverage is only {had}, but it would be missed even if every slot not seen had been good");
        return (Attainment::Missed, Some(note));
    }
    let asked = format::target(policy.least_coverage);
    let note = format!("coverage is {had}, and the policy asks for {asked} before it calls anything met or missed");
    (Attainment::NotKnown, Some(note))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(good: u64, bad: u64, due: u64) -> Counts {
        Counts {
            due: Some(due),
            planned: Some(10 * due),
            good,
            bad,
            lost: 0,
            missing: due - good - bad,
            coverage: Some((good + bad) as f64 / due as f64),
        }
    }

    fn verdict(counts: &Counts, running: bool) -> (Attainment, String) {
        let policy = Policy::default();
        let tally = Tally { good: counts.good, bad: counts.bad };
        let (verdict, note) = of(&Evidence { counts, tally, target: 0.99, policy: &policy, running });
        (verdict, note.unwrap_or_default())
    }

    #[test]
    fn one_run_proves_nothing_whichever_way_it_ended() {
        for counts in [counts(1, 0, 1), counts(0, 1, 1), counts(0, 29, 29)] {
            let (verdict, note) = verdict(&counts, false);
            assert_eq!(verdict, Attainment::NotKnown, "{counts:?}");
            assert!(note.contains("30 are the least"), "{note}");
        }
        assert!(verdict(&counts(1, 0, 1), false).1.starts_with("only 1 run has a verdict"));
    }

    #[test]
    fn a_miss_needs_coverage_or_to_stand_without_it() {
        // 5 of 50 failed, of 1,000 due: had the other 950 been good, 0.5 % failed of the 1 % allowed.
        let (verdict_of_few, note) = verdict(&counts(45, 5, 1_000), false);
        assert_eq!(verdict_of_few, Attainment::NotKnown);
        assert!(note.starts_with("coverage is 5 %, and the policy asks for 90 %"), "{note}");
        // 50 of 100 failed: 5 % of all that was due.
        let (sure, note) = verdict(&counts(50, 50, 1_000), false);
        assert_eq!(sure, Attainment::Missed);
        assert!(note.contains("even if every slot not seen had been good"), "{note}");
    }

    #[test]
    fn a_running_period_is_on_or_off_course_and_missed_only_once_nothing_can_mend_it() {
        // A tenth of the period is over.
        assert_eq!(verdict(&counts(1_000, 0, 1_000), true).0, Attainment::OnCourse);
        assert_eq!(verdict(&counts(950, 50, 1_000), true).0, Attainment::OffCourse);
        assert_eq!(verdict(&counts(990, 10, 1_000), true).0, Attainment::Undecided);
        // 101 of the 100 that may fail are no proof yet, as they would be none at the end.
        assert_eq!(verdict(&counts(899, 101, 1_000), true).0, Attainment::OffCourse);
        let (gone, note) = verdict(&counts(850, 150, 1_000), true);
        assert_eq!(gone, Attainment::Missed);
        assert!(note.contains("even if all that is still to come is good"), "{note}");
    }
}
