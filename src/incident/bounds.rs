//! When an incident began and ended: instants between probes (F8), tightened by every vantage that it was seen from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::Micros;
use crate::slo::outage_bounds;

use super::chart::Found;
use super::events::{Event, Lane, instant};
use super::model::Bounds;

/// The chance that is left for a failure to have been missed at each end, before the start or after the end: 5 % for both
/// together, so that the bounds of the duration are those of 95 %.
const MISSED: f64 = 0.025;

/// The ends of an incident and the durations that they allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) start: Bounds,
    pub(super) end: Bounds,
    /// No good probe proves that it had not begun: it is counted from the first probe.
    pub(super) start_unseen: bool,
    pub(super) low: Micros,
    pub(super) middle: Micros,
    pub(super) high: Micros,
}

impl Ends {
    pub(super) fn new(start: Bounds, end: Bounds) -> Self {
        let all = outage_bounds(start.earliest, start.latest, end.earliest, end.latest);
        Self { start, end, start_unseen: false, low: all.low, middle: all.middle(), high: all.high }
    }
}

/// The bounds of what was found in a lane.
///
/// It had begun by the end of the first failing probe, and lasted when the last one began. A good probe before proves
/// that it had not begun only when all fail: with a failing share q, as many good probes in a row as happen with
/// 2.5 % chance at that share prove it. In a row they stand by when they began, since a failure may take far longer than
/// a good login: what began before the first failing probe tells when it had not begun, however late that one failed.
/// Vantages that it was not seen from prove nothing. Where there are none, nothing is known of the time before the first
/// probe, and nothing of it is counted.
pub(super) fn ends(lane: &Lane, found: &Found) -> Ends {
    let seen = |event: &&Event| found.seen_from.contains(&event.vantage);
    let inside = &lane.events[found.first..=found.last];
    let needed = good_probes_that_prove(inside.iter().filter(seen));
    let begun_by = lane.events[found.first].ended;
    let failing = || inside.iter().filter(|event| event.failing);
    let still = failing().map(Event::started).max().unwrap_or(begun_by);
    let first_failing = failing().map(Event::started).min().unwrap_or(begun_by);
    // A probe begins a moment after its slot, by which runs are counted: all that fail belong to it by their slots too.
    let first_slot = failing().map(|event| event.slot).min().unwrap_or(first_failing).min(first_failing);
    let good = |event: &&Event| seen(event) && !event.failing;
    let before = begun_last(lane.events[..=found.last].iter().rev().filter(good), first_failing, needed);
    // A login that was under way when it began proves nothing of its end.
    let over = |event: &&Event| good(event) && event.started() > still && event.started() >= begun_by;
    let later = lane.events.partition_point(|event| event.ended <= still);
    let after = lane.events[later..].iter().filter(over).nth(needed);
    // What is not over ends no earlier than at the last thing that was seen.
    let seen_last = lane.events.last().map_or(begun_by, |event| event.ended);
    let latest = after.map_or(seen_last, |event| event.ended);
    let first = || lane.events.iter().filter(seen).map(Event::started).min().unwrap_or(begun_by);
    let earliest = before.unwrap_or_else(first).min(first_slot);
    let start = Bounds { earliest: instant(earliest), latest: instant(begun_by) };
    let ends = Ends::new(start, Bounds { earliest: instant(still), latest: instant(latest.max(still)) });
    Ends { start_unseen: before.is_none(), ..ends }
}

/// When the probe began that has `needed` others behind it among those that began before an instant. They come as they
/// ended, the last one first: what ended before the earliest of the chosen began, began before it too.
fn begun_last<'a>(events: impl Iterator<Item = &'a Event>, before: i64, needed: usize) -> Option<i64> {
    let mut chosen: BinaryHeap<Reverse<i64>> = BinaryHeap::with_capacity(needed + 2);
    for event in events {
        if chosen.len() > needed && chosen.peek().is_some_and(|earliest| event.ended <= earliest.0) {
            break;
        }
        if event.started() < before {
            chosen.push(Reverse(event.started()));
            if chosen.len() > needed + 1 {
                chosen.pop();
            }
        }
    }
    chosen.peek().filter(|_| chosen.len() > needed).map(|earliest| earliest.0)
}

