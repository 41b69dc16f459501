//! The arithmetic of slots: at which instants a flow is due at a vantage, and a database is asked from it.
//!
//! Pure and the same for ever: worker and report both compute it, so expected runs follow from a declared [`Schedule`]
//! or [`DatabaseSchedule`] alone, on every machine and after every restart. Changing a result here would make old
//! records look incomplete, so test vectors hold it.
//!
//! Time is cut into intervals that are aligned to the Unix epoch. Each interval is cut into as many equal shares as
//! there are vantages; in each interval every listed vantage has one share of its own, so that vantages never fire
//! together. Which share rotates from interval to interval by hash, and the place inside the share is a hash too: over
//! many intervals each vantage alone samples the whole interval evenly. A fault with a period of its own (a job that
//! stalls logins at each full minute) is then hit as often as users meet it, whatever the interval is.

use std::time::Duration;

use jiff::Timestamp;

use super::database::DatabaseSchedule;
use super::id::VantageName;
use super::site::Schedule;
use super::verdict::RunKind;

impl Schedule {
    fn timing(&self) -> Timing<'_> {
        let series = [self.flow.as_str().as_bytes(), self.kind.as_str().as_bytes()];
        let in_turn = match self.kind {
            RunKind::Login => false,
            RunKind::WrongPassword => true,
        };
        Timing::new(&series, self.interval, &self.vantages, in_turn)
    }

    /// The index of the interval that holds `time`, counted from the Unix epoch.
    #[must_use]
    pub fn interval_index(&self, time: Timestamp) -> i64 {
        self.timing().index(time)
    }

    /// The slot of `vantage` in the interval with this index. `None` when the interval is another vantage's: a wrong
    /// password is tried at one vantage in turn. `None` too outside the range of timestamps.
    #[must_use]
    pub fn slot_in(&self, vantage: &VantageName, index: i64) -> Option<Timestamp> {
        self.timing().slot_in(vantage, index)
    }

    /// All slots of `vantage` from `from` (included) to `to` (excluded), in order of time.
    pub fn slots(&self, vantage: &VantageName, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.timing().slots(vantage, from, to)
    }

    /// The first slot of `vantage` at or after `from`; `None` when there will never be one.
    #[must_use]
    pub fn slot_from(&self, vantage: &VantageName, from: Timestamp) -> Option<Timestamp> {
        self.timing().slot_from(vantage, from)
    }

    /// How many slots `vantage` has from `from` (included) to `to` (excluded). Takes the same time for any span.
    #[must_use]
    pub fn count(&self, vantage: &VantageName, from: Timestamp, to: Timestamp) -> u64 {
        self.timing().count(vantage, from, to)
    }

    /// Which of `count` accounts serves `slot` at `vantage`: in turn by slot, and vantages that log in during the same
    /// interval use different accounts while there are enough. `None` without accounts.
    #[must_use]
    pub fn account_turn(&self, vantage: &VantageName, slot: Timestamp, count: usize) -> Option<usize> {
        let accounts = i64::try_from(count).ok().filter(|&count| count > 0)?;
        let index = self.interval_index(slot);
        let round = match self.kind {
            RunKind::Login => index,
            // Whose turn it is takes the low digit of the index; the next digit moves the accounts.
            RunKind::WrongPassword => index.div_euclid(self.vantages.len().max(1) as i64),
        };
        let position = self.timing().position(vantage).unwrap_or(0) as i64;
        usize::try_from(round.wrapping_add(position).rem_euclid(accounts)).ok()
    }
}

impl DatabaseSchedule {
    /// Where slots lie does not depend on the server: a vantage asks all servers of a database at the same instants, so
    /// that what they say can be held beside one another.
    fn timing(&self) -> Timing<'_> {
        Timing::new(&[b"database", self.database.as_str().as_bytes()], self.interval, &self.vantages, false)
    }

    /// The index of the interval that holds `time`, counted from the Unix epoch.
    #[must_use]
    pub fn interval_index(&self, time: Timestamp) -> i64 {
        self.timing().index(time)
    }

    /// All slots of `vantage` from `from` (included) to `to` (excluded), in order of time.
    pub fn slots(&self, vantage: &VantageName, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.timing().slots(vantage, from, to)
    }

    /// The first slot of `vantage` at or after `from`; `None` when there will never be one.
    #[must_use]
    pub fn slot_from(&self, vantage: &VantageName, from: Timestamp) -> Option<Timestamp> {
        self.timing().slot_from(vantage, from)
    }

    /// How many slots `vantage` has from `from` (included) to `to` (excluded). Takes the same time for any span.
    #[must_use]
    pub fn count(&self, vantage: &VantageName, from: Timestamp, to: Timestamp) -> u64 {
        self.timing().count(vantage, from, to)
    }
}

