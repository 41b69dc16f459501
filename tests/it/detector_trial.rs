//! The published simulation of alerting rules (slo.md section 3, tables A to D; `S3` in `tests/vectors/slo.json`), from our
//! own code, within sampling error: false pages a year, those that cut-off vantages cause, and delays of outages in which
//! 100, 80, 20 and 5 % of logins fail. How far apart two samples may lie is said in `tests/vectors/README.md`.

use std::collections::BTreeMap;

use doorstep::incident::{CutOff, Delays, Extra, FalsePages, Layout, RuleName, Spacing, Trial};
use serde_json::Value;

use crate::report_vectors::{Inputs, Vector, vectors_of};

use RuleName::{Adaptive, BurnRate, Ours, ThreeInARow};

/// Outages of each size that are simulated.
const OUTAGES: usize = 500;

/// Years of healthy probing that are simulated: fewer where probes are many.
fn years(interval: u64, vantages: u64) -> f64 {
    60.0 * interval as f64 / (15.0 * vantages as f64)
}

fn rule(inputs: &Inputs) -> RuleName {
    serde_json::from_value(Value::from(inputs.text("rule"))).expect("a rule")
}

/// What one simulation tells: vectors that share everything but the rule and the quantile are held against one.
type Setting = (String, u64, u64, [u64; 4]);

fn setting(vector: &Vector) -> Setting {
    let number = |key: &str| vector.inputs.0.get(key).and_then(Value::as_f64).unwrap_or(0.0).to_bits();
    let (interval, vantages) = (vector.inputs.count("interval_seconds"), vector.inputs.count("vantages"));
    let others = ["background", "cut_off_per_year", "failing", "limit_seconds"].map(number);
    (vector.formula.clone(), interval, vantages, others)
}

/// Pages of so many years agree with the published rate.
fn pages_agree(ours: &FalsePages, vector: &Vector) -> bool {
    let published = vector.expected["pages_per_year"].as_f64().expect("a rate");
    let their_years = vector.inputs.0["simulated_years"].as_f64();
    // A closed form counts each alarm; within an hour of the last, ours is no new page.
    let merged = if their_years.is_some() { 0.0 } else { published * (1.0 - (-published / 8_760.0).exp()) };
    // Of two samples, the rate is what both say together: none in a century does not prove that there are none.
    let variance = match their_years {
        Some(years) => {
            let pooled = (ours.pages as f64 + published * years) / (ours.years + years);
            pooled / ours.years + pooled / years
        }
        None => published / ours.years,
    };
    let allowed = vector.tolerance + merged + (4.0 * variance.sqrt()).max(1.0 / ours.years);
    (ours.per_year() - published).abs() <= allowed
}

/// The published quantile lies between those of ours that sampling error leaves open.
fn delays_agree(ours: &Delays, vector: &Vector) -> bool {
    let quantile = vector.inputs.number("quantile");
    let limit = vector.inputs.number("limit_seconds");
    let published = vector.expected["seconds"].as_f64().unwrap_or(f64::INFINITY);
    let apart = 4.0 * (2.0 * quantile * (1.0 - quantile) / ours.outages as f64).sqrt();
    let low = ours.quantile((quantile - apart).max(0.0)).unwrap_or(limit);
    let high = Some(quantile + apart).filter(|part| *part <= 1.0).and_then(|part| ours.quantile(part));
    let high = high.unwrap_or(f64::INFINITY);
    low - vector.tolerance <= published && published <= high + vector.tolerance
}

fn held(interval: u64, vantages: u64) {
    let mut settings: BTreeMap<Setting, Vec<Vector>> = BTreeMap::new();
    for vector in vectors_of("trial") {
        if (vector.inputs.count("interval_seconds"), vector.inputs.count("vantages")) == (interval, vantages) {
            settings.entry(setting(&vector)).or_default().push(vector);
        }
    }
    let mut wrong = Vec::new();
    for ((formula, ..), vectors) in &settings {
        let (first, mut names) = (&vectors[0].inputs, vectors.iter().map(|one| rule(&one.inputs)).collect::<Vec<_>>());
        names.sort();
        names.dedup();
        let mut trial = Trial::published(interval as f64, u32::try_from(vantages).unwrap(), 20_261_116);
        let background = first.number("background");
        if formula == "S3.delay" {
            let delays =
                trial.delays(&names, background, first.number("failing"), first.number("limit_seconds"), OUTAGES);
            for vector in vectors {
                let ours = delays.iter().find(|one| one.rule == rule(&vector.inputs)).expect("the rule");
                if !delays_agree(ours, vector) {
                    let found = ours.quantile(vector.inputs.number("quantile"));
                    wrong.push(format!("{}: {found:?}, published {}", vector.name, vector.expected["seconds"]));
                }
            }
            continue;
        }
        if formula == "S3.local_faults" {
            let (per_year, seconds) = (first.number("cut_off_per_year"), first.number("cut_off_seconds"));
            trial.cut_off = Some(CutOff { per_year, seconds });
        }
        let pages = trial.false_pages(&names, background, years(interval, vantages));
        for vector in vectors {
            let ours = pages.iter().find(|one| one.rule == rule(&vector.inputs)).expect("the rule");
            if !pages_agree(ours, vector) {
                let (found, published) = (ours.per_year(), &vector.expected["pages_per_year"]);
                wrong.push(format!("{}: {found} a year, published {published}", vector.name));
            }
        }
    }
    assert!(settings.len() >= 9, "{} settings", settings.len());
    assert!(wrong.is_empty(), "{interval} s x {vantages}\n{}", wrong.join("\n"));
}

