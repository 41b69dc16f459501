//! Does the fan of a running week hold what it promises (F5's outlook)? Weeks whose ends are known are cut at a day, and
//! asked about from the days before. The share of the budget that is spent in the end has to lie inside of the fan in
//! 93 % to 99 % of them when twelve weeks are known; from fewer days it holds less, as much as is said beside it. More
//! weeks, and the figures: `COVERAGE_WEEKS=20000 cargo test --test it -- outlook_coverage:: --nocapture`.

use std::io::Write as _;

use doorstep::model::SplitMix;
use doorstep::slo::{OutlookQuestion, Tally, fan_coverage, outlook};

/// Logins of a day.
const DAY: u64 = 1_440;
const TARGET: f64 = 0.999;
const BACKGROUND: f64 = 0.0005;

fn weeks() -> u64 {
    std::env::var("COVERAGE_WEEKS").map_or(400, |weeks| weeks.parse().expect("COVERAGE_WEEKS is a number"))
}

/// How many fail on each of so many days: single ones, and outages of one minute's logins after the other, which may last
/// over midnight.
fn days(random: &mut SplitMix, count: usize, (per_week, minutes): (f64, f64)) -> Vec<Tally> {
    let mut down = vec![0.0_f64; count * DAY as usize];
    for _ in 0..random.poisson(per_week * count as f64 / 7.0) {
        let from = random.unit() * down.len() as f64;
        let to = (from + random.exponential(minutes)).min(down.len() as f64);
        for (minute, down) in down.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
            let part = to.min(minute as f64 + 1.0) - from.max(minute as f64);
            *down = (*down + part).min(1.0);
        }
    }
    let day = |minutes: &[f64]| {
        let in_outages = minutes.iter().filter(|&&down| down > 0.0 && random.chance(down)).count() as u64;
        let bad = (in_outages + random.poisson(BACKGROUND * DAY as f64)).min(DAY);
        Tally { good: DAY - bad, bad }
    };
    down.chunks(DAY as usize).map(day).collect()
}

/// The share of weeks whose end lies inside of the fan that so many past days gave.
fn coverage(past: usize, outages: (f64, f64)) -> f64 {
    let mut random = SplitMix::of(&[23, past as u64, outages.0.to_bits()]);
    let mut inside = 0;
    for _ in 0..weeks() {
        let all = days(&mut random, past + 7, outages);
        let until = past + 1 + random.below(6) as usize;
        let so_far = all[past..until].iter().fold(Tally::default(), |sum, day| sum + *day);
        let question = OutlookQuestion {
            past: &all[..past],
            coming: &vec![DAY; past + 7 - until],
            so_far,
            target: TARGET,
            together: 2.0,
            seed: random.word(),
        };
        let fan = outlook(&question).expect("an outlook").spent.last().expect("a day to come").most;
        let spent = all[past..].iter().map(|day| day.bad).sum::<u64>() as f64 / ((1.0 - TARGET) * 7.0 * DAY as f64);
        inside += u64::from(fan.low - 1e-9 <= spent && spent <= fan.high + 1e-9);
    }
    let share = inside as f64 / weeks() as f64;
    let (per_week, minutes) = outages;
    writeln!(std::io::stderr(), "{past} days, {per_week} outages a week of {minutes} min: {share:.3}").expect("heard");
    share
}

#[test]
fn the_fan_of_a_running_week_holds_its_end() {
    for outages in [(1.5, 10.0), (0.5, 20.0), (0.0, 1.0)] {
        let share = coverage(84, outages);
        assert!((0.93..=0.99).contains(&share), "{outages:?}: {share}");
    }
}

#[test]
fn from_few_days_the_fan_holds_as_much_as_is_said_beside_it() {
    for outages in [(1.5, 10.0), (0.5, 20.0)] {
        for past in [7, 14, 28, 56] {
            let (share, said) = (coverage(past, outages), fan_coverage(past));
            let error = 3.0 * (said * (1.0 - said) / weeks() as f64).sqrt();
            assert!((share - said).abs() <= error + 0.03, "{past} days, {outages:?}: {share}, and {said} is said");
        }
    }
}
