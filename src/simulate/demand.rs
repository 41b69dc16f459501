//! Everybody else who signs in: how many of them an outage kept out. Drawn person by person, with retries; no formula
//! of an impact estimate is used here, so that estimates can be held against it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::SplitMix;

use super::script::{Demand, Draw, Outage, Script};
use super::truth::SignIns;

const MINUTE: i64 = 60_000_000;

impl Demand {
    /// Expected sign-ins per hour at an instant, by the hour of the week in the demand's zone.
    #[must_use]
    pub fn per_hour(&self, at: Timestamp) -> f64 {
        let local = at.to_zoned_datetime(self.zone.clone());
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let hour = usize::try_from(local.hour()).unwrap_or(0);
        self.week.get(day * 24 + hour).copied().unwrap_or(0.0)
    }

    /// Expected sign-ins between two instants.
    #[must_use]
    pub fn expected(&self, from: Timestamp, to: Timestamp) -> f64 {
        minutes(from, to).map(|(begin, part)| self.per_hour(begin) * part / 60.0).sum()
    }
}

/// The minutes of a span, each with the part of it that lies inside, from the first instant on.
fn minutes(from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> {
    let (from, to) = (from.as_microsecond(), to.as_microsecond());
    let first = from.div_euclid(MINUTE);
    (first..).map_while(move |minute| {
        let (begin, end) = ((minute * MINUTE).max(from), ((minute + 1) * MINUTE).min(to));
        let part = (end - begin) as f64 / MINUTE as f64;
        (begin < to).then(|| Timestamp::from_microsecond(begin).ok().map(|begin| (begin, part))).flatten()
    })
}

/// Whom an outage kept out.
pub(super) fn kept_out(script: &Script, demand: &Demand, number: usize) -> SignIns {
    let outage = &script.outages[number];
    let mut random = SplitMix::of(&[script.seed, 0xDE3A, number as u64]);
    let (from, to) = (outage.from.max(script.from), outage.to.min(script.to));
    let mut truth = SignIns { expected: demand.expected(from, to), ..SignIns::default() };
    let mut people = BTreeSet::new();
    for (begin, part) in minutes(from, to) {
        let middle = Timestamp::from_microsecond(begin.as_microsecond() + (part * MINUTE as f64 / 2.0) as i64);
        let share = outage.share_at(middle.unwrap_or(begin));
        for segment in &demand.segments {
            let share = share * reached(outage, &segment.vantages);
            let arrivals = random.poisson(demand.per_hour(begin) * part / 60.0 * segment.share);
            truth.intents += arrivals;
            for _ in 0..arrivals {
                let person = random.below(demand.users.max(1));
                if sign_in(&mut random, demand, outage.draw, (person, share), &mut truth) {
                    people.insert(person);
                }
            }
        }
    }
    truth.distinct_users = people.len() as u64;
    truth
}

/// One person's attempts; whether any of them failed.
fn sign_in(
    random: &mut SplitMix,
    demand: &Demand,
    draw: Draw,
    (person, share): (u64, f64),
    truth: &mut SignIns,
) -> bool {
    let unlucky = (person as f64 + 0.5) / (demand.users.max(1) as f64) < share;
    let mut failures = 0;
    for _ in 0..=demand.retries {
        truth.attempts += 1;
        let fails = match draw {
            Draw::Attempts => random.chance(share),
            Draw::Users => unlucky,
        };
        if !fails {
            break;
        }
        failures += 1;
    }
    truth.failed_attempts += u64::from(failures);
    truth.affected += u64::from(failures > 0);
    truth.locked_out += u64::from(failures > demand.retries);
    failures > 0
}

/// The part of a segment's vantages and flows that an outage meets.
fn reached(outage: &Outage, vantages: &[bool]) -> f64 {
    let flows = &outage.reach.flows;
    let mine = vantages.iter().zip(&outage.reach.vantages).filter(|(mine, _)| **mine);
    let (all, met) = mine.fold((0_u32, 0_u32), |(all, met), (_, meets)| (all + 1, met + u32::from(*meets)));
    let met_flows = flows.iter().filter(|meets| **meets).count() as f64 / flows.len().max(1) as f64;
    if all == 0 { 0.0 } else { f64::from(met) / f64::from(all) * met_flows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Given, Script};

    /// slo.md F13: 9,000 sign-ins an hour for 47 minutes, of which 80 % fail, with three retries.
    #[test]
    fn people_with_retries_come_out_as_the_published_example() {
        let text = "
from: 2024-03-05
to: 1d
vantages: [{ name: berlin }]
flows: [{ name: shop, interval: 60s }]
outages: [{ from: 9h, to: 9h 47m, share: 0.8 }]
demand: { per_hour: 9000, users: 50000, retries: 3 }
";
        let script = Script::parse(text, &Given::default()).unwrap();
        let truth = kept_out(&script, script.demand.as_ref().unwrap(), 0);
        assert!((truth.expected - 7_050.0).abs() < 1e-6, "{truth:?}");
        let near = |count: u64, expected: f64| assert!((count as f64 / expected - 1.0).abs() < 0.05, "{truth:?}");
        near(truth.intents, 7_050.0);
        near(truth.attempts, 20_811.6);
        near(truth.failed_attempts, 16_649.3);
        near(truth.affected, 5_640.0);
        near(truth.locked_out, 2_887.7);
        // U (1 - exp(-affected / U)) of 50,000 equally likely users.
        near(truth.distinct_users, 50_000.0 * (1.0 - (-5_640.0_f64 / 50_000.0).exp()));
    }

    #[test]
    fn minutes_cut_at_the_ends_add_up() {
        let time = |second| Timestamp::from_second(second).unwrap();
        let all: Vec<f64> = minutes(time(30), time(150)).map(|(_, part)| part).collect();
        assert_eq!(all, [0.5, 1.0, 0.5]);
        assert_eq!(minutes(time(60), time(60)).count(), 0);
    }
}