#[test]
fn a_probe_in_fifteen_seconds_from_one_place() {
    held(15, 1);
}

#[test]
fn a_probe_in_fifteen_seconds_from_three_places() {
    held(15, 3);
}

#[test]
fn a_probe_in_fifteen_seconds_from_five_places() {
    held(15, 5);
}

#[test]
fn a_probe_in_thirty_seconds_from_one_place() {
    held(30, 1);
}

#[test]
fn a_probe_in_thirty_seconds_from_three_places() {
    held(30, 3);
}

#[test]
fn a_probe_in_thirty_seconds_from_five_places() {
    held(30, 5);
}

#[test]
fn a_probe_a_minute_from_one_place() {
    held(60, 1);
}

#[test]
fn a_probe_a_minute_from_three_places() {
    held(60, 3);
}

#[test]
fn a_probe_a_minute_from_five_places() {
    held(60, 5);
}

#[test]
fn probes_by_chance_leave_longer_gaps_than_even_ones() {
    // One failure pages by burn rate at this rate of probes: the delay is the wait for the first probe.
    let even = Trial::published(60.0, 1, 5);
    let longest = |trial: &Trial| *trial.delays(&[BurnRate], 1e-9, 1.0, 3_600.0, 2_000)[0].seconds.last().unwrap();
    let by_chance = Trial { layout: Layout { spacing: Spacing::ByChance, ..even.layout }, ..even.clone() };
    assert!(longest(&even) <= 60.0, "{}", longest(&even));
    assert!(longest(&by_chance) > 90.0 && longest(&by_chance) <= 120.0, "{}", longest(&by_chance));
}

#[test]
fn a_pager_that_rings_for_nothing_has_seen_no_outage() {
    // At this background an alarm of the burn rate rings for half an hour after each failure, 45 % of the time.
    let trial = Trial::published(60.0, 1, 5);
    let noisy = &trial.delays(&[BurnRate, ThreeInARow], 0.02, 1.0, 3_600.0, 300);
    let of = |rule| noisy.iter().find(|one: &&Delays| one.rule == rule).unwrap();
    assert!(of(ThreeInARow).outages >= 299, "{}", of(ThreeInARow).outages);
    assert!((120..=210).contains(&of(BurnRate).outages), "{}", of(BurnRate).outages);
    assert!(of(BurnRate).seconds.len() <= of(BurnRate).outages);
}

#[test]
fn the_promised_rate_of_false_alarms_is_held() {
    // Two hundred years of our rule alone, at exactly the background that its thresholds are computed for.
    for (interval, vantages, years) in [(60.0, 1, 200.0), (60.0, 3, 100.0)] {
        let pages = &Trial::published(interval, vantages, 7).false_pages(&[Ours], 0.005, years)[0];
        let limit = years + 3.0 * years.sqrt();
        assert!((pages.pages as f64) < limit, "{interval} s x {vantages}: {} in {years} years", pages.pages);
        assert!(pages.pages as f64 > 0.4 * years, "{interval} s x {vantages}: {} in {years} years", pages.pages);
    }
}

#[test]
fn extra_probes_are_few_and_capped_and_their_place_matters() {
    let in_turn = Trial::published(60.0, 3, 3);
    let same = Trial { extra: Extra::SamePlace, ..in_turn.clone() };
    for trial in [&in_turn, &same] {
        let healthy = &trial.false_pages(&[Adaptive], 0.001, 5.0)[0];
        assert!(healthy.extra > 0.001 && healthy.extra < 0.03, "{}", healthy.extra);
        let hopeless = &trial.false_pages(&[Adaptive], 0.5, 0.02)[0];
        // At most 24 in an hour, from three places at most 72, beside 180 scheduled ones.
        assert!(hopeless.extra <= 72.5 / 180.0, "{}", hopeless.extra);
    }
    let median = |trial: &Trial| trial.delays(&[Adaptive], 0.001, 1.0, 3_600.0, 200)[0].quantile(0.5).unwrap();
    // Workers know nothing of each other: a second place must meet the outage by its own schedule.
    assert!(median(&in_turn) < median(&same) && median(&same) < 50.0, "{} {}", median(&in_turn), median(&same));
}
