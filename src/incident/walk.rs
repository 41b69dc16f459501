//! The course of probes in a trial, from failure to failure: what lies between is known to be good, and told when it
//! matters.

use std::collections::VecDeque;

use crate::model::SplitMix;

use super::rivals::{Rule, RuleName};
use super::trial::{CutOff, Extra, Layout, Spacing, Trial, YEAR};

/// Seconds from a failure to the extra probe, extra successes that end a burst, and extra probes in any hour.
const EXTRA_EVERY: f64 = 5.0;
const EXTRA_UNTIL: u32 = 6;
const EXTRA_PER_HOUR: usize = 24;

/// When probe `number` of all vantages together is due, and which vantage makes it.
#[derive(Debug, Clone, Copy)]
struct Timetable {
    vantages: u64,
    /// Seconds of one share of an interval: each holds one probe.
    apart: f64,
    spacing: Spacing,
    seed: u64,
}

impl Timetable {
    fn new(layout: Layout, seed: u64) -> Self {
        let vantages = u64::from(layout.vantages);
        Self { vantages, apart: layout.interval / vantages as f64, spacing: layout.spacing, seed }
    }

    /// Seconds since the beginning.
    fn at(self, number: u64) -> f64 {
        let place = match self.spacing {
            Spacing::Even => 0.0,
            Spacing::ByChance => SplitMix::of(&[self.seed, 1, number]).unit(),
        };
        (number as f64 + place) * self.apart
    }

    /// How many are due before an instant.
    fn before(self, at: f64) -> u64 {
        let share = (at / self.apart).floor().max(0.0) as u64;
        share + u64::from(self.at(share) < at)
    }

    /// By how much the vantages' order is turned in an interval.
    fn turn(self, interval: u64) -> u64 {
        match self.spacing {
            Spacing::Even => 0,
            Spacing::ByChance => SplitMix::of(&[self.seed, 2, interval]).below(self.vantages),
        }
    }

    fn vantage(self, number: u64) -> usize {
        ((number + self.turn(number / self.vantages)) % self.vantages) as usize
    }

    /// The place of a vantage's probe within an interval.
    fn place(self, vantage: usize, interval: u64) -> u64 {
        (vantage as u64 + self.vantages - self.turn(interval)) % self.vantages
    }

    /// How many of the probes before this number are of a vantage.
    fn of_vantage(self, vantage: usize, before: u64) -> u64 {
        let interval = before / self.vantages;
        interval + u64::from(self.place(vantage, interval) < before % self.vantages)
    }

    /// The first probe of a vantage with this number or a later one.
    fn next(self, vantage: usize, number: u64) -> u64 {
        let interval = number / self.vantages;
        let here = interval * self.vantages + self.place(vantage, interval);
        if here >= number { here } else { (interval + 1) * self.vantages + self.place(vantage, interval + 1) }
    }
}

/// One vantage's times without a network, from and to: the next one that meets a scheduled probe, and the one before.
#[derive(Debug, Clone, Copy)]
struct Outside {
    before: (f64, f64),
    from: f64,
    to: f64,
}

impl Outside {
    fn after(before: (f64, f64), cut_off: CutOff, random: &mut SplitMix) -> Self {
        let from = before.1 + random.exponential(YEAR / cut_off.per_year);
        Self { before, from, to: from + random.exponential(cut_off.seconds) }
    }

    fn holds(self, at: f64) -> bool {
        (self.before.0..self.before.1).contains(&at) || (self.from..self.to).contains(&at)
    }
}

/// Extra probes after a failure.
#[derive(Debug, Clone, Copy)]
struct Burst {
    next: f64,
    vantage: usize,
    successes: u32,
}

/// The course of probes.
pub(super) struct Walk {
    vantages: usize,
    table: Timetable,
    pub(super) random: SplitMix,
    /// How vantages are cut off, and when each is.
    cut_off: Option<(CutOff, SplitMix)>,
    outside: Vec<Outside>,
    /// Scheduled probes that happened.
    passed: u64,
    /// Of each vantage, scheduled probes that the rules know.
    told: Vec<u64>,
    /// Bursts by the vantage that failed; one for all when they go round.
    bursts: Vec<Option<Burst>>,
    kind: Option<Extra>,
    recent: Vec<VecDeque<f64>>,
    pub(super) extra: u64,
}

impl Walk {
    pub(super) fn new(trial: &Trial, with_extra: bool, mut random: SplitMix) -> Self {
        let vantages = trial.layout.vantages as usize;
        let kind = with_extra.then_some(trial.extra);
        let sources = if kind == Some(Extra::InTurn) { 1 } else { vantages };
        let (table, mut cuts) = match trial.layout.spacing {
            Spacing::Even => (Timetable::new(trial.layout, 0), SplitMix::of(&[trial.seed, 3])),
            Spacing::ByChance => (Timetable::new(trial.layout, random.word()), SplitMix::of(&[random.word()])),
        };
        let each = |cut_off| (0..vantages).map(|_| Outside::after((0.0, 0.0), cut_off, &mut cuts)).collect();
        let outside = trial.cut_off.map_or_else(Vec::new, each);
        Self {
            vantages,
            table,
            random,
            cut_off: trial.cut_off.map(|cut_off| (cut_off, cuts)),
            outside,
            passed: 0,
            told: vec![0; vantages],
            bursts: vec![None; sources],
            kind,
            recent: vec![VecDeque::new(); sources],
            extra: 0,
        }
    }

