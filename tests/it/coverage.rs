//! Do the 95 % intervals hold what they promise? Weeks with a known truth are drawn, probed, and measured with our own
//! formulas; the truth has to lie inside in 93 % to 99 % of them. States and instants only, except where
//! the detector itself is asked. More weeks, and the figures:
//!
//! ```text
//! COVERAGE_WEEKS=20000 cargo test --test it -- coverage:: --nocapture
//! ```

use std::fmt::Write as _;
use std::io::Write as _;

use doorstep::history::History;
use doorstep::impact::Estimate;
use doorstep::incident::{Incident, Rules, Scope, Symptom, detect};
use doorstep::model::SplitMix;
use doorstep::simulate::{Given, Script, Simulation};
use doorstep::slo::{
    Episode, Interval, Period, measured_availability, measured_with_episodes, midpoint_deviation, observed_deviation,
    wilson,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const WEEK: f64 = 7.0 * 86_400.0;
const INTERVAL: f64 = 60.0;

/// Weeks for each way of probing: a thousand, or as many as the environment says.
fn weeks() -> u64 {
    std::env::var("COVERAGE_WEEKS").map_or(1_000, |weeks| weeks.parse().expect("COVERAGE_WEEKS is a number"))
}

/// How probes lie in time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Spacing {
    /// One after each interval, as formulas have it.
    Even,
    /// One anywhere within each interval, as our slots are.
    ByChance,
}

/// A way of probing: `vantages` share each interval evenly.
#[derive(Debug, Clone, Copy)]
struct Probing {
    vantages: u32,
    spacing: Spacing,
    seed: u64,
}

impl Probing {
    /// Seconds per probe.
    fn step(self) -> f64 {
        INTERVAL / f64::from(self.vantages)
    }

    fn probes(self) -> u64 {
        (WEEK / self.step()).round() as u64
    }

    /// When the probe of this number is due.
    fn slot(self, number: i64) -> f64 {
        let place = match self.spacing {
            Spacing::Even => 0.5,
            Spacing::ByChance => SplitMix::of(&[self.seed, number.cast_unsigned()]).unit(),
        };
        (number as f64 + place) * self.step()
    }

    /// What probes see of an outage in which everything fails; `None` when it falls between them.
    fn meet(self, (from, to): (f64, f64)) -> Option<Seen> {
        let mut number = (from / self.step()).floor() as i64 - 2;
        let mut last_good = self.slot(number);
        while self.slot(number) < from {
            last_good = self.slot(number);
            number += 1;
        }
        let first_bad = self.slot(number);
        let mut seen =
            Seen { not_before: last_good, begun_by: first_bad, lasted_until: first_bad, over_by: 0.0, failures: 0 };
        while self.slot(number) < to {
            seen.lasted_until = self.slot(number);
            seen.failures += 1;
            number += 1;
        }
        seen.over_by = self.slot(number);
        (seen.failures > 0).then_some(seen)
    }
}

/// An outage as probes bound it (F8, with probes that take no time).
#[derive(Debug, Clone, Copy)]
struct Seen {
    not_before: f64,
    begun_by: f64,
    lasted_until: f64,
    over_by: f64,
    failures: u64,
}

impl Seen {
    fn bounds(self) -> Interval {
        Interval { low: self.lasted_until - self.begun_by, high: self.over_by - self.not_before }
    }

    fn middle(self) -> f64 {
        f64::midpoint(self.bounds().low, self.bounds().high)
    }
}

/// The outages of a week: about `mean` of them, ten minutes long on average, never two at once.
fn outages(random: &mut SplitMix, mean: f64) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = Vec::new();
    for _ in 0..random.poisson(mean) {
        let from = 3_600.0 + random.unit() * (WEEK - 10.0 * 3_600.0);
        let to = from + random.exponential(600.0).min(4.0 * 3_600.0);
        if all.iter().all(|other| to + 600.0 < other.0 || other.1 + 600.0 < from) {
            all.push((from, to));
        }
    }
    all
}

fn held(interval: Interval, truth: f64) -> bool {
    interval.low <= truth && truth <= interval.high
}

fn in_promise(what: &str, inside: u64, of: u64) {
    let share = inside as f64 / of as f64;
    writeln!(std::io::stderr(), "{what}: {inside} of {of}, {share:.4}").expect("somebody listens");
    assert!((0.93..=0.99).contains(&share), "{what}: {inside} of {of} intervals hold the truth, {share:.3}");
}

