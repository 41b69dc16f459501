//! The detector itself: one Bernoulli CUSUM per vantage, the alarm on their sum without the largest (F17, slo.md section
//! 3), the most likely beginning, and the rule that closes an incident. One integer per vantage; knows no time but the
//! order of events.

use super::events::Event;

/// The failing share above which an incident is kept open: with fourteen clean probes in a row, a share of 20 % still
/// lasts with a chance of 4.4 % only (F17).
const CLEAN: u32 = 14;
/// The chance that the closing rule is wrong about.
const STILL_ON: f64 = 0.044;
/// Most clean probes that closing waits for: enough for a share of 5 %.
const MOST_CLEAN: u32 = 61;
/// The background against which a beginning is judged. A constant, so that the name of an incident, which comes from its
/// first failing probe, does not hang on what else was read.
const REFERENCE: f64 = 0.005;

/// A chart for one flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chart {
    /// What a failure adds.
    pub(super) step: u32,
    /// The alarm.
    pub(super) threshold: u32,
    /// A vantage that has said nothing for so long, in microseconds, is left out.
    pub(super) silence: i64,
}

/// A stretch of failures that raised the alarm; indices into the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The first failure by its end.
    pub(super) first: usize,
    /// The last failure.
    pub(super) last: usize,
    /// The failure that raised the alarm.
    pub(super) alarm: usize,
    /// The success that closed it; `None` while it is open.
    pub(super) closed: Option<usize>,
    /// The vantages that it was seen from.
    pub(super) seen_from: Vec<u16>,
}

/// Finds every incident among `events` of so many vantages. From the slot `end` on, in microseconds since the epoch, an
/// open incident is followed, but none begins.
pub(super) fn scan<'a>(
    events: impl Fn(usize) -> &'a Event,
    (count, end): (usize, i64),
    vantages: usize,
    chart: &Chart,
) -> Vec<Found> {
    let mut watch = Watch::new(vantages, *chart);
    let mut open: Option<Open> = None;
    let mut found = Vec::new();
    for index in 0..count {
        let event = events(index);
        watch.hear(usize::from(event.vantage), event.ended);
        if let Some(current) = &mut open {
            current.add(index, event);
            if !event.failing && current.is_over(event, &watch) {
                found.extend(open.take().map(|current| current.found(&events, Some(index))));
                watch.reset();
            }
        } else if event.slot >= end {
            continue;
        } else if !event.failing {
            watch.pass(usize::from(event.vantage), 1);
        } else if watch.fail(usize::from(event.vantage), index, event.ended) {
            open = Some(Open::begun(&events, watch.first_possible(), index, vantages));
        }
    }
    found.extend(open.map(|current| current.found(&events, None)));
    found
}

/// The charts while nothing is wrong.
#[derive(Debug)]
pub(super) struct Watch {
    chart: Chart,
    values: Vec<u32>,
    /// The failure that lifted each chart from zero.
    risen: Vec<usize>,
    /// When each vantage was last heard.
    seen: Vec<i64>,
}

impl Watch {
    pub(super) fn new(vantages: usize, chart: Chart) -> Self {
        Self { chart, values: vec![0; vantages], risen: vec![0; vantages], seen: vec![i64::MIN / 2; vantages] }
    }

    pub(super) fn reset(&mut self) {
        self.values.fill(0);
    }

    fn is_live(&self, vantage: usize, now: i64) -> bool {
        now - self.seen[vantage] <= self.chart.silence
    }

    /// A vantage has spoken.
    pub(super) fn hear(&mut self, vantage: usize, now: i64) {
        self.seen[vantage] = now;
    }

    /// Takes so many successes.
    pub(super) fn pass(&mut self, vantage: usize, count: u32) {
        self.values[vantage] = self.values[vantage].saturating_sub(count);
    }

    /// Takes a failure; true when it raises the alarm. A chart rises to the threshold at most: more says nothing, and
    /// would only take longer to be forgotten.
    pub(super) fn fail(&mut self, vantage: usize, index: usize, now: i64) -> bool {
        let value = &mut self.values[vantage];
        if *value == 0 {
            self.risen[vantage] = index;
        }
        *value = (*value + self.chart.step).min(self.chart.threshold);
        let live = (0..self.values.len()).filter(|&v| self.is_live(v, now)).map(|v| self.values[v]);
        let (sum, largest) = live.fold((0, 0), |(sum, largest): (u32, u32), value| (sum + value, largest.max(value)));
        let rest = if self.values.len() == 1 { sum } else { sum - largest };
        rest >= self.chart.threshold
    }

