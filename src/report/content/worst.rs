//! Part seven: windowed availability, the worst stretch of each length (F12).

use super::block::{Block, Section};
use super::charts;
use crate::report::ReportModel;
use crate::report::format::{instant, percent, span, target};
use crate::report::model::ObjectiveReport;

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = vec![Block::note(
        "For each length, the worst stretch of that length. A short outage hurts the short windows only; many small \
         failures hurt the long ones. Where the curve turns upwards lies the length of the outage that dominates.",
    )];
    for objective in &model.objectives {
        let Some(chart) = charts::windows(objective) else { continue };
        blocks.push(Block::heading(objective.name.as_str()));
        blocks.push(Block::text(in_words(objective, model)));
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

fn in_words(objective: &ObjectiveReport, model: &ReportModel) -> String {
    let standing = &objective.standing;
    let zone = &model.head.period.zone;
    let of = |index: usize| {
        let window = standing.windows.get(index)?;
        let at = window.start.map_or_else(String::new, |start| format!(", from {}", instant(start, zone)));
        Some(format!(
            "the worst {} had {} of good logins{at}",
            span(window.length),
            percent(Some(window.availability), None)
        ))
    };
    let knee = standing.knee.and_then(|knee| standing.windows.iter().position(|window| window.length == knee));
    let parts: Vec<String> = [Some(0), knee].into_iter().flatten().filter_map(of).collect();
    let mut text = parts.join("; ");
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    match standing.knee {
        Some(knee) => text.push_str(&format!(
            ". The knee lies at about {}: the outage that dominates this period was about as long.",
            span(knee)
        )),
        None => text.push_str(". There is no knee: no single outage dominates this period."),
    }
    let inside = standing.windows.iter().find(|window| window.availability >= objective.target);
    if let Some(window) = inside {
        let promised = target(objective.target);
        text.push_str(&format!(" Every window of {} or longer kept the promised {promised}.", span(window.length)));
    }
    text
}
