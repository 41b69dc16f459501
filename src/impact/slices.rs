//! Time in slices, and what the probes of each series said in them: where no probe looked, nothing is known, which is
//! neither good nor bad.

use jiff::{SignedDuration, Timestamp};

use crate::history::{self, Kind, Outcome, Series, Span};
use crate::incident::{Incident, Symptom};
use crate::model::{Exclusion, ExclusionMode, LostRuns, mode_at};
use crate::slo::Tally;

use super::estimate::Question;
use super::stretch::{Between, Stretch};
use super::surroundings::Logins;

/// Demand is stated by the hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// The slices of some stretches. No two pieces of them overlap.
#[derive(Debug)]
pub(super) struct Grid {
    /// By stretch.
    pub(super) slices: Vec<Vec<Between>>,
    /// By time: from, to, stretch, slice.
    pieces: Vec<(Timestamp, Timestamp, usize, usize)>,
}

impl Grid {
    /// Hours, each long enough for a probe to be due in it: a slice without one was not looked at.
    pub(super) fn new(question: &Question<'_>, stretches: &[Stretch], logins: &Logins) -> Self {
        // A slot lies anywhere within its interval, so that two intervals hold one for sure.
        let interval = |series: &Series| question.history.interval(&series.flow);
        let longest = logins.keys().filter_map(interval).max().unwrap_or_default();
        let least = i64::try_from(longest.as_micros().saturating_mul(2)).unwrap_or(i64::MAX);
        let slices: Vec<Vec<Between>> = stretches.iter().map(|stretch| stretch.slices(HOUR, least)).collect();
        let mut pieces = Vec::new();
        for (stretch, cut) in slices.iter().enumerate() {
            for (slice, within) in cut.iter().enumerate() {
                let runs = stretches[stretch].runs_within(&[*within]);
                pieces.extend(runs.into_iter().map(|(from, to)| (from, to, stretch, slice)));
            }
        }
        pieces.sort_unstable();
        Self { slices, pieces }
    }

    /// The stretch and the slice in which an instant lies. `last` is the piece in which the one before lay: instants
    /// mostly come in order, and there are millions.
    fn place(&self, at: Timestamp, last: &mut usize) -> Option<(usize, usize)> {
        let holds = |(from, to, ..): &(Timestamp, Timestamp, usize, usize)| *from <= at && at < *to;
        if !self.pieces.get(*last).is_some_and(holds) {
            *last = self.pieces.partition_point(|(from, ..)| *from <= at).checked_sub(1)?;
        }
        let (.., stretch, slice) = self.pieces.get(*last).filter(|piece| holds(piece))?;
        Some((*stretch, *slice))
    }

    fn ends(&self) -> Option<Between> {
        Some((self.pieces.first()?.0, self.pieces.iter().map(|(_, to, ..)| *to).max()?))
    }
}

/// Slots of one series in one slice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) good: u64,
    pub(super) bad: u64,
    pub(super) lost: u64,
    pub(super) missing: u64,
}

impl Seen {
    /// Good and bad, as the policy treats what was lost or is missing.
    pub(super) fn tally(self, lost_runs: LostRuns) -> Tally {
        let lost = match lost_runs {
            LostRuns::Excluded => 0,
            LostRuns::Bad => self.lost + self.missing,
        };
        Tally { good: self.good, bad: self.bad + lost }
    }
}

impl std::iter::Sum for Seen {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            good: sum.good + one.good,
            bad: sum.bad + one.bad,
            lost: sum.lost + one.lost,
            missing: sum.missing + one.missing,
        })
    }
}

/// One slice for one part of the users.
#[derive(Debug, Clone)]
pub(super) struct PartSlice {
    /// From and to.
    pub(super) span: Between,
    /// What of the stretch's runs lies in it and counts.
    pub(super) counted: Vec<Between>,
    /// What the runs for the part said in it.
    pub(super) seen: Seen,
}

/// What one series said, by stretch and slice.
#[derive(Debug)]
pub(super) struct SeriesSeen<'a> {
    pub(super) series: &'a Series,
    pub(super) seen: Vec<Vec<Seen>>,
}