    /// The earliest failure that is still remembered.
    fn first_possible(&self) -> usize {
        let standing = self.values.iter().zip(&self.risen).filter(|(value, _)| **value > 0);
        standing.map(|(_, &index)| index).min().unwrap_or(0)
    }
}

/// An incident under way: its probes by vantage.
struct Open {
    first: usize,
    alarm: usize,
    last: usize,
    before_last: usize,
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    n: u32,
    failing: u32,
    /// Successes since the last failure.
    clean: u32,
}

impl Place {
    /// Probes up to the last failure.
    fn until_last(&self) -> u32 {
        self.n - self.clean
    }

    fn share(&self) -> f64 {
        f64::from(self.failing) / f64::from(self.until_last().max(1))
    }
}

impl Open {
    fn begun<'a>(events: &impl Fn(usize) -> &'a Event, from: usize, alarm: usize, vantages: usize) -> Self {
        let first = likeliest_start(events, from, alarm);
        let places = vec![Place::default(); vantages];
        let mut open = Self { first, alarm, last: first, before_last: first, places };
        for index in first..=alarm {
            open.add(index, events(index));
        }
        open
    }

    fn add(&mut self, index: usize, event: &Event) {
        let place = &mut self.places[usize::from(event.vantage)];
        place.n += 1;
        if event.failing {
            place.failing += 1;
            place.clean = 0;
            self.before_last = self.last;
            self.last = index;
        } else {
            place.clean += 1;
        }
    }

    fn share(&self, of: impl Fn(usize) -> bool) -> f64 {
        let chosen = || self.places.iter().enumerate().filter(|(v, _)| of(*v)).map(|(_, place)| place);
        let failing: u32 = chosen().map(|place| place.failing).sum();
        f64::from(failing) / f64::from(chosen().map(Place::until_last).sum::<u32>().max(1))
    }

    /// The vantages that it is seen from: those that fail at least half as often as all that fail at all.
    fn seen_from(&self) -> Vec<usize> {
        let all = self.share(|vantage| self.places[vantage].failing > 0);
        let places = self.places.iter().enumerate();
        places.filter(|(_, place)| place.failing > 0 && place.share() * 2.0 >= all).map(|(v, _)| v).collect()
    }

    /// The closing rule: most of the vantages that it is seen from have been clean for so many probes that its share
    /// would hardly allow it. What falls silent cannot keep it open while others speak.
    fn is_over(&self, event: &Event, watch: &Watch) -> bool {
        if self.places[usize::from(event.vantage)].clean < CLEAN {
            return false;
        }
        let mut asked = self.seen_from();
        let share = self.share(|vantage| asked.contains(&vantage)).min(0.99);
        let wanted = (STILL_ON.ln() / (-share).ln_1p()).ceil().clamp(f64::from(CLEAN), f64::from(MOST_CLEAN)) as u32;
        asked.retain(|&vantage| watch.is_live(vantage, event.ended));
        if asked.is_empty() {
            asked = (0..self.places.len()).filter(|&vantage| watch.is_live(vantage, event.ended)).collect();
        }
        let clean = asked.iter().filter(|&&vantage| self.places[vantage].clean >= wanted).count();
        clean * 2 > asked.len()
    }

    fn found<'a>(self, events: &impl Fn(usize) -> &'a Event, closed: Option<usize>) -> Found {
        let seen_from = self.seen_from();
        let last = if self.ends_with_a_stray(events, &seen_from) { self.before_last } else { self.last };
        let seen_from = seen_from.into_iter().map(|vantage| vantage as u16).collect();
        Found { first: self.first, last, alarm: self.alarm, closed, seen_from }
    }

    /// Whether the last failure belongs to the background rather: it comes so long after the one before it that its
    /// evidence for the incident is less than that of the successes between them against it. One stray is left out; two
    /// would be the incident itself.
    fn ends_with_a_stray<'a>(&self, events: &impl Fn(usize) -> &'a Event, seen_from: &[usize]) -> bool {
        let seen = |index: &usize| seen_from.contains(&usize::from(events(*index).vantage));
        let n = (self.first..=self.before_last).filter(seen).count();
        let failing = (self.first..=self.before_last).filter(|&index| events(index).failing).count();
        if self.last <= self.alarm || failing < 3 {
            return false;
        }
        let gap = (self.before_last + 1..self.last).filter(seen).count();
        let share = (failing as f64 / (n.max(failing) + 1) as f64).clamp(REFERENCE, 1.0);
        let worth = (share / REFERENCE).ln() / -((1.0 - share) / (1.0 - REFERENCE)).ln();
        gap as f64 > worth
    }
}

