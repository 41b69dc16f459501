//! Which slot an observation gets. One that the store has already keeps the slot that it has there: it is recognised by
//! when it began, so that the same run never gets two identities, whatever other runs it is imported with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::f64::consts::TAU;
use std::time::Duration;

use jiff::Timestamp;

use super::Observation;
use crate::model::{Run, Schedule, VantageName};

/// Intervals that people choose, in seconds: an estimate close to one of them is meant to be it.
const USUAL: [u64; 15] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600];
/// How close.
const NEAR: f64 = 0.02;
/// Phases that are spread more than this (length of their mean direction) have no common one.
const TOGETHER: f64 = 0.5;

/// Where an observation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: Timestamp,
    pub(super) attempt: u16,
    /// The store has it there.
    pub(super) known: bool,
    /// The store has it there, with another verdict.
    pub(super) changed: bool,
}

/// The place of each observation, in order of time. No two are the same, and none is another recorded run's.
///
/// # Errors
/// When there is no room for a run.
pub(super) fn places(
    seen: &[Observation],
    schedule: &Schedule,
    vantage: &VantageName,
    recorded: &[Run],
) -> Result<Vec<Place>, String> {
    let known = known(seen, recorded);
    let indices = indices(seen, &known, schedule, recorded)
        .ok_or_else(|| format!("more than {} runs lie in one interval: is the interval right?", u16::MAX))?;
    let placed = seen.iter().zip(known).zip(indices).map(|((one, known), (index, attempt))| match known {
        Some(run) => Some(Place { slot: run.slot, attempt, known: true, changed: run.verdict != one.verdict }),
        None => Some(Place { slot: schedule.slot_in(vantage, index)?, attempt, known: false, changed: false }),
    });
    placed.collect::<Option<_>>().ok_or_else(|| "a run lies outside the years that can be written".to_owned())
}

/// The interval of each observation and its number in it; none when a number is too large.
fn indices(
    seen: &[Observation],
    known: &[Option<&Run>],
    schedule: &Schedule,
    recorded: &[Run],
) -> Option<Vec<(i64, u16)>> {
    let mut seats = Seats::beside(recorded, schedule);
    let (phase, length) = (phase(seen, recorded, schedule.interval), schedule.interval.as_micros() as f64);
    let mut indices: Vec<(i64, u16)> = Vec::with_capacity(seen.len());
    // The one before stays where it is when the store has it.
    let mut movable = false;
    for (one, known) in seen.iter().zip(known) {
        if let Some(run) = known {
            indices.push((schedule.interval_index(run.slot), run.attempt));
            movable = false;
            continue;
        }
        let wanted = ((one.at.as_microsecond() as f64 - phase) / length).round() as i64;
        if let [.., (earlier, _), last @ (_, 0)] = indices.as_mut_slice()
            // The one before began late, and there is room before it.
            && movable && last.0 == wanted && *earlier < wanted - 1 && seats.is_free(wanted - 1)
        {
            seats.leave(wanted);
            *last = (wanted - 1, seats.take(wanted - 1)?);
        }
        let index = indices.last().map_or(wanted, |(last, _)| wanted.max(*last));
        indices.push((index, seats.take(index)?));
        movable = true;
    }
    Some(indices)
}

/// The whole intervals that the places lie in.
pub(super) fn span(places: &[Place], schedule: &Schedule) -> Option<(Timestamp, Timestamp)> {
    let indices = places.iter().map(|place| schedule.interval_index(place.slot));
    Some((edge(indices.clone().min()?, schedule.interval), edge(indices.max()? + 1, schedule.interval)))
}

/// The median pause, or the usual interval that is near it.
pub(super) fn estimate(seen: &[Observation]) -> Option<Duration> {
    let mut pauses: Vec<i64> =
        seen.windows(2).map(|pair| pair[1].at.as_microsecond() - pair[0].at.as_microsecond()).collect();
    pauses.retain(|&pause| pause > 0);
    pauses.sort_unstable();
    let seconds = *pauses.get(pauses.len() / 2)? as f64 / 1e6;
    let usual = USUAL.iter().find(|&&usual| (seconds - usual as f64).abs() <= NEAR * usual as f64);
    Some(match usual {
        Some(&usual) => Duration::from_secs(usual),
        None => Duration::from_millis(((seconds * 1e3).round() as u64).max(1)),
    })
}

/// The recorded run that each observation is. Where several began at the same instant, they are told apart by their
/// order.
fn known<'r>(seen: &[Observation], recorded: &'r [Run]) -> Vec<Option<&'r Run>> {
    let mut by_start: BTreeMap<Timestamp, VecDeque<&Run>> = BTreeMap::new();
    let mut ordered: Vec<&Run> = recorded.iter().collect();
    ordered.sort_by_key(|run| (run.started, run.slot, run.attempt));
    for run in ordered {
        by_start.entry(run.started).or_default().push_back(run);
    }
    seen.iter().map(|one| by_start.get_mut(&one.at).and_then(VecDeque::pop_front)).collect()
}

/// Which attempts of which intervals are taken.
struct Seats {
    taken: BTreeSet<(i64, u16)>,
    /// Below this number none of an interval is free.
    first_free: BTreeMap<i64, u16>,
}

impl Seats {
    /// Only a run that lies on a slot of the schedule takes a seat: one elsewhere has another identity anyway.
    fn beside(recorded: &[Run], schedule: &Schedule) -> Self {
        let seat = |run: &Run| {
            let index = schedule.interval_index(run.slot);
            (schedule.slot_in(&run.vantage, index) == Some(run.slot)).then_some((index, run.attempt))
        };
        Self { taken: recorded.iter().filter_map(seat).collect(), first_free: BTreeMap::new() }
    }

    /// Whether an interval has no first attempt.
    fn is_free(&self, index: i64) -> bool {
        !self.taken.contains(&(index, 0))
    }

    /// Gives the first attempt of an interval back.
    fn leave(&mut self, index: i64) {
        self.taken.remove(&(index, 0));
        self.first_free.remove(&index);
    }

    /// Takes the first free attempt of an interval; none when there are too many.
    fn take(&mut self, index: i64) -> Option<u16> {
        let from = self.first_free.get(&index).copied().unwrap_or(0);
        let free = (from..u16::MAX).find(|&attempt| !self.taken.contains(&(index, attempt)))?;
        self.taken.insert((index, free));
        self.first_free.insert(index, free + 1);
        Some(free)
    }
}

/// The begin of an interval.
fn edge(index: i64, interval: Duration) -> Timestamp {
    let micros = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(index.saturating_mul(micros)).unwrap_or(Timestamp::MAX)
}

/// Where in its interval the prober usually begins, in microseconds: the mean direction on a circle. Runs that are
/// spread over the whole interval belong to the one in which they lie.
fn phase(seen: &[Observation], recorded: &[Run], interval: Duration) -> f64 {
    let length = interval.as_micros() as f64;
    let starts: BTreeSet<Timestamp> =
        seen.iter().map(|one| one.at).chain(recorded.iter().map(|run| run.started)).collect();
    let angles = starts.iter().map(|at| (at.as_microsecond() as f64).rem_euclid(length) / length * TAU);
    let (sine, cosine) = angles.fold((0.0, 0.0), |(sine, cosine), angle| (sine + angle.sin(), cosine + angle.cos()));
    if sine.hypot(cosine) / (starts.len() as f64) < TOGETHER {
        return length / 2.0;
    }
    sine.atan2(cosine).rem_euclid(TAU) / TAU * length
}
