//! Part three: the error budget over the period, and what may become of it.

use super::block::{Block, Line, Section};
use super::charts;
use crate::report::ReportModel;
use crate::report::chart::BurnDown;
use crate::report::format::{amount, counted, minutes, target};
use crate::report::model::ObjectiveReport;
use crate::report::words;
use crate::slo::LEAST_DAYS;

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    for objective in &model.objectives {
        blocks.push(Block::heading(objective.name.as_str()));
        match charts::burn_down(objective, model) {
            Some(chart) => {
                blocks.push(Block::text(in_words(objective)));
                let caption = caption(objective, model, &chart);
                blocks.push(Block::figure(chart, caption));
            }
            None => blocks.push(Block::text("No login has a verdict, so that no budget was spent or kept.")),
        }
        if objective.until.is_some() {
            let said =
                Line::default().plain("Chance that the period ends with budget left: ").strong(outlook(objective));
            blocks.push(Block::text(said.plain(".")));
        }
    }
    if blocks.is_empty() {
        blocks.push(Block::text("Without an objective there is no error budget."));
    }
    Section { anchor: "budget", title: "Error budget", short: "Budget", blocks }
}

fn in_words(objective: &ObjectiveReport) -> Line {
    let Some(budget) = &objective.budget else { return Line::default() };
    let promised = target(objective.target);
    let time = |part: f64| minutes(part, budget.allowed_minutes);
    let left = if budget.left_minutes < 0.0 {
        format!("{} more than there was", time(-budget.left_minutes))
    } else {
        format!("{} left", time(budget.left_minutes))
    };
    let so_far = if objective.until.is_some() { " so far" } else { "" };
    let line = Line::default().strong(format!("{} spent{so_far}", words::spent(budget.spent_share)));
    let line = match words::spent_interval(objective) {
        Some(bounds) => line.soft(bounds),
        None => line,
    };
    line.plain(format!(
        ": {} of the {} that {promised} allows, {left}; {} of {} allowed.",
        time(budget.spent_minutes),
        time(budget.allowed_minutes),
        counted(budget.spent_events, "bad login", "bad logins"),
        amount(budget.allowed_events),
    ))
}

fn caption(objective: &ObjectiveReport, model: &ReportModel, chart: &BurnDown) -> String {
    let mut text = "What is left of the error budget. Dashed: spending it evenly.".to_owned();
    if !charts::incidents_of(objective, model).is_empty() {
        text.push_str(" Bars at the foot: incidents.");
    }
    if !charts::exclusions_of(objective).is_empty() {
        text.push_str(" Hatched: time that was excluded.");
    }
    if chart.until.is_some() {
        text.push_str(" Upright dashes: until here there are data.");
    }
    if objective.standing.outlook.is_some() {
        text.push_str(" Fan: where it may go, 19 of 20 draws end between its edges.");
    }
    if chart.is_cut() {
        text.push_str(" Double stroke: the axis is cut there, the line goes on below.");
    }
    text.push_str(&charts::zone_of(&objective.period.zone));
    text
}

/// The chance to end a running period inside of its budget and from what it is told, or why there is none.
pub(super) fn outlook(objective: &ObjectiveReport) -> String {
    let Some(outlook) = &objective.standing.outlook else {
        return if objective.counts.planned == objective.counts.due {
            "not known, because no login is planned in the rest of the period".to_owned()
        } else {
            format!("not known, because fewer than {LEAST_DAYS} past days with logins are known")
        };
    };
    let chance = match outlook.inside {
        inside if inside >= 0.9995 => "more than 99.9 %".to_owned(),
        inside if inside <= 0.0005 => "less than 0.1 %".to_owned(),
        // The draws themselves have a standard error of up to 0.8 %: no decimals.
        inside => format!("about {} %", (inside * 100.0).round().clamp(1.0, 99.0)),
    };
    format!("{chance} ({})", outlook.basis)
}
