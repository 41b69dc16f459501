//! What the rest of a period, or the next one, may be (F5's outlook): the past's days drawn again, in runs of days, so
//! that failures stay together as they came. Nothing is assumed of how outages are distributed; what never happened in
//! the past days is not foreseen either, and a reader has to be told so.

use crate::model::{Revision, SplitMix};

use super::interval::Interval;
use super::tally::Tally;

/// Fewer past days with events than this say too little.
pub const LEAST_DAYS: usize = 7;
/// How often the coming days are drawn. A chance of a half then has a standard error of 0.8 of a percent.
const RESAMPLES: usize = 4_000;

/// What an outlook is asked.
#[derive(Debug, Clone, Copy)]
pub struct OutlookQuestion<'a> {
    /// Good and bad events of past days, in order. Days without events are passed over.
    pub past: &'a [Tally],
    /// Events planned for each coming day, in order; the first may be the rest of today.
    pub coming: &'a [u64],
    /// What the period has had so far; nothing for a period that is still to begin.
    pub so_far: Tally,
    /// The promised share, below 1.
    pub target: f64,
    /// Past days that are drawn together on average, at least 1: 2 keeps an outage over midnight in one piece.
    pub together: f64,
    /// Decides all draws: [`outlook_seed`].
    pub seed: u64,
}

/// A fan of what may come.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Past days that were drawn from.
    pub days: usize,
    /// The share of the whole period's budget that is spent, after each coming day.
    pub spent: Vec<SpentFan>,
    /// Median of the whole period's availability.
    pub availability: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Its standard deviation.
    pub deviation: f64,
    /// The chance to end inside the budget: availability at or over the target.
    pub inside: f64,
}

/// Quantiles of the share of a budget that is spent; 1 is all of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpentFan {
    /// The middle 95 %.
    pub most: Interval,
    /// The middle half.
    pub half: Interval,
    /// The median.
    pub median: f64,
}

/// The seed that belongs to a set of runs: the same data gives the same outlook.
#[must_use]
pub fn outlook_seed(data: &Revision) -> u64 {
    let bytes = data.as_str().bytes();
    bytes.fold(0, |seed, byte| SplitMix::of(&[seed, u64::from(byte)]).word())
}

/// Of running weeks with a known end, how many ended inside of the fan of 95 % that so many past days gave: as simulated
/// with single failures, and with outages once in two weeks and more often (`tests/it/outlook_coverage.rs`). Few days
/// have seen few outages, so that their draws are too much alike.
#[must_use]
pub fn fan_coverage(days: usize) -> f64 {
    match days {
        0..14 => 0.73,
        14..28 => 0.83,
        28..56 => 0.86,
        56..84 => 0.92,
        _ => 0.95,
    }
}

/// The outlook: the stationary bootstrap over days (Politis and Romano, Journal of the American Statistical Association
/// 89, 1994, whose blocks have a geometric length). The failing share of each drawn day is laid on the events planned
/// for the coming one. `None` with fewer than [`LEAST_DAYS`] past days, or when nothing is to come or was ever due.
#[must_use]
pub fn outlook(question: &OutlookQuestion<'_>) -> Option<Outlook> {
    let shares: Vec<f64> = question.past.iter().filter_map(|day| day.share()).map(|good| 1.0 - good).collect();
    let total = question.so_far.total() + question.coming.iter().sum::<u64>();
    if shares.len() < LEAST_DAYS || question.coming.is_empty() || total == 0 {
        return None;
    }
    let budget = (1.0 - question.target) * total as f64;
    let mut random = SplitMix::new(question.seed);
    // One column per coming day, of failures so far in each resample.
    let mut columns = vec![Vec::with_capacity(RESAMPLES); question.coming.len()];
    for _ in 0..RESAMPLES {
        let mut failed = question.so_far.bad as f64;
        let mut days = Days { shares: &shares, at: None, together: question.together };
        for (column, &planned) in columns.iter_mut().zip(question.coming) {
            failed += days.next(&mut random) * planned as f64;
            column.push(failed);
        }
    }
    for column in &mut columns {
        column.sort_by(f64::total_cmp);
    }
    let last = columns.last()?;
    let available = |failed: f64| 1.0 - failed / total as f64;
    let mean = last.iter().sum::<f64>() / last.len() as f64;
    let variance = last.iter().map(|failed| (failed - mean).powi(2)).sum::<f64>() / last.len() as f64;
    // A budget that is spent to the last event is kept; rounding must not spend it.
    let inside = last.iter().filter(|&&failed| failed <= budget * (1.0 + 1e-9)).count();
    Some(Outlook {
        days: shares.len(),
        spent: columns.iter().map(|column| fan(column, budget)).collect(),
        availability: available(quantile(last, 0.5)),
        interval: Interval { low: available(quantile(last, 0.975)), high: available(quantile(last, 0.025)) },
        deviation: variance.sqrt() / total as f64,
        inside: inside as f64 / last.len() as f64,
    })
}

