//! Impact: how large it was on the whole, at its worst and along each dimension; what it meant for people and budgets.

use super::Inputs;
use super::summary::{capital, kind, long, met, verb};
use crate::diagnosis;
use crate::incident::{Incident, Share, ShareSplit};
use crate::model::Micros;
use crate::postmortem::evidence::{Estimate, People, Unit};
use crate::report::format::{count, instant, percent, percent_interval, span};
use crate::report::words;

/// The whole section.
pub(super) fn text(inputs: &Inputs<'_>) -> String {
    let evidence = inputs.evidence;
    let mut text = "## Impact\n\n".to_owned();
    text.push_str(&shares(&evidence.incident));
    if diagnosis::has_timeouts(&evidence.incident) {
        text.push_str(&format!("Timeouts: {}.\n\n", diagnosis::UNKNOWN_TO_THE_USER));
    }
    text.push_str(&people(&evidence.people));
    text.push_str(&budgets(inputs));
    let verb = verb(&evidence.incident);
    text.push_str(&format!("### Over time\n\n![Share of logins that {verb} over time]({})\n\n", super::PICTURE));
    if !evidence.surroundings.logins.is_empty() {
        text.push_str(&format!("![Login times, an hour before and after included]({})\n\n", super::TIMES));
    }
    text.push_str(&splits(&evidence.incident));
    text
}

/// On the whole and at the worst.
fn shares(incident: &Incident) -> String {
    let (verb, kind) = (verb(incident), kind(incident));
    let head = capital(kind);
    let mut text = format!(
        "| What | Share of logins that {verb} | Interval, of logins | {head} logins | Logins | How |\n\
         |---|--:|---|--:|--:|---|\n"
    );
    let mut row = |what: &str, share: &Share, how: &str| {
        text.push_str(&format!(
            "| {what} | {} | {} | {} | {} | {how} |\n",
            percent(share.share, share.interval),
            percent_interval(share.interval),
            count(share.failing),
            count(share.n),
        ));
    };
    let how = format!("{kind} / probed, Wilson interval (F4): [figure]({}), [rows]({})", super::PICTURE, super::ROWS);
    let end = if incident.open { "last probe" } else { "end" };
    row(&format!("From the first {} probe to the {end}", met(incident)), &incident.failing, &how);
    if let Some(peak) = &incident.peak {
        let what = format!("Peak: {} from {}", span(peak.length), instant(peak.start, "UTC"));
        row(&what, &peak.split, &how);
    }
    text.push('\n');
    text
}

fn people(people: &People) -> String {
    let mut text = String::new();
    if people != &People::default() {
        text.push_str("### People\n\n");
    }
    if !people.estimates.is_empty() {
        text.push_str(&estimates(["Estimated", "How"], &people.estimates));
        text.push_str(
            "Low and high multiply the ends of duration, demand and failing share (F14): [made from](#made-from).\n\n",
        );
    }
    for unknown in &people.unknown {
        text.push_str(&format!("- {}: not quantifiable, because {}\n", tame(&unknown.what), tame(&unknown.why)));
    }
    if !people.unknown.is_empty() {
        text.push('\n');
    }
    if !people.inputs.is_empty() {
        text.push_str("### Made from\n\n");
        text.push_str(&estimates(["Made from", "Source"], &people.inputs));
    }
    text
}

fn estimates([what, how]: [&str; 2], estimates: &[Estimate]) -> String {
    let mut text = format!("| {what} | Low | Middle | High | {how} |\n|---|--:|--:|--:|---|\n");
    for estimate in estimates {
        let [low, middle, high] = [estimate.low, estimate.middle, estimate.high].map(|value| number(estimate, value));
        text.push_str(&format!("| {} | {low} | {middle} | {high} | {} |\n", tame(&estimate.what), tame(&estimate.how)));
    }
    text.push('\n');
    text
}

fn number(estimate: &Estimate, value: f64) -> String {
    let whole = || count(value.max(0.0).round() as u64);
    match estimate.unit {
        Unit::Logins => format!("{} logins", whole()),
        Unit::People => format!("{} people", whole()),
        Unit::Share => percent(Some(value), None),
        Unit::Seconds => long(Micros((value.max(0.0) * 1e6) as u64)),
        Unit::Other if value.fract() == 0.0 => format!("{value:.0}"),
        Unit::Other => format!("{value:.3}"),
    }
}

fn budgets(inputs: &Inputs<'_>) -> String {
    if inputs.evidence.budgets.is_empty() {
        return String::new();
    }
    let mut text = "### Error budget\n\n\
         | Objective | Error budget of one period spent | Error budget of four periods spent | How |\n\
         |---|--:|--:|---|\n"
        .to_owned();
    for spent in &inputs.evidence.budgets {
        let [one, four] = [spent.share, spent.share_of_four()].map(words::spent);
        text.push_str(&format!(
            "| {} | {one} | {four} | {} |
",
            tame(&spent.objective),
            tame(&spent.how)
        ));
    }
    text.push('\n');
    text
}

/// The same failures along each dimension.
fn splits(incident: &Incident) -> String {
    let (verb, kind) = (verb(incident), kind(incident));
    let splits = &incident.splits;
    let mut text = String::new();
    for (name, all) in [("Vantage", &splits.vantages), ("Region", &splits.regions), ("Flow", &splits.flows)] {
        let share = format!("Share of logins that {verb}");
        text.push_str(&table(
            name,
            all,
            &[&share, "Interval, of logins", &format!("{} logins", capital(kind)), "Logins"],
        ));
    }
    for (name, all) in [("Step", &splits.steps), ("Class", &splits.classes)] {
        let heads = [
            &format!("Share of the {kind} logins"),
            "Interval, of these logins",
            &format!("{} logins here", capital(kind)),
            &format!("All {kind} logins"),
        ];
        text.push_str(&table(name, all, &heads));
    }
    text
}

fn table(name: &str, splits: &[ShareSplit], heads: &[&str; 4]) -> String {
    if splits.is_empty() {
        return String::new();
    }
    let mut text =
        format!("### By {}\n\n| {name} | {} |\n|---|--:|---|--:|--:|\n", name.to_lowercase(), heads.join(" | "));
    for split in splits {
        let share = &split.share;
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            tame(&split.name),
            percent(share.share, share.interval),
            percent_interval(share.interval),
            count(share.failing),
            count(share.n),
        ));
    }
    text.push('\n');
    text
}

/// A text of people or programs without what would break a table or be taken for markup.
pub(super) fn tame(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace('|', "/").replace('<', "&lt;").replace('[', "(").replace(']', ")").replace(['*', '`'], "'")
}