/// How an outcome counts: by its verdict, or, in an incident of slow logins, by the threshold that the incident was found
/// with. `None` when it says nothing of it.
fn kind_of(incident: Option<&Incident>, series: &Series, outcome: &Outcome) -> Option<Kind> {
    let Some(slow) = incident.filter(|incident| incident.symptom == Symptom::Slow) else {
        return Some(history::by_verdict(outcome));
    };
    let limit = slow.slow_limit(&series.flow, &series.vantage)?;
    match history::by_verdict(outcome) {
        Kind::Good => outcome.login.map(|login| if login > limit { Kind::Bad } else { Kind::Good }),
        Kind::Bad | Kind::Lost => None,
    }
}

/// Counts the outcomes of all series, and, when asked to, the slots without any. `exclusions` count as they say.
pub(super) fn seen<'a>(
    question: &Question<'_>,
    incident: Option<&Incident>,
    grid: &Grid,
    logins: &'a Logins,
    exclusions: &[&Exclusion],
    with_missing: bool,
) -> Vec<SeriesSeen<'a>> {
    let empty: Vec<Vec<Seen>> = grid.slices.iter().map(|slices| vec![Seen::default(); slices.len()]).collect();
    let slow = incident.is_some_and(|incident| incident.symptom == Symptom::Slow);
    let count = |(series, outcomes): (&'a Series, &'a Vec<Outcome>)| {
        let mut seen = empty.clone();
        let mode = |slot| mode_at(exclusions.iter().copied(), &series.flow, &series.vantage, slot);
        let mut last = 0;
        for outcome in outcomes {
            let Some((stretch, slice)) = grid.place(outcome.started, &mut last) else { continue };
            let kind = match mode(outcome.slot) {
                Some(ExclusionMode::DropTime | ExclusionMode::DropEvents) => None,
                Some(ExclusionMode::CountAsGood) => Some(Kind::Good),
                None => kind_of(incident, series, outcome),
            };
            let here = &mut seen[stretch][slice];
            match kind {
                Some(Kind::Good) => here.good += 1,
                Some(Kind::Bad) => here.bad += 1,
                Some(Kind::Lost) => here.lost += 1,
                None => {}
            }
        }
        let expected = question.history.expected(series).filter(|_| with_missing && !slow);
        if let (Some(expected), Some((start, end))) = (expected, grid.ends()) {
            let end = end.min(question.until).max(start);
            // A run begins after its slot: what is due at the very end may begin outside.
            let span = Span { start, end, until: end };
            for slot in history::without_outcome(outcomes, expected, span) {
                let dropped = matches!(mode(slot), Some(ExclusionMode::DropTime | ExclusionMode::DropEvents));
                if let (Some((stretch, slice)), false) = (grid.place(slot, &mut last), dropped) {
                    seen[stretch][slice].missing += 1;
                }
            }
        }
        SeriesSeen { series, seen }
    };
    logins.iter().map(count).collect()
}

/// Spans of dropped time that hold for every one of these series: nobody's demand counts there.
pub(super) fn dropped(exclusions: &[&Exclusion], series: &[&Series]) -> Vec<Between> {
    let drops = exclusions.iter().filter(|exclusion| exclusion.mode == ExclusionMode::DropTime);
    let holds = |exclusion: &&&Exclusion| {
        let everybody = exclusion.flows.is_empty() && exclusion.vantages.is_empty();
        // Users whom nobody probes for are touched by what touches everybody.
        let covers = |one: &&Series| exclusion.covers(&one.flow, &one.vantage, exclusion.from);
        everybody || (!series.is_empty() && series.iter().all(covers))
    };
    let mut spans: Vec<Between> = drops.filter(holds).map(|exclusion| (exclusion.from, exclusion.to)).collect();
    spans.sort_unstable();
    spans
}

/// A run begins at most so long after its slot: a second for our own workers, longer where an import placed it.
pub(super) const MOST_LATE: SignedDuration = SignedDuration::from_hours(1);
