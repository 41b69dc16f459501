//! Part one: what is reported on, from which data, by which rules; and what is alarming before all else.

use super::{Line, command};
use crate::report::ReportModel;
use crate::report::format::{count, counted, instant, span};
use crate::report::model::{Head, PopulationHead, PublicationHead, SecurityAlarm};

/// The period in one line.
pub(in crate::report) fn subtitle(model: &ReportModel) -> String {
    let period = &model.head.period;
    format!(
        "{} to {} ({}, {})",
        instant(period.start, &period.zone),
        instant(period.end, &period.zone),
        period.zone,
        length(period.seconds())
    )
}

/// A span of seconds for people; weeks keep their exact hours (167, 168, 169).
pub(super) fn length(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours >= 48.0 {
        format!("{} h", (hours * 100.0).round() / 100.0)
    } else {
        span(crate::model::Micros((seconds * 1e6) as u64))
    }
}

/// What is reported on, as pairs of a word and its value.
pub(in crate::report) fn facts(model: &ReportModel) -> Vec<(&'static str, Line)> {
    let head = &model.head;
    let mut facts = Vec::new();
    match head.until {
        Some(until) if until <= head.period.start => {
            facts.push(("state", Line::from("the period lies in the future: nothing was due yet")));
        }
        Some(until) => {
            let until = instant(until, &head.period.zone);
            facts.push(("state", Line::from(format!("still running; slots due until {until}"))));
        }
        None => {}
    }
    facts.extend([
        ("logins", Line::from(slots(head))),
        ("vantages", Line::from(vantages(head))),
        ("data", Line::default().plain("revision ").code(&head.data_revision)),
        ("policy", Line::default().plain("revision ").code(head.policy_revision.as_str())),
    ]);
    facts.extend(head.population.as_ref().map(|population| ("users", users(population))));
    facts.extend(head.publication.as_ref().map(|one| ("published", published(one, &head.period.zone))));
    facts.push(("made by", Line::default().code(head.generated_from.replace('`', "'"))));
    facts
}

/// By whom figures are weighted; the weights stand where they are used.
fn users(population: &PopulationHead) -> Line {
    let segments = match population.weights.len() {
        0 => ", not told apart".to_owned(),
        1 => ", 1 segment".to_owned(),
        number => format!(", {number} segments"),
    };
    Line::default().plain("revision ").code(population.revision.as_str()).plain(segments)
}

/// Which revision it is, and what it says otherwise than the one before.
fn published(publication: &PublicationHead, zone: &str) -> Line {
    let PublicationHead { number, made_at, author, differences } = publication;
    let made = format!(" of {} by {author}", instant(*made_at, zone));
    let against = match differences.len() {
        0 => "; the first of its period".to_owned(),
        _ => format!("; against revision {}: {}", number.saturating_sub(1), differences.join("; ")),
    };
    Line::default().strong(format!("revision {number}")).plain(made).plain(against)
}

fn slots(head: &Head) -> String {
    if head.runs == 0 && head.slots.is_empty() {
        return "none: no run was recorded and no schedule was declared".to_owned();
    }
    let due: Option<u64> = head.slots.iter().map(|row| row.due).sum();
    let missing: u64 = head.slots.iter().filter_map(|row| row.missing).sum();
    let runs = counted(head.runs, "run", "runs");
    match due {
        Some(due) => {
            let so_far = if head.until.is_some() { "due so far" } else { "scheduled" };
            format!("{} {so_far}, {runs} recorded, {} due without a run", count(due), count(missing))
        }
        None => format!("{runs} recorded; how many were scheduled is unknown for some"),
    }
}

fn vantages(head: &Head) -> String {
    if head.vantages.is_empty() {
        return "none".to_owned();
    }
    let named = head.vantages.iter().map(|vantage| {
        let labels: Vec<&str> = vantage.labels.values().map(String::as_str).collect();
        if labels.is_empty() { vantage.name.to_string() } else { format!("{} ({})", vantage.name, labels.join(", ")) }
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Security failures, one line each: to be shown first and loudly.
pub(in crate::report) fn alarms(model: &ReportModel) -> Vec<Line> {
    let zone = &model.head.period.zone;
    let line = |alarm: &SecurityAlarm| {
        let times = if alarm.count == 1 { "once".to_owned() } else { format!("{} times", count(alarm.count)) };
        let mut line = Line::default().strong(format!("{}: {}, {times}", alarm.flow, alarm.class)).plain(format!(
            ", first {}, last {}",
            instant(alarm.first, zone),
            instant(alarm.last, zone)
        ));
        if let Some(example) = alarm.examples.first() {
            line = line
                .plain("; see ")
                .code(command::beside(&model.head.generated_from, &format!("doorstep explain {example}")));
        }
        line
    };
    model.alarms.iter().map(line).collect()
}
