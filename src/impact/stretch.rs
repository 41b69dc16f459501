//! Stretches of time over which the failing share is taken as even: an incident, or what is left of a span beside its
//! incidents.

use jiff::Timestamp;

use crate::incident::{Bounds, Incident, Symptom};
use crate::model::Micros;

use super::curve::Curve;
use super::figure::Estimate;

/// Two instants.
pub(super) type Between = (Timestamp, Timestamp);

/// A stretch, as short and as long as the samples allow.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    /// Shortest, middle and longest, each in pieces.
    pieces: [Vec<Between>; 3],
    /// Where its runs are counted: those that began in these pieces.
    pub(super) runs: Vec<Between>,
    /// Somebody who tries again after its end gets in.
    ends: bool,
}

impl Stretch {
    /// An incident within a span. `None` when it lies outside.
    pub(super) fn of_incident(incident: &Incident, (from, to): Between) -> Option<Self> {
        let clip = |(start, end): Between| (start.clamp(from, to), end.clamp(from, to));
        let middle = (between(incident.start), between(incident.end));
        // From the first to the last failing run, both included, as the incident itself counts: one incident has one
        // share, whoever tells it.
        let runs = clip((incident.first_failing.min(incident.start.latest), next_micro(incident.end.earliest)));
        let stretch = Self {
            pieces: [
                vec![clip((incident.start.latest, incident.end.earliest))],
                vec![clip(middle)],
                vec![clip((incident.start.earliest, incident.end.latest))],
            ],
            runs: vec![runs],
            ends: true,
        };
        (runs.0 < runs.1).then_some(stretch)
    }

    /// Exactly these pieces. `ends` for an outage, whose end lets people in.
    pub(super) fn exactly(pieces: Vec<Between>, ends: bool) -> Self {
        Self { pieces: [pieces.clone(), pieces.clone(), pieces.clone()], runs: pieces, ends }
    }

    pub(super) fn holds(&self, began: Timestamp) -> bool {
        self.runs.iter().any(|(from, to)| *from <= began && began < *to)
    }

    /// People who want to sign in within it, at least `offset` before its end; lower ends, middles and upper ends of
    /// duration and demand multiplied (F14).
    pub(super) fn intents(&self, curve: &Curve, offset: Micros) -> Estimate {
        let offset = if self.ends { offset } else { Micros(0) };
        let people = |which: usize| -> Estimate {
            self.pieces[which].iter().map(|(from, to)| curve.between(*from, earlier(*to, offset))).sum()
        };
        Estimate { low: people(0).low, middle: people(1).middle, high: people(2).high }
    }
}

/// The stretches of a span: each of its outages, and what is left. Outages that overlap are one after the other: no
/// instant counts twice.
pub(super) fn of_span((from, to): Between, incidents: &[Incident]) -> Vec<Stretch> {
    let mut failing: Vec<&Incident> =
        incidents.iter().filter(|incident| incident.symptom == Symptom::Failing).collect();
    failing.sort_by_key(|incident| incident.first_failing);
    let (mut stretches, mut rest, mut reached) = (Vec::new(), Vec::new(), from);
    for incident in failing {
        let Some(stretch) = Stretch::of_incident(incident, (reached, to)) else { continue };
        for (start, end) in &stretch.runs {
            rest.push((reached, *start));
            reached = (*end).max(reached);
        }
        stretches.push(stretch);
    }
    rest.push((reached, to));
    rest.retain(|(start, end)| start < end);
    if !rest.is_empty() {
        stretches.push(Stretch::exactly(rest, false));
    }
    stretches
}

/// Half way between the bounds.
pub(super) fn between(bounds: Bounds) -> Timestamp {
    let micros = i64::midpoint(bounds.earliest.as_microsecond(), bounds.latest.as_microsecond());
    Timestamp::from_microsecond(micros).unwrap_or(bounds.earliest)
}

fn next_micro(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond().saturating_add(1)).unwrap_or(instant)
}

fn earlier(instant: Timestamp, by: Micros) -> Timestamp {
    let micros = instant.as_microsecond().saturating_sub(i64::try_from(by.0).unwrap_or(i64::MAX));
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MIN)
}