/// What decides slots, whatever is asked at them.
#[derive(Clone, Copy)]
struct Timing<'s> {
    /// The hash of the series' names: it rotates the shares.
    series: u64,
    /// In microseconds; `None` for an interval that can hold no slot.
    interval: Option<i64>,
    vantages: &'s [VantageName],
    /// Each interval is due at one vantage only.
    in_turn: bool,
}

impl<'s> Timing<'s> {
    fn new(series: &[&[u8]], interval: Duration, vantages: &'s [VantageName], in_turn: bool) -> Self {
        let interval = i64::try_from(interval.as_micros()).ok().filter(|&micros| micros > 0);
        Self { series: hash_on(HASH_START, series), interval, vantages, in_turn }
    }

    fn index(self, time: Timestamp) -> i64 {
        self.interval.map_or(0, |interval| time.as_microsecond().div_euclid(interval))
    }

    fn slot_in(self, vantage: &VantageName, index: i64) -> Option<Timestamp> {
        if !self.has_turn(vantage, index) {
            return None;
        }
        self.placer(vantage).slot(index, self.interval?)
    }

    fn slots(self, vantage: &VantageName, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> {
        let indices = if from < to && self.interval.is_some() { self.index(from)..self.index(to) + 1 } else { 0..0 };
        let (placer, interval) = (self.placer(vantage), self.interval.unwrap_or(0));
        indices
            .filter(move |&index| self.has_turn(vantage, index))
            .filter_map(move |index| placer.slot(index, interval))
            .filter(move |&slot| from <= slot && slot < to)
    }

    fn slot_from(self, vantage: &VantageName, from: Timestamp) -> Option<Timestamp> {
        self.interval?;
        // A vantage has its turn at least once in as many intervals as there are vantages.
        let farthest = i64::try_from(self.vantages.len()).ok()?.max(1) + 1;
        let index = self.index(from);
        (index..=index.saturating_add(farthest)).filter_map(|index| self.slot_in(vantage, index)).find(|&s| s >= from)
    }

    fn count(self, vantage: &VantageName, from: Timestamp, to: Timestamp) -> u64 {
        if from >= to || self.interval.is_none() {
            return 0;
        }
        let (first, last) = (self.index(from), self.index(to));
        let inside = |index| self.slot_in(vantage, index).is_some_and(|slot| from <= slot && slot < to);
        if first == last {
            return u64::from(inside(first));
        }
        let edges = u64::from(inside(first)) + u64::from(inside(last));
        edges + self.turns(vantage, first + 1, last)
    }

    fn position(self, vantage: &VantageName) -> Option<usize> {
        self.vantages.iter().position(|listed| listed == vantage)
    }

    /// Whether `vantage` is due at all in this interval.
    fn has_turn(self, vantage: &VantageName, index: i64) -> bool {
        if !self.in_turn || self.vantages.is_empty() {
            return true;
        }
        let turn = index.rem_euclid(self.vantages.len() as i64);
        self.position(vantage).is_some_and(|position| position as i64 == turn)
    }

    /// The number of intervals in `first..end` in which `vantage` is due.
    fn turns(self, vantage: &VantageName, first: i64, end: i64) -> u64 {
        let (step, offset) = match (self.in_turn, self.vantages.len(), self.position(vantage)) {
            (false, ..) | (true, 0, _) => (1, 0),
            (true, listed, Some(position)) => (listed as i64, position as i64),
            (true, _, None) => return 0,
        };
        // Intervals before `bound` with index = offset (mod step), counted from the epoch in either direction.
        let before = |bound: i64| (bound - offset + step - 1).div_euclid(step);
        u64::try_from(before(end) - before(first)).unwrap_or(0)
    }

    /// What all slots of one vantage have in common, worked out once.
    fn placer(self, vantage: &VantageName) -> Placer {
        Placer {
            rotation: self.series,
            jitter: hash_on(self.series, &[vantage.as_str().as_bytes()]),
            position: self.position(vantage),
            shares: self.vantages.len() as i64,
        }
    }
}

/// Places slots of one series at one vantage.
struct Placer {
    /// The hash of the series so far.
    rotation: u64,
    /// The hash of the series and the vantage so far.
    jitter: u64,
    position: Option<usize>,
    shares: i64,
}

impl Placer {
    fn slot(&self, index: i64, interval: i64) -> Option<Timestamp> {
        let start = index.checked_mul(interval)?;
        Timestamp::from_microsecond(start.checked_add(self.place(index, interval))?).ok()
    }

