//! An impact as rows for programs.

use crate::impact::{Adjusted, Estimate, Figure, Impact, Input};
use crate::report::csv::record;
use crate::slo::Interval;

use super::{all, in_unit};

/// One row per figure: name, low, middle, high, unit, formula, reason, inputs. An absent number is an empty cell, never
/// 0.
#[must_use]
pub fn csv(impact: &Impact) -> String {
    let columns = ["figure", "low", "middle", "high", "unit", "formula", "reason", "inputs"];
    let mut text = record(&columns.map(str::to_owned));
    for (name, figure) in all(impact) {
        figure_row(&mut text, name, figure);
    }
    let failing = &impact.failing;
    let counts = format!("{} bad of {}", failing.failing, failing.n);
    let share = between(failing.share, failing.interval);
    row(&mut text, "failing_share", share, ["share", "failing / n, Wilson (F4)", "", &counts]);
    let plain = between(impact.availability.plain, impact.availability.plain_interval);
    row(&mut text, "availability", plain, ["share", "good / (good + bad), Wilson (F4)", "", &counts]);
    let not_covered = impact.not_covered.share.map(Estimate::exact);
    row(&mut text, "not_covered", not_covered, ["share", "demand without probes (F10)", "", ""]);
    let lost = |count: u64| Some(Estimate::exact(count as f64));
    row(&mut text, "lost_runs", lost(impact.lost.lost), ["slots", "", "", ""]);
    row(&mut text, "missing_runs", lost(impact.lost.missing), ["slots", "", "", ""]);
    for one in &impact.budget {
        let counts = format!("{} bad in {}", one.bad, one.period);
        let name = format!("budget/{}", one.objective);
        row(&mut text, &name, one.share.map(Estimate::exact), ["share", "bad / allowed (F1)", "", &counts]);
    }
    for window in &impact.windowed.worst {
        let name = format!("worst_window/{}", window.minutes);
        let inputs = format!("from {}; {} bad of {}; {}", window.start, window.bad, window.n, impact.windowed.weights);
        let share = between(Some(window.availability), window.interval).or(Some(Estimate::exact(window.availability)));
        row(&mut text, &name, share, ["share", "minimal cumulative ratio, minutes (F12)", "", &inputs]);
    }
    if let Some(adjusted) = &impact.adjusted {
        adjusted_rows(&mut text, adjusted);
    }
    text
}

/// The figures with exclusions, beside the raw ones.
fn adjusted_rows(text: &mut String, adjusted: &Adjusted) {
    let failing = &adjusted.failing;
    let counts = format!("{} bad of {}; {} exclusions", failing.failing, failing.n, adjusted.exclusions.len());
    let share = between(failing.share, failing.interval);
    row(text, "adjusted/failing_share", share, ["share", "failing / n, Wilson (F4)", "", &counts]);
    for (name, figure) in [
        ("adjusted/failed_sign_ins", &adjusted.failed_sign_ins),
        ("adjusted/affected", &adjusted.affected),
        ("adjusted/locked_out", &adjusted.locked_out),
        ("adjusted/delayed", &adjusted.delayed),
        ("adjusted/distinct_users", &adjusted.distinct_users),
        ("adjusted/intents", &adjusted.intents),
        ("adjusted/weighted_availability", &adjusted.availability.weighted),
        ("adjusted/not_covered_intents", &adjusted.not_covered.intents),
    ] {
        figure_row(text, name, figure);
    }
    for one in &adjusted.budget {
        let name = format!("adjusted/budget/{}", one.objective);
        let counts = format!("{} bad in {}", one.bad, one.period);
        row(text, &name, one.share.map(Estimate::exact), ["share", "bad / allowed (F1)", "", &counts]);
    }
}

fn between(share: Option<f64>, interval: Option<Interval>) -> Option<Estimate> {
    Some(Estimate { low: interval?.low, middle: share?, high: interval?.high })
}

fn figure_row(text: &mut String, name: &str, figure: &Figure) {
    match figure {
        Figure::Estimate { value, unit, formula, inputs } => {
            let input =
                |input: &Input| format!("{} {}: {}", input.title(), in_unit(input.value, &input.unit), input.source);
            let inputs = inputs.iter().map(input).collect::<Vec<_>>().join("; ");
            row(text, name, Some(*value), [unit, formula, "", &inputs]);
        }
        Figure::NotQuantifiable { reason } => row(text, name, None, ["", "", reason, ""]),
    }
}

fn row(text: &mut String, name: &str, value: Option<Estimate>, rest: [&str; 4]) {
    let cell = |of: fn(Estimate) -> f64| value.map_or_else(String::new, |value| of(value).to_string());
    let [unit, formula, reason, inputs] = rest.map(str::to_owned);
    text.push_str(&record(&[
        name.to_owned(),
        cell(|value| value.low),
        cell(|value| value.middle),
        cell(|value| value.high),
        unit,
        formula,
        reason,
        inputs,
    ]));
}
