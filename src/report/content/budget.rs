//! Part three: the error budget over the period, and what may become of it.

use super::block::{Block, Line, Section};
use super::charts;
use crate::report::ReportModel;
use crate::report::format::{count, minutes, percent, target};
use crate::report::model::{ObjectiveReport, Outlook};
use crate::report::words;

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    for objective in &model.objectives {
        blocks.push(Block::heading(objective.name.as_str()));
        match charts::burn_down(objective, model) {
            Some(chart) => {
                blocks.push(Block::text(in_words(objective)));
                blocks.push(Block::figure(chart, caption(objective, model)));
            }
            None => blocks.push(Block::text("No login has a verdict, so that no budget was spent or kept.")),
        }
        blocks.extend(objective.standing.outlook.as_ref().map(|outlook| Block::text(what_may_come(outlook))));
    }
    if blocks.is_empty() {
        blocks.push(Block::text("Without an objective there is no error budget."));
    }
    Section { anchor: "budget", title: "Error budget", short: "Budget", blocks }
}

fn in_words(objective: &ObjectiveReport) -> Line {
    let Some(budget) = &objective.budget else { return Line::default() };
    let promised = target(objective.target);
    let left = if budget.left_minutes < 0.0 {
        format!("{} more than there was", minutes(-budget.left_minutes))
    } else {
        format!("{} left", minutes(budget.left_minutes))
    };
    let share = words::spent(budget.spent_share);
    Line::default().strong(format!("{share} spent")).plain(format!(
        ": {} of the {} that {promised} allows, {left}; in logins {} of {:.1}.",
        minutes(budget.spent_minutes),
        minutes(budget.allowed_minutes),
        count(budget.spent_events),
        budget.allowed_events,
    ))
}

fn caption(objective: &ObjectiveReport, model: &ReportModel) -> String {
    let mut text = "What is left of the error budget. Dashed: spending it evenly.".to_owned();
    if !charts::incidents_of(objective, model).is_empty() {
        text.push_str(" Bars at the foot: incidents.");
    }
    if !charts::exclusions_of(objective).is_empty() {
        text.push_str(" Hatched: time that was excluded.");
    }
    if objective.standing.outlook.is_some() {
        text.push_str(" Fan: where it may go, 19 of 20 futures end between its edges.");
    }
    text
}

fn what_may_come(outlook: &Outlook) -> Line {
    let chance = if outlook.inside > 0.0005 && outlook.inside < 0.9995 {
        percent(Some(outlook.inside), None)
    } else if outlook.inside >= 0.9995 {
        "more than 99.9 %".to_owned()
    } else {
        "less than 0.1 %".to_owned()
    };
    Line::default()
        .plain("Chance that the period ends with budget left: ")
        .strong(chance)
        .plain(format!(" ({}).", outlook.basis))
}
