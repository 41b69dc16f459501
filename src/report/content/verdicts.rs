//! Part two: one sentence and one verdict per objective.

use super::block::{Block, Card, Section};
use crate::model::Micros;
use crate::report::ReportModel;
use crate::report::format::{self, about, amount, count, minutes, percent, percent_interval};
use crate::report::model::{Budget, ObjectiveReport};
use crate::report::{summary, words};
use crate::slo::{Interval, Measured};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    if model.objectives.is_empty() {
        blocks.push(Block::text("No objective is configured; the flows below are measured without a promise."));
    } else {
        blocks.push(Block::text(summary::one_line(model)));
        blocks.push(Block::Cards(model.objectives.iter().map(|objective| card(model, objective)).collect()));
        blocks.push(Block::note(
            "The large number is the share of good logins in the sample, with the interval of the underlying share. \
             “As measured” is what the period was: incidents by their measured length, the rest as a sample. \
             Undecided means that the data allow both; not known, that too little was seen; on course and off course \
             speak of a period that still runs. P(met) takes failures as independent: of an outage it says nothing.",
        ));
    }
    Section { anchor: "verdicts", title: "Verdicts", short: "Verdicts", blocks }
}

fn card(model: &ReportModel, objective: &ObjectiveReport) -> Card {
    Card {
        title: objective.name.to_string(),
        anchor: format!("counts-{}", objective.name),
        verdict: objective.policy_verdict(),
        figure: percent(objective.availability, objective.interval),
        text: words::sentence(objective),
        facts: facts(model, objective),
    }
}

fn facts(model: &ReportModel, objective: &ObjectiveReport) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(probability) = objective.probability_met {
        let name = if objective.until.is_some() { "P(met) so far" } else { "P(met)" };
        fact(name, words::probability(probability));
    }
    if objective.until.is_some() {
        fact("outlook", super::budget::outlook(objective));
    }
    let shown = |share: f64, interval: Interval| {
        format!("{} ({})", percent(Some(share), Some(interval)), percent_interval(Some(interval)))
    };
    if let Some(measured) = objective.standing.measured {
        let lasted = down(objective, measured);
        let silent = silent(model, objective);
        fact("as measured", format!("{}; {lasted}{silent}", shown(measured.availability, measured.interval)));
    }
    if let Some(users) = &objective.users {
        let uncovered = if users.uncovered > 0.0 {
            let share = format::target(users.uncovered);
            format!("; the ends take the {share} of demand that no probe stands for as failed, or as good")
        } else {
            String::new()
        };
        match users.availability {
            Some(availability) => fact("weighted by users", shown(availability, users.bounds) + &uncovered),
            None => fact("weighted by users", format::ABSENT.to_owned()),
        }
    }
    if let Some(budget) = &objective.budget {
        let (spent, left) = budget_words(budget);
        let bounds =
            words::spent_interval(objective).map_or_else(String::new, |bounds| format!("; by the interval {bounds}"));
        fact("budget spent", format!("{spent}{bounds}"));
        fact("budget left", left);
    }
    if let Some(sign_ins) = objective.standing.sign_ins {
        fact(
            "sign-ins that met a failure",
            format!(
                "{} to {} of about {} who wanted to",
                about(sign_ins.failed.low),
                about(sign_ins.failed.high),
                about(sign_ins.expected.middle)
            ),
        );
    }
    if let Some(adjusted) = &objective.adjusted {
        let share = percent(adjusted.availability, adjusted.interval);
        let late = match adjusted.exclusions.iter().filter(|applied| applied.late).count() {
            0 => String::new(),
            late => format!("; {late} of {} entered after what it covers had begun", adjusted.exclusions.len()),
        };
        let (with, raw) = (adjusted.verdict.as_str(), objective.verdict.as_str());
        fact("with exclusions", format!("{with}, {share}; raw: {raw}{late}"));
    }
    if let Some(change) = &objective.standing.change {
        let direction = if change.difference < 0.0 { "worse" } else { "better" };
        let week = objective.standing.weeks.iter().find(|week| week.label == change.label);
        let before = match week.and_then(|week| week.interval) {
            Some(interval) => shown(change.availability, interval),
            None => percent(Some(change.availability), objective.interval),
        };
        fact("against the period before", format!("{direction}: {} had {before}", change.label));
    }
    facts
}

/// How much of the period no probe saw, where that is more than the schedule allows: what was measured stands for it as
/// it does for the seconds between two probes.
fn silent(model: &ReportModel, objective: &ObjectiveReport) -> String {
    let sight = model.sight.iter().find(|sight| sight.flow == objective.flow);
    let Some(silent) = sight.map(|sight| sight.silent).filter(|silent| silent.0 > 0) else { return String::new() };
    let until = objective.until.unwrap_or(objective.period.end);
    let length = until.duration_since(objective.period.start).as_micros();
    let length = Micros(u64::try_from(length).unwrap_or(0));
    let probed = Micros(length.0.saturating_sub(silent.0));
    format!(
        "; only {} of {} were probed, and the rest is taken to be like the time outside of incidents",
        format::beside(probed, length),
        format::span(length)
    )
}

/// The failing share as a time: that of a total outage which would have cost as much, with its bounds.
fn down(objective: &ObjectiveReport, measured: Measured) -> String {
    let until = objective.until.unwrap_or(objective.period.end);
    let length = until.duration_since(objective.period.start).as_secs_f64() / 60.0;
    let most = (1.0 - measured.interval.low) * length;
    let of = |available: f64| minutes((1.0 - available) * length, most);
    format!(
        "equal to {} of total outage ({} to {})",
        of(measured.availability),
        of(measured.interval.high),
        of(measured.interval.low)
    )
}

/// The budget in time and in logins: spent and left.
pub(super) fn budget_words(budget: &Budget) -> (String, String) {
    let time = |part: f64| minutes(part, budget.allowed_minutes);
    let spent = format!(
        "{}: {} of {}, {} bad of {} allowed",
        words::spent(budget.spent_share),
        time(budget.spent_minutes),
        time(budget.allowed_minutes),
        count(budget.spent_events),
        amount(budget.allowed_events)
    );
    let left = if budget.left_events < 0.0 {
        format!("none: overspent by {}, {} logins", time(-budget.left_minutes), amount(-budget.left_events))
    } else {
        format!("{}, {} logins", time(budget.left_minutes), amount(budget.left_events))
    };
    (spent, left)
}