/// Every way of probing that is tried.
fn ways() -> Vec<Probing> {
    let each = |spacing| [1, 3].map(|vantages| Probing { vantages, spacing, seed: 20 + u64::from(vantages) });
    [Spacing::Even, Spacing::ByChance].into_iter().flat_map(each).collect()
}

#[test]
fn the_measured_availability_of_a_week_holds_the_truth() {
    for background in [0.0005, 0.002] {
        for probing in ways() {
            let mut random = SplitMix::of(&[1, probing.seed, (background * 1e6) as u64]);
            let mut inside = 0;
            for week in 0..weeks() {
                let probing = Probing { seed: SplitMix::of(&[probing.seed, week]).word(), ..probing };
                inside += u64::from(week_is_held(probing, background, &mut random));
            }
            in_promise(&format!("F5, {probing:?}, background {background}"), inside, weeks());
        }
    }
}

fn week_is_held(probing: Probing, background: f64, random: &mut SplitMix) -> bool {
    let outages = outages(random, 1.5);
    let down = outages.iter().map(|(from, to)| to - from).sum::<f64>() / WEEK;
    let seen: Vec<Seen> = outages.iter().filter_map(|&outage| probing.meet(outage)).collect();
    // A single failure is nobody's outage: it counts among the isolated ones.
    let (episodes, single): (Vec<&Seen>, Vec<&Seen>) = seen.iter().partition(|seen| seen.failures > 1);
    let inside: u64 = seen.iter().map(|seen| seen.failures).sum();
    let isolated = random.poisson(background * (probing.probes() - inside) as f64) + single.len() as u64;
    let episodes: Vec<_> = episodes.iter().map(|seen| (seen.bounds(), seen.failures)).collect();
    let measured = measured_availability(WEEK, &episodes, (probing.probes(), isolated), 0.95).unwrap();
    held(measured.interval, 1.0 - (down + (1.0 - down) * background))
}

/// Outages of all lengths from one interval up, each with what probes saw.
fn bounded(probing: Probing, count: u64) -> Vec<(f64, Seen)> {
    let mut random = SplitMix::of(&[2, probing.seed]);
    let one = |number: u64| {
        let probing = Probing { seed: SplitMix::of(&[probing.seed, number]).word(), ..probing };
        let from = 3_600.0 + random.unit() * 3_600.0;
        let length = INTERVAL + random.exponential(600.0);
        probing.meet((from, from + length)).map(|seen| (length, seen))
    };
    (0..count).filter_map(one).collect()
}

#[test]
fn the_bounds_of_an_outage_always_hold_its_length_and_two_deviations_usually_do() {
    for probing in ways() {
        let all = bounded(probing, 20_000);
        assert!(all.iter().all(|(length, seen)| held(seen.bounds(), *length)), "{probing:?}");
        let near = |(length, seen): &&(f64, Seen)| {
            let deviation = observed_deviation(std::iter::once(seen.bounds().width()));
            (seen.middle() - length).abs() <= 1.959_964 * deviation
        };
        in_promise(&format!("F8, {probing:?}"), all.iter().filter(near).count() as u64, all.len() as u64);
        // Ten outages together: the sum of their midpoints.
        let tens: Vec<&[(f64, Seen)]> = all.chunks_exact(10).collect();
        let near = |ten: &&&[(f64, Seen)]| {
            let deviation = observed_deviation(ten.iter().map(|(_, seen)| seen.bounds().width()));
            let error: f64 = ten.iter().map(|(length, seen)| seen.middle() - length).sum();
            error.abs() <= 1.959_964 * deviation
        };
        in_promise(&format!("F8 of ten, {probing:?}"), tens.iter().filter(near).count() as u64, tens.len() as u64);
    }
}

/// An outage in which a share fails, as probes see it: bounds of its length by as many good probes as prove that it had
/// not begun, and how many failed of how many (compare `incident::bounds`).
fn partial(probing: Probing, (from, to): (f64, f64), share: f64, random: &mut SplitMix) -> Option<Episode> {
    let first = (from / probing.step()).floor() as i64 - 400;
    let last = (to / probing.step()).ceil() as i64 + 400;
    let probes: Vec<(f64, bool)> = (first..last)
        .map(|number| probing.slot(number))
        .map(|slot| (slot, (from..to).contains(&slot) && random.chance(share)))
        .collect();
    let (begin, end) = (probes.iter().position(|probe| probe.1)?, probes.iter().rposition(|probe| probe.1)?);
    let n = end - begin + 1;
    let failures = probes[begin..=end].iter().filter(|probe| probe.1).count();
    let good = 1.0 - failures as f64 / n as f64;
    let needed = if good > 0.0 { (0.05_f64.ln() / good.ln()).floor() as usize } else { 0 };
    let (earliest, latest) = (probes[begin.checked_sub(needed + 1)?].0, probes.get(end + needed + 1)?.0);
    let (from, to) = ((earliest, probes[begin].0), (probes[end].0, latest));
    Some(Episode {
        duration: Interval { low: to.0 - from.1, high: to.1 - from.0 },
        deviation: (from.1 - from.0).hypot(to.1 - to.0) / 12.0_f64.sqrt(),
        // Everything between the good probes that bound it.
        probes: (n + 2 * needed) as u64,
        failures: failures as u64,
    })
}