/// How many good probes in a row are still likely while it lasts. That the first and the last of the probes failed is how
/// they were chosen: the share is that of those between them (the mean of its posterior by Jeffreys, (x + 1/2) / (n + 1)),
/// or a few probes would make a small share look like a large one. When all failed, one good probe proves enough.
fn good_probes_that_prove<'a>(inside: impl Iterator<Item = &'a Event>) -> usize {
    let (n, failing) = inside.fold((0_u32, 0_u32), |(n, failing), event| (n + 1, failing + u32::from(event.failing)));
    if n == failing {
        return 0;
    }
    let (between, failing) = (f64::from(n.saturating_sub(2)), f64::from(failing.saturating_sub(2)));
    let good = 1.0 - (failing + 0.5) / (between + 1.0);
    (MISSED.ln() / good.ln()).floor() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::model::Symptom;
    use crate::model::FlowName;

    /// Probes of one vantage, each minute at five seconds past: an ok takes a second, a failure ten.
    fn lane(failing: &[bool]) -> Lane {
        let event = |(index, &failing): (usize, &bool)| {
            let lasted = if failing { 10_000_000 } else { 1_000_000 };
            let slot = index as i64 * 60_000_000 + 5_000_000;
            Event { slot, ended: slot + i64::from(lasted), lasted, vantage: 0, failing, scheduled: true }
        };
        Lane {
            flow: FlowName::new("shop").unwrap(),
            symptom: Symptom::Failing,
            vantages: Vec::new(),
            limits: Vec::new(),
            events: failing.iter().enumerate().map(event).collect(),
        }
    }

    fn found(first: usize, last: usize) -> Found {
        Found { first, last, alarm: first + 3, closed: Some(last + 14), seen_from: vec![0] }
    }

    #[test]
    fn the_published_example_holds() {
        let all: Vec<bool> = (0..20).map(|index| (1..9).contains(&index)).collect();
        let ends = ends(&lane(&all), &found(1, 8));
        let seconds = |micros: Micros| micros.0 as f64 / 1e6;
        assert_eq!([seconds(ends.low), seconds(ends.middle), seconds(ends.high)], [410.0, 475.5, 541.0]);
    }

    #[test]
    fn with_a_small_share_good_probes_prove_less() {
        // Every second probe fails: five good ones in a row happen with 3 % chance, six prove it.
        let all: Vec<bool> = (0..60).map(|index| (20..40).contains(&index) && index % 2 == 0).collect();
        let ends = ends(&lane(&all), &found(20, 38));
        let minutes = |at: jiff::Timestamp| at.as_second() / 60;
        assert_eq!((minutes(ends.start.earliest), minutes(ends.start.latest)), (14, 20));
        assert_eq!((minutes(ends.end.earliest), minutes(ends.end.latest)), (38, 44));
    }

    /// Probes by slot, length and whether they fail, in seconds, in the order in which they end.
    fn lane_of(probes: impl Iterator<Item = (i64, i64, bool)>) -> Lane {
        let event = |(slot, lasted, failing): (i64, i64, bool)| {
            let (slot, lasted) = (slot * 1_000_000, lasted * 1_000_000);
            Event { slot, ended: slot + lasted, lasted: lasted as u32, vantage: 0, failing, scheduled: true }
        };
        let mut events: Vec<Event> = probes.map(event).collect();
        events.sort_by_key(|event| event.ended);
        Lane { events, ..lane(&[]) }
    }

    #[test]
    fn a_failure_that_takes_long_does_not_begin_before_its_own_incident() {
        // Ten seconds between probes, good ones take one, failures 45: four good ones end between the start of the first
        // failure and its end. Two of three fail, so that four good ones in a row prove something.
        let fails = |number: i64| (100..130).contains(&number) && number % 3 != 2;
        let probes = (0..200).map(|number| (number * 10, if fails(number) { 45 } else { 1 }, fails(number)));
        let lane = lane_of(probes);
        let failing: Vec<usize> = (0..200).filter(|&index| lane.events[index].failing).collect();
        let (first, last) = (failing[0], failing[failing.len() - 1]);
        let ends = ends(&lane, &found(first, last));
        // The first failure began at 1,000 s and ended at 1,045 s; the last one began at 1,290 s.
        assert_eq!(ends.start.latest.as_second(), 1_045);
        let before = 1_000 - ends.start.earliest.as_second();
        assert!((30..=50).contains(&before), "{before} s");
        let after = ends.end.latest.as_second() - ends.end.earliest.as_second();
        assert_eq!(ends.end.earliest.as_second(), 1_290);
        assert!(
            (31..=51).contains(&after),
            "{after} s: good probes that began after the last failing one prove its end"
        );
    }

    #[test]
    fn what_fails_by_its_slot_belongs_to_the_incident() {
        // Probes that begin two seconds after their slots, one each second: the good one before the first failure began
        // after the slot of that failure.
        let mut lane = lane_of((0..60).map(|number| (number, 0, (20..40).contains(&number))));
        lane.events.iter_mut().for_each(|event| event.ended += 2_000_000);
        let ends = ends(&lane, &found(20, 39));
        assert_eq!(ends.start.earliest.as_second(), 20);
    }

    #[test]
    fn what_had_begun_before_the_first_probe_counts_from_it() {
        let all: Vec<bool> = (0..20).map(|index| index < 9).collect();
        let ends = ends(&lane(&all), &found(0, 8));
        assert_eq!((ends.start.earliest.as_second(), ends.start.latest.as_second()), (5, 15));
        assert!(ends.start_unseen);
    }
}
