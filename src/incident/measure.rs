//! How large an incident was: failing shares on the whole, at the worst, minute by minute, and along each dimension.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::history::{History, Outcome, Series};
use crate::model::{FlowName, Micros, RunKind};

use super::events::{fails, instant};
use super::model::{Minute, Peak, Share, ShareSplit, Splits};

const MINUTE: i64 = 60_000_000;
/// Minutes of a peak, unless probes are rarer.
const STRETCH: usize = 5;
/// Runs without which a stretch says nothing.
const ENOUGH: u64 = 5;

/// The region of vantages without that label.
const NO_REGION: &str = "(no region)";

/// What is measured of an incident.
pub(super) struct Measures {
    pub(super) failing: Share,
    pub(super) peak: Option<Peak>,
    pub(super) minutes: Vec<Minute>,
    pub(super) splits: Splits,
}

/// One flow at one vantage within an incident, with what is slow there.
pub(super) struct Part<'a> {
    pub(super) series: &'a Series,
    pub(super) limit: Option<Micros>,
}

/// Runs and failures under a name.
type Tallies = BTreeMap<String, (u64, u64)>;

/// Counts the scheduled runs of all these parts whose slots lie between the first and the last failing one, and those of
/// each whole minute that this touches: a minute is told by all of its runs. Re-probes are no runs that a user's login
/// stands for.
pub(super) fn measure(
    history: &History,
    parts: &[Part<'_>],
    (first, last): (Timestamp, Timestamp),
    confidence: f64,
) -> Measures {
    let first_minute = first.as_microsecond().div_euclid(MINUTE);
    let count = (last.as_microsecond().div_euclid(MINUTE) - first_minute + 1).max(1) as usize;
    let mut minutes: Vec<Minute> = (0..count as i64)
        .map(|index| Minute { start: instant((first_minute + index) * MINUTE), n: 0, failing: 0 })
        .collect();
    let mut tallies = Dimensions::default();
    let (from, to) = (instant(first_minute * MINUTE), instant((first_minute + count as i64) * MINUTE));
    let (mut n, mut failed) = (0, 0);
    for part in parts {
        let Some(ledger) = history.ledger(part.series) else { continue };
        for outcome in ledger.between(from, to).filter(|outcome| outcome.attempt == 0) {
            let Some(failing) = fails(&outcome, part.limit) else { continue };
            let at = (outcome.slot.as_microsecond().div_euclid(MINUTE) - first_minute) as usize;
            minutes[at].n += 1;
            minutes[at].failing += u64::from(failing);
            if (first..=last).contains(&outcome.slot) {
                n += 1;
                failed += u64::from(failing);
                tallies.count(history, part, &outcome, failing);
            }
        }
    }
    Measures {
        failing: Share::new(n, failed, confidence),
        peak: peak(&minutes, (first, last), confidence),
        splits: tallies.splits(failed, confidence),
        minutes,
    }
}

#[derive(Default)]
struct Dimensions {
    vantages: Tallies,
    regions: Tallies,
    flows: Tallies,
    steps: Tallies,
    classes: Tallies,
}

impl Dimensions {
    fn count(&mut self, history: &History, part: &Part<'_>, outcome: &Outcome, failing: bool) {
        let vantage = &part.series.vantage;
        let region = history.label(vantage, "region").unwrap_or(NO_REGION);
        for (tallies, name) in [
            (&mut self.vantages, vantage.as_str()),
            (&mut self.regions, region),
            (&mut self.flows, part.series.flow.as_str()),
        ] {
            let (n, bad) = tallies.entry(name.to_owned()).or_default();
            *n += 1;
            *bad += u64::from(failing);
        }
        if let (true, Some(class)) = (failing, outcome.verdict.class()) {
            self.classes.entry(class.to_owned()).or_default().1 += 1;
            let place = history.ledger(part.series).map(|ledger| ledger.place(outcome));
            if let Some((Some(step), _)) = place {
                self.steps.entry(step.to_string()).or_default().1 += 1;
            }
        }
    }

    /// All dimensions, the largest failing share first. Steps and classes are shares of the failures.
    fn splits(self, failures: u64, confidence: f64) -> Splits {
        let split = |tallies: Tallies, of: Option<u64>| {
            let mut all: Vec<ShareSplit> = tallies
                .into_iter()
                .map(|(name, (n, failing))| ShareSplit {
                    name,
                    share: Share::new(of.unwrap_or(n), failing, confidence),
                })
                .collect();
            all.sort_by(|a, b| b.share.share.unwrap_or(0.0).total_cmp(&a.share.share.unwrap_or(0.0)));
            all
        };
        Splits {
            vantages: split(self.vantages, None),
            regions: split(self.regions, None),
            flows: split(self.flows, None),
            steps: split(self.steps, Some(failures)),
            classes: split(self.classes, Some(failures)),
        }
    }
}

/// The worst stretch of five whole minutes, or of as many as hold five runs on average; the first of several. It begins
/// with the first failing probe at the earliest. `None` for what is shorter than such a stretch, whose worst is the
/// whole of it, and when there are too few runs for one.
fn peak(minutes: &[Minute], (first, last): (Timestamp, Timestamp), confidence: f64) -> Option<Peak> {
    let all: u64 = minutes.iter().map(|minute| minute.n).sum();
    if all < ENOUGH {
        return None;
    }
    let enough = (ENOUGH as f64 * minutes.len() as f64 / all as f64).ceil() as usize;
    let length = enough.max(STRETCH);
    let micros = length as i64 * MINUTE;
    if last.as_microsecond() - first.as_microsecond() < micros {
        return None;
    }
    let begun = minutes.partition_point(|minute| minute.start < first);
    let mut best: Option<Peak> = None;
    for stretch in minutes[begun..].windows(length) {
        let (n, failing) = stretch.iter().fold((0, 0), |(n, failing), m| (n + m.n, failing + m.failing));
        let split = Share::new(n, failing, confidence);
        let share_of = |peak: &Peak| peak.split.share.unwrap_or(0.0);
        if n >= ENOUGH && best.as_ref().is_none_or(|known| split.share.unwrap_or(0.0) > share_of(known)) {
            best = Some(Peak { start: stretch[0].start, length: Micros(micros.unsigned_abs()), split });
        }
    }
    best
}

/// The runs of a series: of normal logins of this flow from this vantage.
pub(super) fn series(history: &History, flow: &FlowName) -> Vec<Series> {
    let all = history.ledgers().map(|(series, _)| series);
    all.filter(|series| series.flow == *flow && series.kind == RunKind::Login).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(counts: &[(u64, u64)]) -> Vec<Minute> {
        let each = counts.iter().enumerate();
        each.map(|(index, &(n, failing))| Minute { start: instant(index as i64 * MINUTE), n, failing }).collect()
    }

    #[test]
    fn the_peak_is_the_worst_stretch_with_enough_runs() {
        let mut counts = vec![(3, 1); 20];
        for at in [8, 9, 10, 11, 12] {
            counts[at] = (3, 3);
        }
        let peak = peak(&minutes(&counts), (instant(0), instant(20 * MINUTE - 1)), 0.95).unwrap();
        assert_eq!((peak.start.as_second() / 60, peak.length.0, peak.split.n), (8, 300_000_000, 15));
        assert_eq!(peak.split.share, Some(1.0));
    }

    #[test]
    fn rare_probes_need_a_longer_stretch_and_too_few_have_no_peak() {
        // One probe in five minutes.
        let counts: Vec<(u64, u64)> =
            (0..60).map(|index| (u64::from(index % 5 == 0), u64::from(index == 25))).collect();
        let rare = peak(&minutes(&counts), (instant(0), instant(60 * MINUTE - 1)), 0.95).unwrap();
        assert_eq!((rare.length.0 / 60_000_000, rare.split.n, rare.split.failing), (25, 5, 1));
        assert_eq!(peak(&minutes(&[(1, 1), (1, 1)]), (instant(0), instant(2 * MINUTE - 1)), 0.95), None);
    }

    #[test]
    fn a_peak_lies_in_the_incident_and_what_is_shorter_has_none() {
        // From 40 s past the first minute: that minute's other runs were good.
        let counts = [(60, 20), (60, 60), (60, 60), (60, 60), (60, 60), (60, 60), (60, 10)];
        let first = instant(40_000_000);
        let long = peak(&minutes(&counts), (first, instant(6 * MINUTE + 9_000_000)), 0.95).unwrap();
        assert_eq!((long.start, long.split.n, long.split.share), (instant(MINUTE), 300, Some(1.0)));
        assert_eq!(
            peak(&minutes(&counts[..5]), (first, instant(5 * MINUTE - 1)), 0.95),
            None,
            "shorter than five minutes"
        );
        assert_eq!(peak(&minutes(&[(60, 33), (60, 0)]), (first, instant(73_000_000)), 0.95), None);
    }
}