/// Past days drawn in runs; after the last one comes the first.
struct Days<'a> {
    shares: &'a [f64],
    at: Option<usize>,
    together: f64,
}

impl Days<'_> {
    fn next(&mut self, random: &mut SplitMix) -> f64 {
        let fresh = random.unit() * self.together < 1.0;
        let at = match self.at {
            Some(at) if !fresh => (at + 1) % self.shares.len(),
            _ => random.below(self.shares.len() as u64) as usize,
        };
        self.at = Some(at);
        self.shares[at]
    }
}

fn fan(sorted: &[f64], budget: f64) -> SpentFan {
    let spent = |part| quantile(sorted, part) / budget;
    SpentFan {
        most: Interval { low: spent(0.025), high: spent(0.975) },
        half: Interval { low: spent(0.25), high: spent(0.75) },
        median: spent(0.5),
    }
}

/// The value of rank ceil(part x n), from 1.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let rank = (part * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(total: u64, bad: u64) -> Tally {
        Tally { good: total - bad, bad }
    }

    fn ask<'a>(past: &'a [Tally], coming: &'a [u64], so_far: Tally, target: f64) -> OutlookQuestion<'a> {
        OutlookQuestion { past, coming, so_far, target, together: 1.0, seed: 7 }
    }

    #[test]
    fn the_chance_is_that_of_the_binomial_when_one_day_in_ten_is_bad() {
        // Each of seven coming days is bad with 1/10 and costs 100 of 1,000; the budget of 150 bears one such day:
        // 0.9^7 + 7 x 0.1 x 0.9^6 = 0.8503.
        let mut past = vec![day(1_000, 0); 9];
        past.push(day(1_000, 100));
        let coming = [1_000; 7];
        let seen = outlook(&ask(&past, &coming, Tally::default(), 1.0 - 150.0 / 7_000.0)).unwrap();
        // Three standard errors of 4,000 draws.
        assert!((seen.inside - 0.8503).abs() < 3.0 * (0.8503 * 0.1497 / 4_000.0_f64).sqrt(), "{seen:?}");
        assert_eq!(seen.spent.len(), 7);
        // The standard deviation of seven days: sqrt(7 x 0.09) x 100 of 7,000.
        assert!((seen.deviation / ((7.0_f64 * 0.09).sqrt() / 70.0) - 1.0).abs() < 0.05, "{seen:?}");
        assert!((seen.availability - 1.0).abs() < 1.0 / 70.0 + 1e-9);
    }

    /// slo.md F5: one outage a week of mean 10 minutes: the weekly value has a standard deviation of 0.00137, while that
    /// of independent probes would be 0.00031.
    #[test]
    fn outages_make_weeks_differ_more_than_single_probes_would() {
        let mut random = SplitMix::new(11);
        let past: Vec<Tally> = (0..7 * 400)
            .map(|_| {
                let outages = random.poisson(1.0 / 7.0);
                let minutes: f64 = (0..outages).map(|_| random.exponential(10.0)).sum();
                day(1_440, (minutes.round() as u64).min(1_440))
            })
            .collect();
        let coming = [1_440; 7];
        let seen = outlook(&OutlookQuestion { together: 2.0, ..ask(&past, &coming, Tally::default(), 0.999) }).unwrap();
        assert!((0.00123..0.00151).contains(&seen.deviation), "{}", seen.deviation);
    }

    #[test]
    fn what_is_spent_stays_spent_and_what_is_kept_is_kept() {
        let past = vec![day(1_440, 0); 7];
        let all_spent = outlook(&ask(&past, &[1_440], day(8_640, 11), 0.999)).unwrap();
        assert_eq!((all_spent.inside, all_spent.deviation), (0.0, 0.0));
        // 10 of 10,000 at 99.9 % is the whole budget, and no more.
        let to_the_last = outlook(&ask(&past, &[5_000], day(5_000, 10), 0.999)).unwrap();
        assert_eq!(to_the_last.inside, 1.0);
        assert!((to_the_last.spent[0].median - 1.0).abs() < 1e-9);
    }

    #[test]
    fn days_that_go_together_are_drawn_together() {
        // Outages of two days: alone each second day would be drawn as often without the first.
        let past: Vec<Tally> = (0..60).map(|n| day(1_000, if n % 10 < 2 { 100 } else { 0 })).collect();
        let coming = [1_000; 2];
        let spread = |together| {
            let question = OutlookQuestion { together, ..ask(&past, &coming, Tally::default(), 0.9) };
            outlook(&question).unwrap().deviation
        };
        assert!(spread(20.0) > 1.1 * spread(1.0), "{} {}", spread(20.0), spread(1.0));
    }

    #[test]
    fn too_little_is_no_outlook() {
        let past = [day(1_440, 1); 6];
        assert_eq!(outlook(&ask(&past, &[1_440], Tally::default(), 0.999)), None);
        let with_empty_days = [[Tally::default(); 6], past].concat();
        assert_eq!(outlook(&ask(&with_empty_days, &[1_440], Tally::default(), 0.999)), None);
        let enough = [day(1_440, 1); 7];
        assert_eq!(outlook(&ask(&enough, &[], Tally::default(), 0.999)), None);
        assert_eq!(outlook(&ask(&enough, &[0], Tally::default(), 0.999)), None);
        assert!(outlook(&ask(&enough, &[1_440], Tally::default(), 0.999)).is_some());
    }

    #[test]
    fn the_same_data_has_the_same_seed() {
        let (one, two) = (Revision::of(b"one"), Revision::of(b"two"));
        assert_eq!(outlook_seed(&one), outlook_seed(&one.clone()));
        assert_ne!(outlook_seed(&one), outlook_seed(&two));
    }

    proptest! {
        #[test]
        fn the_fan_widens_and_is_in_order(
            bad in proptest::collection::vec(0..200_u64, 7..20), coming in 1..10_usize, seed: u64,
        ) {
            let past: Vec<Tally> = bad.iter().map(|&bad| day(1_000, bad)).collect();
            let planned = vec![1_000; coming];
            let question = OutlookQuestion { seed, together: 2.0, ..ask(&past, &planned, Tally::default(), 0.99) };
            let seen = outlook(&question).unwrap();
            prop_assert_eq!(&Some(seen.clone()), &outlook(&question));
            for fan in &seen.spent {
                let ends = [fan.most.low, fan.half.low, fan.median, fan.half.high, fan.most.high];
                prop_assert!(ends.windows(2).all(|pair| pair[0] <= pair[1]), "{ends:?}");
            }
            for pair in seen.spent.windows(2) {
                prop_assert!(pair[0].median <= pair[1].median && pair[0].most.high <= pair[1].most.high);
            }
            prop_assert!(seen.interval.low <= seen.availability && seen.availability <= seen.interval.high);
        }
    }
}
