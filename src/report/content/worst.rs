//! Part seven: windowed availability, the worst stretch of each length (F12).

use super::block::{Block, Section};
use super::charts;
use crate::report::ReportModel;
use crate::report::format::{percent, span, target};
use crate::report::model::ObjectiveReport;

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
    let Some(first) = standing.windows.first() else { return String::new() };
    let worst = percent(Some(first.availability), None);
    let mut text = format!("In the worst {} {worst} of the logins were good.", span(first.length));
    match standing.knee {
        Some(knee) => text.push_str(&format!(
            " The curve turns at {}: what hurt most lasted about {} in all within so long.",
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