    /// The place of the slot inside its interval, in microseconds from the interval's start.
    fn place(&self, index: i64, interval: i64) -> i64 {
        let index_bytes = index.to_le_bytes();
        let jitter = mixed(hash_on(self.jitter, &[&index_bytes]));
        let Some(position) = self.position else {
            return scale(jitter, interval);
        };
        let rotation = scale(mixed(hash_on(self.rotation, &[&index_bytes])), self.shares);
        let share = (position as i64 + rotation).rem_euclid(self.shares);
        let bound = |share: i64| match share.checked_mul(interval) {
            Some(product) => product / self.shares,
            None => (i128::from(share) * i128::from(interval) / i128::from(self.shares)) as i64,
        };
        let (low, high) = (bound(share), bound(share + 1));
        low + scale(jitter, high - low)
    }
}

/// Maps a hash evenly to `0..width`.
fn scale(hash: u64, width: i64) -> i64 {
    ((u128::from(hash) * u128::from(width.unsigned_abs())) >> 64) as i64
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a (64 bits; Fowler, Noll, Vo) over further parts, each followed by a byte that no name holds.
fn hash_on(start: u64, parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0xff]));
    bytes.fold(start, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014), since the high bits of FNV alone are not even enough to scale
/// by.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::FlowName;

    fn names(count: usize) -> Vec<VantageName> {
        (0..count).map(|i| VantageName::new(&format!("v{i}")).unwrap()).collect()
    }

    fn schedule(flow: &str, kind: RunKind, interval: Duration, vantages: usize) -> Schedule {
        Schedule { flow: FlowName::new(flow).unwrap(), kind, interval, vantages: names(vantages) }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn slots_are_fixed_for_ever() {
        let schedule = schedule("shop", RunKind::Login, Duration::from_secs(60), 3);
        let start = time("2026-11-23T10:00:00Z");
        let shown: Vec<String> = schedule
            .vantages
            .iter()
            .chain(&[VantageName::new("unlisted").unwrap()])
            .map(|vantage| schedule.slot_from(vantage, start).unwrap().to_string())
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        2026-11-23T10:00:10.45682Z
        2026-11-23T10:00:24.993832Z
        2026-11-23T10:00:50.224216Z
        2026-11-23T10:00:18.611502Z
        ");
    }

    #[test]
    fn the_servers_of_a_database_are_asked_together_and_vantages_never() {
        let schedule = |server: &str| DatabaseSchedule {
            database: "main".parse().unwrap(),
            server: server.parse().unwrap(),
            interval: Duration::from_secs(1),
            vantages: names(3),
        };
        let (primary, standby) = (schedule("primary"), schedule("standby1"));
        let start = time("2026-11-23T10:00:00Z");
        let first = |vantage| primary.slot_from(vantage, start).unwrap().to_string();
        let shown: Vec<String> = primary.vantages.iter().map(first).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        2026-11-23T10:00:00.158926Z
        2026-11-23T10:00:00.381674Z
        2026-11-23T10:00:00.911387Z
        ");
        let hour = start + jiff::SignedDuration::from_hours(1);
        let mut all = Vec::new();
        for vantage in &primary.vantages {
            let slots: Vec<_> = primary.slots(vantage, start, hour).collect();
            assert_eq!((slots.len() as u64, primary.count(vantage, start, hour)), (3600, 3600));
            assert_eq!(standby.slots(vantage, start, hour).collect::<Vec<_>>(), slots);
            assert!(slots.windows(2).all(|pair| primary.interval_index(pair[0]) < primary.interval_index(pair[1])));
            all.extend(
                slots.iter().map(|&slot| (primary.interval_index(slot), (slot.as_microsecond() % 1_000_000) / 333_334)),
            );
        }
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a third of each second for each vantage");
    }

    #[test]
    fn a_wrong_password_is_tried_at_one_vantage_in_turn() {
        let schedule = schedule("shop", RunKind::WrongPassword, Duration::from_secs(600), 3);
        let (from, to) = (time("2026-11-23T10:00:00Z"), time("2026-11-23T13:00:00Z"));
        let mut all: Vec<_> = schedule
            .vantages
            .iter()
            .enumerate()
            .flat_map(|(place, vantage)| schedule.slots(vantage, from, to).map(move |slot| (slot, place)))
            .collect();
        all.sort_unstable();
        assert_eq!(all.len(), 18, "one per interval, over all vantages");
        for pair in all.windows(2) {
            assert_eq!((pair[0].1 + 1) % 3, pair[1].1, "vantages in turn: {all:?}");
        }
        let stranger = VantageName::new("unlisted").unwrap();
        assert_eq!(schedule.slots(&stranger, from, to).count(), 0);
        assert_eq!(schedule.slot_from(&stranger, from), None);
    }

    #[test]
    fn accounts_take_turns_and_never_meet_in_an_interval() {
        let login = schedule("shop", RunKind::Login, Duration::from_secs(60), 3);
        let from = time("2026-11-23T10:00:00Z");
        for index in 0..12 {
            let instant = from + jiff::SignedDuration::from_secs(60 * index);
            let used: std::collections::BTreeSet<_> =
                login.vantages.iter().map(|vantage| login.account_turn(vantage, instant, 3).unwrap()).collect();
            assert_eq!(used.len(), 3);
        }
        for (vantages, accounts) in [(1, 2), (2, 2), (3, 3), (2, 4), (3, 2)] {
            let wrong = schedule("shop", RunKind::WrongPassword, Duration::from_secs(60), vantages);
            let to = from + jiff::SignedDuration::from_hours(2);
            for vantage in &wrong.vantages {
                let used: std::collections::BTreeSet<_> =
                    wrong.slots(vantage, from, to).map(|slot| wrong.account_turn(vantage, slot, accounts)).collect();
                assert_eq!(used.len(), accounts, "{vantages} vantages, {accounts} accounts");
            }
        }
        assert_eq!(login.account_turn(&login.vantages[0], from, 0), None);
    }

    const SLOTS: f64 = 10_000.0;

    /// The share of slots that meet a fault which lasts `length` in each `period`.
    fn share_hit(schedule: &Schedule, vantage: &VantageName, period: f64, length: f64) -> f64 {
        let from = time("2026-11-01T00:00:00Z");
        let slots: Vec<_> = schedule.slots(vantage, from, from + schedule.interval * SLOTS as u32).collect();
        let hit = slots.iter().filter(|slot| (slot.as_microsecond() as f64 / 1e6) % period < length).count();
        hit as f64 / slots.len() as f64
    }

    #[test]
    fn a_fault_with_a_period_of_its_own_is_hit_at_its_true_share() {
        // A steady probe would meet these always or never: the period divides the interval, or is a multiple of it.
        for interval in [5, 10, 60] {
            for vantages in [1, 3] {
                let schedule = schedule("shop", RunKind::Login, Duration::from_secs(interval), vantages);
                for period in [1.0, 2.0, interval as f64 / 3.0, interval as f64, 2.0 * interval as f64, 7.3] {
                    for vantage in &schedule.vantages {
                        let share = share_hit(&schedule, vantage, period, 0.35 * period);
                        // Four standard deviations of a binomial share.
                        let allowed = 4.0 * (0.35 * 0.65 / SLOTS).sqrt();
                        assert!((share - 0.35).abs() < allowed, "{interval} s, period {period} s: {share:.3}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_five_second_probe_measures_a_ten_second_flap_at_its_share() {
        // A standby that is away for 8.25 s of each 10 s, and a deadline of 5 s: logins of the first 3.25 s fail. Users had
        // 34.9 % where a steady probe saw one failure in nine.
        let (away, cycle, deadline) = (8.25, 10.0, 5.0);
        for vantages in [1, 2, 3] {
            let schedule = schedule("shop", RunKind::Login, Duration::from_secs(5), vantages);
            for vantage in &schedule.vantages {
                let share = share_hit(&schedule, vantage, cycle, away - deadline);
                assert!((share - 0.325).abs() < 4.0 * (0.325 * 0.675 / SLOTS).sqrt(), "{vantages}: {share:.3}");
            }
        }
        // Every five seconds on the dot: of two slots in a cycle one always fails or none ever does.
        let steady =
            |offset: f64| (0..1_000).filter(|n| (f64::from(*n) * 5.0 + offset) % cycle < away - deadline).count();
        assert_eq!([steady(0.0), steady(4.0)], [500, 0]);
    }

    #[test]
    fn flows_do_not_fire_together() {
        // 500 flows of one interval: in no hundredth of it more than a few times the even number of five.
        let start = time("2026-11-23T10:00:00Z");
        let mut filled = [0_u32; 100];
        for number in 0..500 {
            let schedule = schedule(&format!("flow-{number}"), RunKind::Login, Duration::from_secs(5), 1);
            let slot = schedule.slot_in(&schedule.vantages[0], schedule.interval_index(start)).unwrap();
            filled[(slot.as_microsecond().rem_euclid(5_000_000) / 50_000) as usize] += 1;
        }
        assert!(filled.iter().all(|&count| count < 20), "{filled:?}");
        assert!(filled.iter().filter(|&&count| count == 0).count() < 10, "{filled:?}");
    }

    #[test]
    fn an_empty_span_and_an_empty_interval_hold_no_slot() {
        let one = schedule("shop", RunKind::Login, Duration::from_secs(5), 1);
        let now = time("2026-11-23T10:00:00Z");
        assert_eq!(one.slots(&one.vantages[0], now, now).count(), 0);
        let none = schedule("shop", RunKind::Login, Duration::ZERO, 1);
        let later = now + jiff::SignedDuration::from_hours(1);
        assert_eq!(none.slots(&none.vantages[0], now, later).count(), 0);
        assert_eq!((none.count(&none.vantages[0], now, later), none.slot_from(&none.vantages[0], now)), (0, None));
    }

    proptest! {
        #[test]
        fn there_is_exactly_one_slot_in_each_interval_and_each_vantage_has_its_own_share(
            seconds in 1_u64..4000, vantages in 1_usize..9, start in -1_000_000_i64..3_000_000_000, flow in "[a-z]{1,12}",
        ) {
            let schedule = schedule(&flow, RunKind::Login, Duration::from_secs(seconds), vantages);
            let first = schedule.interval_index(Timestamp::from_second(start).unwrap());
            let micros = seconds as i64 * 1_000_000;
            for index in first..first + 20 {
                let mut shares: Vec<i64> = Vec::new();
                for vantage in &schedule.vantages {
                    let slot = schedule.slot_in(vantage, index).unwrap();
                    prop_assert_eq!(schedule.interval_index(slot), index);
                    let inside = slot.as_microsecond() - index * micros;
                    // Share s is [s * interval / n, (s + 1) * interval / n), rounded down at both ends.
                    shares.push(((inside + 1) * vantages as i64 - 1) / micros);
                }
                shares.sort_unstable();
                prop_assert_eq!(shares, (0..vantages as i64).collect::<Vec<_>>());
            }
        }

        #[test]
        fn slots_do_not_depend_on_where_one_begins_to_look(
            seconds in 1_u64..600, vantages in 0_usize..5, place in 0_usize..5, cut in 0_i64..36_000, wrong in any::<bool>(),
        ) {
            let kind = if wrong { RunKind::WrongPassword } else { RunKind::Login };
            let schedule = schedule("shop", kind, Duration::from_secs(seconds), vantages);
            let vantage = VantageName::new(&format!("v{place}")).unwrap();
            let from = time("2026-11-23T10:00:00Z");
            let (middle, to) = (from + jiff::SignedDuration::from_secs(cut), from + jiff::SignedDuration::from_hours(10));
            let whole: Vec<_> = schedule.slots(&vantage, from, to).collect();
            let mut parts: Vec<_> = schedule.slots(&vantage, from, middle).collect();
            prop_assert_eq!(parts.len() as u64, schedule.count(&vantage, from, middle));
            parts.extend(schedule.slots(&vantage, middle, to));
            prop_assert!(whole.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(whole.len() as u64, schedule.count(&vantage, from, to));
            prop_assert_eq!(&whole, &parts);
            if let Some(&first) = whole.first() {
                prop_assert_eq!(schedule.slot_from(&vantage, from), Some(first));
            }
        }
    }
}
