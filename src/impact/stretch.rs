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
    /// The end of the shortest, middle and longest: somebody who tries again after it gets in. `None` for what is no
    /// outage, and has no end.
    ends: Option<[Timestamp; 3]>,
}

impl Stretch {
    /// An incident within a span. `None` when it lies outside.
    pub(super) fn of_incident(incident: &Incident, (from, to): Between) -> Option<Self> {
        let clip = |(start, end): Between| (start.clamp(from, to), end.clamp(from, to));
        let middle = (between(incident.start), between(incident.end));
        // From the first to the last failing run, both included, as the incident itself counts: one incident has one
        // share, whoever tells it.
        let runs = clip((incident.first_failing.min(incident.start.latest), next_micro(incident.end.earliest)));
        let pieces = [
            clip((incident.start.latest, incident.end.earliest)),
            clip(middle),
            clip((incident.start.earliest, incident.end.latest)),
        ];
        let stretch =
            Self { pieces: pieces.map(|piece| vec![piece]), runs: vec![runs], ends: Some(pieces.map(|(_, end)| end)) };
        (runs.0 < runs.1).then_some(stretch)
    }

    /// Exactly these pieces, which are no outage.
    pub(super) fn exactly(pieces: Vec<Between>) -> Self {
        Self { pieces: [pieces.clone(), pieces.clone(), pieces.clone()], runs: pieces, ends: None }
    }

    pub(super) fn holds(&self, began: Timestamp) -> bool {
        self.runs.iter().any(|(from, to)| *from <= began && began < *to)
    }

    /// Whether it is an outage.
    pub(super) fn is_outage(&self) -> bool {
        self.ends.is_some()
    }

    /// How long it lasts at least, about, and at most, in seconds.
    pub(super) fn seconds(&self) -> Estimate {
        let sum = |which: usize| -> f64 {
            self.pieces[which].iter().map(|(from, to)| to.duration_since(*from).as_secs_f64().max(0.0)).sum()
        };
        Estimate { low: sum(0), middle: sum(1), high: sum(2) }
    }

    /// What of it lies in these spans, which are in order and do not overlap; its ends stay where they are.
    pub(super) fn within(&self, spans: &[Between]) -> Self {
        let cut = |pieces: &Vec<Between>| common(pieces, spans);
        Self { pieces: [0, 1, 2].map(|which| cut(&self.pieces[which])), runs: cut(&self.runs), ends: self.ends }
    }

    /// Where its runs are counted, as far as that lies in these spans.
    pub(super) fn runs_within(&self, spans: &[Between]) -> Vec<Between> {
        common(&self.runs, spans)
    }

    /// Its slices of time: cut at whole multiples of `step`, each at least `least` long where the stretch is, both in
    /// microseconds. The first one reaches from ever, the last one for ever, so that they hold the longest duration too.
    pub(super) fn slices(&self, step: i64, least: i64) -> Vec<Between> {
        let mut starts = Vec::new();
        let (mut length, mut cell) = (0, None);
        for (from, to) in &self.runs {
            let (mut at, end) = (from.as_microsecond(), to.as_microsecond());
            while at < end {
                let here = at.div_euclid(step);
                let next = end.min((here + 1).saturating_mul(step));
                if cell.is_none_or(|cell| cell != here && length >= least) {
                    starts.push(at);
                    length = 0;
                }
                (length, cell) = (length + next - at, Some(here));
                at = next;
            }
        }
        // What is left at the end may be too short for a probe to be due.
        if length < least && starts.len() > 1 {
            starts.pop();
        }
        let instant = |micros: &i64| Timestamp::from_microsecond(*micros).unwrap_or(Timestamp::MAX);
        let from = |index: usize| if index == 0 { Timestamp::MIN } else { instant(&starts[index]) };
        let to = |index: usize| starts.get(index + 1).map_or(Timestamp::MAX, instant);
        (0..starts.len()).map(|index| (from(index), to(index))).collect()
    }

    /// People who want to sign in within it, at least `offset` before its end; lower ends, middles and upper ends of
    /// duration and demand multiplied (F14).
    pub(super) fn intents(&self, curve: &Curve, offset: Micros) -> Estimate {
        let last = |which: usize| self.ends.map_or(Timestamp::MAX, |ends| earlier(ends[which], offset));
        let people = |which: usize| -> Estimate {
            self.pieces[which].iter().map(|(from, to)| curve.between(*from, (*to).min(last(which)))).sum()
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
        stretches.push(Stretch::exactly(rest));
    }
    stretches
}

/// What two lists of spans have in common; each is in order and without overlaps.
pub(super) fn common(pieces: &[Between], spans: &[Between]) -> Vec<Between> {
    let mut all = Vec::new();
    for (from, to) in pieces {
        let first = spans.partition_point(|(_, end)| end <= from);
        let touching = spans[first..].iter().take_while(|(start, _)| start < to);
        all.extend(touching.map(|(start, end)| (*start.max(from), *end.min(to))).filter(|(start, end)| start < end));
    }
    all
}

/// What lies in none of these spans, which are in order.
pub(super) fn outside(spans: &[Between]) -> Vec<Between> {
    let (mut rest, mut reached) = (Vec::new(), Timestamp::MIN);
    for (from, to) in spans {
        if reached < *from {
            rest.push((reached, *from));
        }
        reached = reached.max(*to);
    }
    if reached < Timestamp::MAX {
        rest.push((reached, Timestamp::MAX));
    }
    rest
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
