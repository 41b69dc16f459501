//! The published worked examples of SLO arithmetic, run against our own: `tests/vectors/slo.json`.

use std::collections::BTreeMap;

use doorstep::model::Micros;
use doorstep::slo::{self, Attainment, Interval, LatencyHistogram, Period, Slice, Tally};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) formula: String,
    pub(crate) inputs: Inputs,
    pub(crate) expected: BTreeMap<String, Value>,
    pub(crate) tolerance: f64,
}

#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Inputs(pub(crate) Value);

impl Inputs {
    pub(crate) fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap_or_else(|| panic!("input '{key}' is a number"))
    }

    pub(crate) fn count(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap_or_else(|| panic!("input '{key}' is a count"))
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_else(|| panic!("input '{key}' is a text"))
    }

    pub(crate) fn list(&self, key: &str) -> Vec<Inputs> {
        self.0[key].as_array().expect("a list").iter().cloned().map(Inputs).collect()
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(self.text("zone")).expect("a zone that the database knows")
    }
}

/// What we compute, by the names that `expected` uses.
pub(crate) type Computed = Vec<(&'static str, Value)>;

/// Who computes which formulas: by name, or, where it ends with a dot, all that begin so.
pub(crate) const RUNNERS: &[(&str, &[&str])] = &[
    (
        "report",
        &[
            "F1.",
            "F3.failures_to_fire",
            "F4.",
            "F5.",
            "F6.",
            "F7.",
            "F8.",
            "F9.",
            "F10.",
            "F15.",
            "F16.",
            "F19.",
            "F22.",
        ],
    ),
    ("detection", &["F2.rule", "F2.never", "F2.low_traffic", "F3.rule", "F17.", "F18.", "F21."]),
    ("burn-rate rules", &["F2.factor", "F2.seconds", "F2.can_fire"]),
    ("impact", &["F11.", "F12.", "F13.", "F14."]),
    ("exclusions", &["F20."]),
    ("trial", &["S3."]),
];

fn belongs(formula: &str, formulas: &[&str]) -> bool {
    formulas.iter().any(|own| if own.ends_with('.') { formula.starts_with(own) } else { formula == *own })
}

#[test]
fn every_vector_has_one_runner_and_every_formula_has_a_vector() {
    let vectors = vectors();
    for vector in &vectors {
        let runners = RUNNERS.iter().filter(|(_, formulas)| belongs(&vector.formula, formulas)).count();
        assert_eq!(runners, 1, "{} '{}' has {runners} runners", vector.formula, vector.name);
        assert!(!vector.expected.is_empty(), "{} '{}' expects nothing", vector.formula, vector.name);
    }
    for formula in 1..=22 {
        let prefix = format!("F{formula}.");
        assert!(vectors.iter().any(|vector| vector.formula.starts_with(&prefix)), "no vector of {prefix}");
    }
    for (runner, formulas) in RUNNERS {
        for formula in *formulas {
            let used = vectors.iter().any(|vector| belongs(&vector.formula, &[formula]));
            assert!(used, "{runner} computes {formula}, of which there is no vector");
        }
    }
}

#[test]
fn every_published_example_holds() {
    check("report", 99, compute);
}

fn vectors() -> Vec<Vector> {
    let vectors: Vectors = serde_json::from_str(include_str!("../vectors/slo.json")).expect("the vectors are JSON");
    vectors.vectors
}

/// The vectors of a runner.
pub(crate) fn vectors_of(runner: &str) -> Vec<Vector> {
    let (_, formulas) = RUNNERS.iter().find(|(name, _)| *name == runner).expect("a runner");
    vectors().into_iter().filter(|vector| belongs(&vector.formula, formulas)).collect()
}

/// Runs all vectors of a runner, of which there must be at least so many.
pub(crate) fn check(runner: &str, least: usize, compute: impl Fn(&str, &Inputs) -> Computed) {
    let mine = vectors_of(runner);
    assert!(mine.len() >= least, "only {} vectors", mine.len());
    let mut wrong = Vec::new();
    for vector in &mine {
        let computed: BTreeMap<_, _> = compute(&vector.formula, &vector.inputs).into_iter().collect();
        for (key, expected) in &vector.expected {
            let place = format!("{} '{}' {key}", vector.formula, vector.name);
            if let Some(avoided) = key.strip_prefix("not_") {
                let ours = computed["failing"].as_f64().unwrap();
                let theirs = expected.as_f64().unwrap();
                assert!((ours - theirs).abs() > vector.tolerance, "{place}: that is {avoided}");
                continue;
            }
            let ours = computed.get(key.as_str()).unwrap_or_else(|| panic!("{place} is not computed"));
            if !agrees(ours, expected, vector.tolerance) {
                wrong.push(format!("{place}: computed {ours}, expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn agrees(ours: &Value, expected: &Value, tolerance: f64) -> bool {
    match (ours.as_f64(), expected.as_f64()) {
        (Some(ours), Some(expected)) => (ours - expected).abs() <= tolerance,
        _ => ours == expected,
    }
}

fn compute(formula: &str, inputs: &Inputs) -> Computed {
    match formula {
        "F1.share" => vec![("share", tally(inputs).share().into())],
        "F1.burn" | "F1.budget" => budget(inputs),
        "F3.failures_to_fire" => {
            let probes = inputs.count("probes");
            let failures = slo::failures_to_fire(inputs.number("factor"), inputs.number("target"), probes);
            vec![("failures", failures.into())]
        }
        "F4.wilson" => proportion(slo::wilson, inputs),
        "F4.clopper_pearson" => proportion(slo::clopper_pearson, inputs),
        "F4.jeffreys" => proportion(slo::jeffreys, inputs),
        "F4.one_sided_lower" => {
            let (n, confidence) = (inputs.count("n"), inputs.number("confidence"));
            vec![("low", slo::one_sided_lower_bound_without_failures(n, confidence).into())]
        }
        "F5.measured" => measured(inputs),
        "F5.design_effect" => design_effect(inputs),
        "F6.probability_met" => {
            let (n, bad) = (inputs.count("n"), inputs.count("bad"));
            vec![("probability", slo::probability_met(n, bad, inputs.number("target")).into())]
        }
        "F6.limits" => verdict_limits(inputs),
        "F6.probes_to_tell" => {
            let (significance, power) = (inputs.number("significance"), inputs.number("power"));
            let probes = slo::probes_to_tell(inputs.number("usual"), inputs.number("worse"), significance, power);
            vec![("probes_in_hundreds", probes.map(|probes| probes.div_ceil(100) * 100).into())]
        }
        "F7.ranks" => ranks(inputs),
        "F8.outage" => outage(inputs),
        "F8.deviation" => {
            let seconds = slo::midpoint_deviation(inputs.number("interval_seconds"), inputs.count("outages"));
            vec![("seconds", seconds.into())]
        }
        "F9.seen" => {
            let vantages = u32::try_from(inputs.count("vantages")).unwrap();
            let (outage, interval) = (inputs.number("outage_seconds"), inputs.number("interval_seconds"));
            vec![("probability", slo::seen_probability(outage, interval, vantages).into())]
        }
        "F10.users" => users(inputs),
        "F15.bucket" => {
            let (low, high) = LatencyHistogram::new().bucket_of(Micros(inputs.count("value")));
            vec![("low", low.0.into()), ("high", high.0.into())]
        }
        "F15.counters" => {
            let mut histogram = LatencyHistogram::new();
            histogram.record(Micros(inputs.count("highest")));
            vec![("counters", (histogram.counters() as u64).into())]
        }
        "F15.merge" => merged_histogram(inputs),
        "F15.averaged" => averaged(inputs),
        "F16.corrected" => corrected_histogram(inputs),
        "F19.week" => period(&Period::week(inputs.text("week"), &inputs.zone()).unwrap(), inputs),
        "F19.days" => {
            let day = |key| inputs.text(key).parse().unwrap();
            period(&Period::days(day("first"), day("after_last"), &inputs.zone()).unwrap(), inputs)
        }
        "F19.week_of" => {
            let period = Period::week_of(inputs.text("day").parse().unwrap(), &inputs.zone()).unwrap();
            vec![("week", period.label.into())]
        }
        "F22.merged_ratio" => merged_ratio(inputs),
        "F22.mean_of_ratios" => mean_of_ratios(inputs),
        unknown => panic!("no formula is called {unknown}"),
    }
}

fn tally(inputs: &Inputs) -> Tally {
    Tally { good: inputs.count("good"), bad: inputs.count("bad") }
}

fn budget(inputs: &Inputs) -> Computed {
    let (tally, target) = (tally(inputs), inputs.number("target"));
    let spent = slo::spent_share(tally.bad, target, tally.total()).unwrap();
    let mut computed = vec![
        ("burn_rate", slo::burn_rate(tally.share().unwrap(), target).into()),
        ("left_share", slo::left_after(1.0, spent).into()),
    ];
    if let Some(hours) = inputs.0.get("hours").and_then(Value::as_f64) {
        let minutes = slo::period_budget(target, hours * 3600.0) / 60.0;
        computed.push(("budget_minutes", minutes.into()));
        computed.push(("spent_minutes", (minutes * spent).into()));
        computed.push(("left_minutes", slo::left_after(minutes, spent).into()));
    }
    computed
}

fn proportion(interval_of: fn(u64, u64, f64) -> Option<Interval>, inputs: &Inputs) -> Computed {
    let n = inputs.count("n");
    let interval = interval_of(n, n - inputs.count("bad"), inputs.number("confidence"));
    vec![("low", interval.map(|i| i.low).into()), ("high", interval.map(|i| i.high).into())]
}

fn measured(inputs: &Inputs) -> Computed {
    let outage = |o: &Inputs| (Interval { low: o.number("low"), high: o.number("high") }, o.count("failures"));
    let outages: Vec<_> = inputs.list("outages").iter().map(outage).collect();
    let measured = slo::measured_availability(
        inputs.number("period_seconds"),
        &outages,
        (inputs.count("probes"), inputs.count("isolated_failures")),
        inputs.number("confidence"),
    )
    .unwrap();
    vec![
        ("availability", measured.availability.into()),
        ("low", measured.interval.low.into()),
        ("high", measured.interval.high.into()),
    ]
}

fn design_effect(inputs: &Inputs) -> Computed {
    let (outages, mean) = (inputs.number("outages"), inputs.number("mean_seconds"));
    let (period, probes) = (inputs.number("period_seconds"), inputs.count("probes"));
    let effect = slo::DesignEffect::new(outages, mean, period, probes);
    let interval = period / probes as f64;
    vec![
        ("deviation", effect.deviation.into()),
        ("independent", effect.independent.into()),
        ("effect", effect.effect().into()),
        ("measuring", (slo::midpoint_deviation(interval, 1) / period).into()),
    ]
}

fn verdict_limits(inputs: &Inputs) -> Computed {
    let (n, target) = (inputs.count("n"), inputs.number("target"));
    let verdict = |bad| slo::attainment(slo::probability_met(n, bad, target));
    let met_until = (0..n).take_while(|&bad| verdict(bad) == Attainment::Met).last().unwrap();
    let missed_from = (0..n).find(|&bad| verdict(bad) == Attainment::Missed).unwrap();
    vec![("met_until", met_until.into()), ("missed_from", missed_from.into())]
}

fn ranks(inputs: &Inputs) -> Computed {
    let (n, quantile) = (inputs.count("n"), inputs.number("quantile"));
    let interval = slo::rank_interval(n, quantile, inputs.number("confidence"));
    vec![("target", slo::target_rank(n, quantile).into()), ("low", interval.low.into()), ("high", interval.high.into())]
}

fn outage(inputs: &Inputs) -> Computed {
    let at = |key| Timestamp::from_second(i64::try_from(inputs.count(key)).unwrap()).unwrap();
    let bounds =
        slo::outage_bounds(at("last_good_began"), at("first_bad_ended"), at("last_bad_began"), at("first_good_ended"));
    let seconds = |micros: Micros| Value::from(micros.0 as f64 / 1e6);
    vec![("low", seconds(bounds.low)), ("middle", seconds(bounds.middle())), ("high", seconds(bounds.high))]
}

fn users(inputs: &Inputs) -> Computed {
    let slice = |s: &Inputs| Slice { demand: s.number("demand"), n: s.count("n"), bad: s.count("bad") };
    let slices: Vec<_> = inputs.list("slices").iter().map(slice).collect();
    let weighted = slo::user_weighted(&slices, inputs.number("confidence"));
    let plain: Tally = slices.iter().map(|slice| Tally { good: slice.n - slice.bad, bad: slice.bad }).sum();
    let demand: f64 = slices.iter().map(|slice| slice.demand).sum();
    let failed = weighted.availability.map(|share| (1.0 - share) * demand * (1.0 - weighted.uncovered));
    vec![
        ("availability", weighted.availability.into()),
        ("plain", plain.share().into()),
        ("failed_demand", failed.into()),
        ("uncovered", weighted.uncovered.into()),
        ("if_uncovered_low", weighted.if_uncovered.low.into()),
        ("if_uncovered_high", weighted.if_uncovered.high.into()),
    ]
}

/// A histogram of `[count, value]` pairs.
fn histogram(pairs: &Value) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for pair in pairs.as_array().unwrap() {
        for _ in 0..pair[0].as_u64().unwrap() {
            histogram.record(Micros(pair[1].as_u64().unwrap()));
        }
    }
    histogram
}

fn reported(histogram: &LatencyHistogram, quantile: f64) -> Value {
    histogram.at_rank(slo::target_rank(histogram.count(), quantile)).unwrap().1.0.into()
}

fn merged_histogram(inputs: &Inputs) -> Computed {
    let mut merged = LatencyHistogram::new();
    for part in inputs.0["histograms"].as_array().unwrap() {
        merged.merge(&histogram(part));
    }
    vec![("value", reported(&merged, inputs.number("quantile")))]
}

/// What averaging percentiles gives, beside the percentile of the merged histogram.
fn averaged(inputs: &Inputs) -> Computed {
    let parts = inputs.0["histograms"].as_array().unwrap();
    let quantile = inputs.number("quantile");
    let sum: f64 = parts.iter().map(|part| reported(&histogram(part), quantile).as_f64().unwrap()).sum();
    let merged = merged_histogram(inputs).into_iter().next().unwrap().1;
    vec![("averaged", (sum / parts.len() as f64).into()), ("merged", merged)]
}

fn corrected_histogram(inputs: &Inputs) -> Computed {
    let mut histogram = histogram(&inputs.0["values"]);
    histogram.record_corrected(Micros(inputs.count("overrun")), Micros(inputs.count("interval")));
    vec![("count", histogram.count().into()), ("value", reported(&histogram, inputs.number("quantile")))]
}

fn period(period: &Period, inputs: &Inputs) -> Computed {
    let seconds = period.seconds();
    let budget = slo::period_budget(inputs.number("target"), seconds);
    vec![("hours", (seconds / 3600.0).into()), ("budget_seconds", budget.into())]
}

fn merged_ratio(inputs: &Inputs) -> Computed {
    let tally = |part: &Inputs| {
        let bad = part.count("bad_slots") * part.count("bad");
        Tally { good: part.count("slots") * part.count("total") - bad, bad }
    };
    let merged: Tally = inputs.list("slots").iter().map(tally).sum();
    vec![("failing", (1.0 - merged.share().unwrap()).into())]
}

/// What averaging the ratios of slots gives, and how many times the ratio of the sums that is.
fn mean_of_ratios(inputs: &Inputs) -> Computed {
    let (mut ratios, mut slots) = (0.0, 0.0);
    for part in inputs.list("slots") {
        slots += part.number("slots");
        ratios += part.number("bad_slots") * part.number("bad") / part.number("total");
    }
    let merged = merged_ratio(inputs)[0].1.as_f64().unwrap();
    vec![("mean_of_ratios", (ratios / slots).into()), ("times_too_high", (ratios / slots / merged).into())]
}