#[test]
fn a_week_with_outages_for_a_part_of_the_users_is_held_as_well() {
    for (vantages, share) in [(1, 0.5), (3, 0.8), (3, 0.3)] {
        let mut random = SplitMix::of(&[3, u64::from(vantages), (share * 10.0) as u64]);
        let mut inside = 0;
        for _ in 0..weeks() {
            let probing = Probing { vantages, spacing: Spacing::ByChance, seed: random.word() };
            let outages = outages(&mut random, 1.5);
            let seen: Vec<Episode> =
                outages.iter().filter_map(|&outage| partial(probing, outage, share, &mut random)).collect();
            // Two failures and more are found as an incident.
            let (episodes, single): (Vec<Episode>, Vec<Episode>) = seen.into_iter().partition(|one| one.failures > 1);
            let hidden: u64 = episodes.iter().map(|one| one.probes).sum();
            let isolated = random.poisson(0.0005 * (probing.probes() - hidden) as f64) + single.len() as u64;
            let measured = measured_with_episodes(WEEK, &episodes, (probing.probes(), isolated), 0.95).unwrap();
            let down = outages.iter().map(|(from, to)| to - from).sum::<f64>() / WEEK;
            inside += u64::from(held(measured.interval, 1.0 - (down * share + (1.0 - down) * 0.0005)));
        }
        in_promise(&format!("F5 in part, {vantages} vantages, share {share}"), inside, weeks());
    }
}

/// People affected by an outage, estimated as F14 does, and in truth. `demand` gives the estimate of sign-ins per second
/// and what they truly were.
fn impact(
    probing: Probing,
    random: &mut SplitMix,
    demand: impl Fn(&mut SplitMix) -> (Estimate, f64),
) -> Option<(Estimate, f64)> {
    let (share, length) = (0.2 + 0.7 * random.unit(), 900.0 + random.exponential(2_700.0));
    let from = 1e6 + random.unit() * 3_600.0;
    let seen = partial(probing, (from, from + length), share, random)?;
    let middle = f64::midpoint(seen.duration.low, seen.duration.high);
    let duration = Estimate { low: seen.duration.low, middle, high: seen.duration.high };
    let failing = wilson(seen.probes, seen.failures, 0.95)?;
    let failing = Estimate { low: failing.low, middle: seen.failures as f64 / seen.probes as f64, high: failing.high };
    let (rate, true_rate) = demand(random);
    Some((duration.times(rate).times(failing), true_rate * length * share))
}

/// How many estimates hold the truth, of how many.
fn impacts_held(name: u64, probing: Probing, demand: impl Fn(&mut SplitMix) -> (Estimate, f64)) -> (u64, u64) {
    let mut random = SplitMix::of(&[4, name]);
    let mut all = (0, 0);
    for _ in 0..2 * weeks() {
        let probing = Probing { seed: random.word(), ..probing };
        let Some((estimate, truth)) = impact(probing, &mut random, &demand) else { continue };
        all = (all.0 + u64::from(held(Interval { low: estimate.low, high: estimate.high }, truth)), all.1 + 1);
    }
    all
}

/// Sign-ins per second of a usual week, and of this one, which differs as weeks do.
fn drawn_demand(random: &mut SplitMix) -> f64 {
    2.5 * (0.08 * random.normals().0).exp()
}

/// The median of eight weeks, with their 10th to 90th percentile.
fn logged(random: &mut SplitMix) -> (Estimate, f64) {
    let mut weeks: Vec<f64> = (0..8).map(|_| drawn_demand(random)).collect();
    weeks.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = part * 7.0;
        let below = weeks[place.floor() as usize];
        below + (weeks[place.ceil() as usize] - below) * place.fract()
    };
    (Estimate { low: at(0.1), middle: at(0.5), high: at(0.9) }, drawn_demand(random))
}