    /// Probes until `end` seconds, each failing with probability `share`. `alarm` is told rule, time and end of each
    /// alarm, and says whether to go on.
    pub(super) fn run(
        &mut self,
        rules: &mut [(RuleName, Box<dyn Rule>)],
        (share, end): (f64, f64),
        mut alarm: impl FnMut(usize, f64, f64) -> bool,
    ) {
        let apart = self.table.apart;
        let probes = move |window: f64| (window / apart).round() as u64;
        let mut failing = self.passed + self.gap(share);
        loop {
            let number = failing.min(self.next_cut_off());
            let scheduled = self.table.at(number);
            let burst = self.bursts.iter().flatten().map(|burst| burst.next).fold(f64::INFINITY, f64::min);
            let at = scheduled.min(burst);
            if at >= end {
                self.passed = self.table.before(end);
                return;
            }
            let vantage = if burst < scheduled {
                match self.extra_probe(rules, burst, share) {
                    Some(vantage) => vantage,
                    None => continue,
                }
            } else {
                let vantage = self.table.vantage(number);
                self.tell(rules, number);
                self.told[vantage] += 1;
                self.passed = number + 1;
                if number == failing {
                    failing += 1 + self.gap(share);
                }
                vantage
            };
            if burst < scheduled {
                // What was scheduled meanwhile was good.
                let before = self.table.before(at);
                self.tell(rules, before);
            }
            let mut go_on = true;
            for (place, (_, rule)) in rules.iter_mut().enumerate() {
                if let Some(until) = rule.fail(at, vantage, &probes) {
                    go_on &= alarm(place, at, until);
                }
            }
            if !go_on {
                return;
            }
            self.begin_burst(vantage, at);
        }
    }

    /// The next scheduled probe of a vantage that is cut off; none while none ever is.
    fn next_cut_off(&mut self) -> u64 {
        let Some((cut_off, random)) = &mut self.cut_off else { return u64::MAX };
        let mut first = u64::MAX;
        for (vantage, outside) in self.outside.iter_mut().enumerate() {
            loop {
                let number = self.table.next(vantage, self.passed.max(self.table.before(outside.from)));
                if self.table.at(number) < outside.to {
                    first = first.min(number);
                    break;
                }
                *outside = Outside::after((outside.from, outside.to), *cut_off, random);
            }
        }
        first
    }

    /// Good probes before the next failure.
    fn gap(&mut self, share: f64) -> u64 {
        if share >= 1.0 {
            return 0;
        }
        // 1 - unit is never 0.
        ((1.0 - self.random.unit()).ln() / (-share).ln_1p()).floor() as u64
    }

    /// Tells the rules of every scheduled probe before this one, all good.
    fn tell(&mut self, rules: &mut [(RuleName, Box<dyn Rule>)], before: u64) {
        for vantage in 0..self.vantages {
            let due = self.table.of_vantage(vantage, before);
            let good = due.saturating_sub(self.told[vantage]);
            if good > 0 {
                let count = u32::try_from(good).unwrap_or(u32::MAX);
                rules.iter_mut().for_each(|(_, rule)| rule.pass(vantage, count));
                self.told[vantage] = due;
            }
        }
    }

    fn begin_burst(&mut self, vantage: usize, at: f64) {
        let (source, from) = match self.kind {
            None => return,
            Some(Extra::SamePlace) => (vantage, vantage),
            Some(Extra::InTurn) => (0, (vantage + 1) % self.vantages),
        };
        match &mut self.bursts[source] {
            Some(burst) => burst.successes = 0,
            none => *none = Some(Burst { next: at + EXTRA_EVERY, vantage: from, successes: 0 }),
        }
    }

    /// Makes the extra probe that is due; its vantage when it failed.
    fn extra_probe(&mut self, rules: &mut [(RuleName, Box<dyn Rule>)], at: f64, share: f64) -> Option<usize> {
        let source = self.bursts.iter().position(|burst| burst.is_some_and(|burst| burst.next <= at))?;
        let recent = &mut self.recent[source];
        while recent.front().is_some_and(|&first| first <= at - 3_600.0) {
            recent.pop_front();
        }
        let burst = self.bursts[source].as_mut()?;
        if recent.len() >= EXTRA_PER_HOUR {
            self.bursts[source] = None;
            return None;
        }
        recent.push_back(at);
        self.extra += 1;
        let vantage = burst.vantage;
        burst.next = at + EXTRA_EVERY;
        if self.kind == Some(Extra::InTurn) {
            burst.vantage = (vantage + 1) % self.vantages;
        }
        let cut_off = self.outside.get(vantage).is_some_and(|outside| outside.holds(at));
        if self.random.chance(share) || cut_off {
            burst.successes = 0;
            return Some(vantage);
        }
        burst.successes += 1;
        if burst.successes >= EXTRA_UNTIL {
            self.bursts[source] = None;
        }
        rules.iter_mut().for_each(|(_, rule)| rule.pass(vantage, 1));
        None
    }
}
