//! The published worked examples of alerting and detection (F2, F3, F17, F18, F21), run against our own:
//! `tests/vectors/slo.json`.

use std::time::Duration;

use doorstep::slo;
use serde_json::Value;

use crate::report_vectors::{Computed, Inputs, check};

#[test]
fn every_published_example_of_detection_holds() {
    check("detection", 45, compute);
}

fn compute(formula: &str, inputs: &Inputs) -> Computed {
    match formula {
        "F2.rule" => burn_rule(inputs),
        "F2.never" => {
            vec![("until_target", slo::never_fires_until(inputs.number("factor")).into())]
        }
        "F2.low_traffic" => {
            let (requests, target) = (inputs.count("requests_per_hour"), inputs.number("target"));
            let hour = slo::Tally { good: requests - 1, bad: 1 };
            vec![
                ("burn_rate", hour.share().map(|share| slo::burn_rate(share, target)).into()),
                ("spent_share", slo::spent_share(1, target, requests * inputs.count("hours")).into()),
            ]
        }
        "F3.rule" => {
            let long = Duration::from_secs(inputs.count("long_seconds"));
            let probes = slo::single_failure_below(inputs.number("factor"), long, inputs.number("target"));
            vec![("probes_per_hour", probes.into())]
        }
        "F17.run_length" => {
            let step = u32::try_from(inputs.count("step")).unwrap();
            let threshold = u32::try_from(inputs.count("threshold")).unwrap();
            vec![("probes", slo::average_run_length(step, threshold, inputs.number("p")).into())]
        }
        "F17.chart" => chart(inputs),
        "F18.limits" => {
            let (accept, reject) = slo::sprt_limits(inputs.number("alpha"), inputs.number("beta"));
            vec![("accept", accept.into()), ("reject", reject.into())]
        }
        "F18.steps" => {
            let (failure, success) = slo::sprt_steps(inputs.number("p0"), inputs.number("p1"));
            vec![("failure", failure.into()), ("success", success.into())]
        }
        "F18.run" => {
            let k = u32::try_from(inputs.count("k")).unwrap();
            vec![("probes", slo::run_length(k, inputs.number("p")).into())]
        }
        "F18.quorum" => {
            let (k, n) = (u32::try_from(inputs.count("k")).unwrap(), u32::try_from(inputs.count("n")).unwrap());
            let rate = slo::quorum_rate(k, n, inputs.number("p"), inputs.number("interval_seconds"));
            vec![("per_year", (rate * 365.0 * 86_400.0).into())]
        }
        "F21.serial" => vec![("availability", slo::serial(&numbers(inputs, "parts")).into())],
        "F21.weighted" => {
            let parts: Vec<(f64, f64)> =
                numbers(inputs, "weights").into_iter().zip(numbers(inputs, "ratios")).collect();
            vec![("availability", slo::weighted_errors(&parts).into())]
        }
        "F21.weighted_burn" => {
            let (weights, ratios, target) =
                (numbers(inputs, "weights"), numbers(inputs, "ratios"), inputs.number("target"));
            let parts: Vec<(f64, f64)> = weights.into_iter().zip(ratios).collect();
            let added: f64 = parts.iter().map(|(weight, ratio)| weight * slo::burn_rate(*ratio, target)).sum();
            vec![("burn_rate", slo::burn_rate(slo::weighted_errors(&parts), target).into()), ("added", added.into())]
        }
        "F21.slices" => {
            let flags =
                |part: &Value| -> Vec<bool> { part.as_array().unwrap().iter().map(|f| f.as_bool().unwrap()).collect() };
            let parts: Vec<Vec<bool>> = inputs.0["parts"].as_array().unwrap().iter().map(flags).collect();
            let parts: Vec<&[bool]> = parts.iter().map(Vec::as_slice).collect();
            vec![("availability", slo::all_good_slices(&parts).into())]
        }
        _ => panic!("nothing computes {formula}"),
    }
}

fn numbers(inputs: &Inputs, key: &str) -> Vec<f64> {
    inputs.0[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn burn_rule(inputs: &Inputs) -> Computed {
    let hours = |key, each| Duration::from_secs(inputs.count(key) * each * 3_600);
    let (long, target) = (hours("long_hours", 1), inputs.number("target"));
    let factor = slo::rule_factor(inputs.number("share"), hours("days", 24), long);
    vec![
        ("factor", factor.into()),
        ("error_ratio", (factor * (1.0 - target)).into()),
        ("seconds", slo::seconds_to_fire(long, factor, target, 1.0).into()),
    ]
}

/// The step, the smallest threshold that holds, its run length, and probes to the alarm at four shares.
fn chart(inputs: &Inputs) -> Computed {
    let (p0, p1, probes) = (inputs.number("p0"), inputs.number("p1"), inputs.number("probes_per_year"));
    let step = slo::failure_step(p0, p1);
    let threshold = slo::chart_threshold(step, p0, probes).unwrap();
    let at = |p| Value::from(slo::average_run_length(step, threshold, p));
    vec![
        ("step", step.into()),
        ("threshold", threshold.into()),
        ("probes", at(p0)),
        ("at_5", at(0.05)),
        ("at_20", at(0.2)),
        ("at_80", at(0.8)),
        ("at_100", at(1.0)),
    ]
}