/// The most likely beginning: the failure from which to the alarm the probes are likeliest, with the failing share that
/// they have, against the background (the maximum-likelihood estimate of a change point; Hinkley, Biometrika 1970).
fn likeliest_start<'a>(events: &impl Fn(usize) -> &'a Event, from: usize, alarm: usize) -> usize {
    let (mut n, mut failing) = (0.0, 0.0);
    let mut best = (0.0, alarm);
    for index in (from..=alarm).rev() {
        n += 1.0;
        if events(index).failing {
            failing += 1.0;
            let evidence = evidence(n, failing);
            if evidence > best.0 {
                best = (evidence, index);
            }
        }
    }
    best.1
}

/// The logarithm of the likelihood ratio of n probes with so many failures: their own share against the background.
fn evidence(n: f64, failing: f64) -> f64 {
    let share = failing / n;
    if share <= REFERENCE {
        return 0.0;
    }
    let good = n - failing;
    let successes = if good > 0.0 { good * ((1.0 - share) / (1.0 - REFERENCE)).ln() } else { 0.0 };
    failing * (share / REFERENCE).ln() + successes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Probes of so many vantages in turn, one a second; `failing` says which fail.
    fn events(count: usize, vantages: usize, failing: impl Fn(usize) -> bool) -> Vec<Event> {
        (0..count)
            .map(|index| Event {
                slot: index as i64 * SECOND,
                ended: index as i64 * SECOND,
                lasted: 0,
                vantage: (index % vantages) as u16,
                failing: failing(index),
                scheduled: true,
            })
            .collect()
    }

    fn found(events: &[Event], vantages: usize, threshold: u32) -> Vec<Found> {
        let chart = Chart { step: 50, threshold, silence: 1_000 * SECOND };
        scan(|index| &events[index], (events.len(), i64::MAX), vantages, &chart)
    }

    #[test]
    fn a_total_outage_is_found_with_its_ends() {
        for vantages in [1, 3, 5] {
            let all = events(2_000, vantages, |index| (500..560).contains(&index));
            let found = found(&all, vantages, 200);
            assert_eq!(found.len(), 1, "{vantages} vantages: {found:?}");
            assert_eq!((found[0].first, found[0].last), (500, 559), "{vantages} vantages");
            // Four failures besides those of the largest chart; each chart rises by 50.
            let expected = match vantages {
                1 => 503,
                3 => 505,
                _ => 504,
            };
            assert_eq!(found[0].alarm, expected, "{vantages} vantages");
            assert_eq!(found[0].seen_from.len(), vantages);
            assert!(found[0].closed.is_some());
        }
    }

    #[test]
    fn one_place_alone_never_alarms_however_long() {
        let all = events(9_000, 3, |index| index % 3 == 1 && index > 100);
        assert_eq!(found(&all, 3, 200), []);
        let alone: Vec<Event> =
            all.iter().filter(|event| event.vantage == 1).map(|&event| Event { vantage: 0, ..event }).collect();
        let found = found(&alone, 1, 200);
        assert_eq!((found.len(), found[0].closed), (1, None));
    }

    #[test]
    fn two_of_five_places_are_an_incident_until_they_recover() {
        let all = events(6_000, 5, |index| index % 5 < 2 && (1_000..3_000).contains(&index));
        let found = found(&all, 5, 200);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].first, found[0].last), (1_000, 2_996));
        assert_eq!(found[0].seen_from, [0, 1]);
    }

    #[test]
    fn strays_around_an_outage_do_not_lengthen_it() {
        let strays = [470, 620];
        let all = events(2_000, 3, |index| (500..590).contains(&index) || strays.contains(&index));
        let found = found(&all, 3, 200);
        assert_eq!((found.len(), found[0].first, found[0].last), (1, 500, 589));
    }

    #[test]
    fn two_outages_stay_two() {
        let all = events(2_000, 3, |index| (500..560).contains(&index) || (700..760).contains(&index));
        let found = found(&all, 3, 200);
        let ends: Vec<_> = found.iter().map(|one| (one.first, one.last)).collect();
        assert_eq!(ends, [(500, 559), (700, 759)]);
    }

    #[test]
    fn a_silent_vantage_neither_raises_nor_holds() {
        // Vantage 2 fails, then is heard no more; much later vantage 1 fails a little.
        let mut all = events(300, 3, |index| index % 3 == 2);
        all.extend(events(9_000, 2, |index| index > 5_000 && index < 5_004).into_iter().map(|event| Event {
            slot: event.slot + 300 * SECOND,
            ended: event.ended + 300 * SECOND,
            ..event
        }));
        assert_eq!(found(&all, 3, 150), []);
    }
}
