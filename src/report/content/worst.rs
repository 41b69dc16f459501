//! Part seven: windowed availability, the worst stretch of each length (F12).

use super::block::{Block, Section};
use super::charts;
use crate::report::ReportModel;
use crate::report::format::{percent, percent_interval, span, target};
use crate::report::model::{ObjectiveReport, Window};

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = vec![Block::note(
        "For each length, the worst stretch of that length. A short outage hurts the short windows only; many small \
         failures hurt the long ones. Where the curve turns upwards lies the length of the outage that dominates.",
    )];
    for objective in &model.objectives {
        let Some(chart) = charts::windows(objective) else { continue };
        blocks.push(Block::heading(objective.name.as_str()));
        blocks.push(Block::text(in_words(objective)));
        let before = if objective.standing.windows_before.is_empty() {
            "Solid: this period; the weeks before it are not known."
        } else {
            "Solid: this period. Dashed: the weeks before it."
        };
        blocks.push(Block::figure(chart, before));
    }
    if blocks.len() == 1 {
        blocks = vec![Block::text("No login has a verdict, so that no stretch was better or worse than another.")];
    }
    Section { anchor: "worst", title: "The worst stretches", short: "Worst stretches", blocks }
}

fn in_words(objective: &ObjectiveReport) -> String {
    let standing = &objective.standing;
    let from = |least: u64| standing.windows.iter().find(|window| window.length.0 >= least * 3_600_000_000);
    let said = |window: &Window| {
        let bounds = window.interval.map_or_else(String::new, |it| format!(" ({})", percent_interval(Some(it))));
        format!(
            "the worst {} {} of the logins were good{bounds}",
            span(window.length),
            percent(Some(window.availability), window.interval)
        )
    };
    let hour_and_day = [1, 16].into_iter().filter_map(from).map(said);
    let mut text = match hour_and_day.reduce(|hour, day| format!("{hour}, in {day}")) {
        Some(words) => format!("In {words}."),
        None => standing.windows.first().map_or_else(String::new, |first| format!("In {}.", said(first))),
    };
    match standing.knee {
        Some(knee) => text.push_str(&format!(
            " The curve turns at {}: in it failures amount to {} of total outage.",
            span(knee.length),
            span(knee.outage)
        )),
        None => text.push_str(" Nothing failed, so that the curve has no knee."),
    }
    let inside = standing.windows.iter().find(|window| window.availability >= objective.target);
    let promised = target(objective.target);
    match inside {
        Some(window) => {
            text.push_str(&format!(" Every stretch of {} kept the promised {promised}.", span(window.length)));
        }
        None => text.push_str(&format!(" No length is long enough to keep the promised {promised}.")),
    }
    text
}