#[test]
fn people_affected_lie_within_the_bounds_of_the_estimate() {
    let probing = |vantages| Probing { vantages, spacing: Spacing::ByChance, seed: 0 };
    let (inside, of) = impacts_held(1, probing(1), |_| (Estimate::exact(2.5), 2.5));
    in_promise("F14, demand known, 1 vantage", inside, of);
    let (inside, of) = impacts_held(2, probing(3), |_| (Estimate::exact(2.5), 2.5));
    in_promise("F14, demand known, 3 vantages", inside, of);
    let (inside, of) = impacts_held(3, probing(1), logged);
    in_promise("F14, demand logged, 1 vantage", inside, of);
    let (inside, of) = impacts_held(4, probing(3), logged);
    in_promise("F14, demand logged, 3 vantages", inside, of);
}

/// Why the bounds' own widths are used: the deviation by the interval alone is right for even probes only.
#[test]
fn the_deviation_by_the_interval_alone_is_right_for_even_probes_only() {
    for probing in ways() {
        let all = bounded(probing, 20_000);
        let squares: f64 = all.iter().map(|(length, seen)| (seen.middle() - length).powi(2)).sum();
        let measured = (squares / all.len() as f64).sqrt();
        let by_interval = midpoint_deviation(probing.step(), 1);
        let expected = match probing.spacing {
            Spacing::Even => 1.0,
            // Gaps are triangular on 0 to 2T and met by their length: sqrt(1.5).
            Spacing::ByChance => 1.5_f64.sqrt(),
        };
        let ratio = measured / by_interval;
        assert!((ratio / expected - 1.0).abs() < 0.02, "{probing:?}: {measured} s, by the interval {by_interval} s");
    }
}

/// A flow with one outage in every six hours, each of another length, in which this share of logins fails, beside a
/// background of single failures; what the detector makes of it; and the truth.
fn detected(share: f64, background: f64) -> (Vec<Incident>, Vec<(Timestamp, Timestamp)>) {
    let mut random = SplitMix::new(8);
    let mut text = format!(
        "seed: 8\nfrom: 2024-03-04\nto: 50d\nvantages: [{{ name: a }}, {{ name: b }}, {{ name: c }}]\n\
         flows: [{{ name: shop, interval: 60s, background: {background} }}]\noutages:\n"
    );
    let mut truth = Vec::new();
    let begin: Timestamp = "2024-03-04T00:00:00Z".parse().unwrap();
    for number in 0..199_i64 {
        let from = (number + 1) * 6 * 3_600_000_000 + random.below(3_600_000_000) as i64;
        let to = from + 300_000_000 + random.exponential(1.2e9).min(7.2e9) as i64;
        let at = |micros| Timestamp::from_microsecond(begin.as_microsecond() + micros).unwrap();
        writeln!(text, "  - {{ from: {}, to: {}, share: {share} }}", at(from), at(to)).unwrap();
        truth.push((at(from), at(to)));
    }
    let simulation = Simulation::new(Script::parse(&text, &Given::default()).unwrap());
    let period = Period::between(simulation.script.from, simulation.script.to, &TimeZone::UTC).unwrap();
    let mut history = History::new(&simulation.declarations(), &period);
    for vantage in 0..3 {
        for run in simulation.probing(vantage).flatten() {
            history.record(&run, run.login_time());
        }
    }
    (detect(&history, &Rules::default()).incidents, truth)
}

#[test]
fn the_detectors_bounds_hold_the_truth() {
    // A single failure soon after an outage cannot be told from its end: without any, the bounds hold always.
    for (share, background, least) in [(1.0, 0.0, 1.0), (1.0, 0.0005, 0.98), (0.6, 0.0005, 0.93)] {
        let (incidents, truth) = detected(share, background);
        let common = incidents.iter().filter(|one| one.symptom == Symptom::Failing && one.scope == Scope::Common);
        let found: Vec<&Incident> = common.collect();
        let mut held = (0, 0);
        for &(from, to) in &truth {
            let mine: Vec<_> = found.iter().filter(|one| one.first_failing < to && from < one.end.latest).collect();
            assert_eq!(mine.len(), 1, "share {share}: {from} to {to} is one incident");
            let (start, end) = (mine[0].start, mine[0].end);
            held.0 += u32::from(start.earliest <= from && from <= start.latest);
            held.1 += u32::from(end.earliest <= to && to <= end.latest);
        }
        assert_eq!(found.len(), truth.len(), "share {share}: nothing else is an incident");
        let part = |held: u32| f64::from(held) / truth.len() as f64;
        assert!(part(held.0) >= least && part(held.1) >= least, "share {share}, background {background}: {held:?}");
    }
}
