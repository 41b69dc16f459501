//! The impact of an incident or a span for people and programs: text, Markdown, CSV. It prints an [`Impact`] and computes
//! nothing.

mod figures;
mod rows;

use crate::impact::{Estimate, Figure, Impact, Input, SegmentFigures, WindowFigures};
use crate::incident::Symptom;
use crate::model::{Exclusion, FlowName, Micros, VantageName};

use super::format::{count, instant, percent, percent_interval, span, target};
use figures::{adjusted_figures, figures, in_windows};
pub use rows::csv;

/// What stands where a number cannot be told.
const UNKNOWN: &str = "not quantifiable";

/// One figure for people: name, value with bounds, and how it came about.
struct Said {
    name: &'static str,
    value: String,
    how: String,
}

/// As lines for a terminal.
#[must_use]
pub fn text(impact: &Impact) -> String {
    let mut text = format!("{}\n\n", headline(impact));
    for one in &figures(impact) {
        line(&mut text, one);
    }
    if let Some(adjusted) = &impact.adjusted {
        text.push_str("\nwith exclusions (raw: above)\n");
        for exclusion in &adjusted.exclusions {
            text.push_str(&format!("  {}\n", excluded(exclusion, &impact.zone)));
        }
        for one in &adjusted_figures(impact, adjusted) {
            line(&mut text, one);
        }
    }
    let inputs = inputs(impact);
    if !inputs.is_empty() {
        text.push_str("\nmade from\n");
        for input in inputs {
            text.push_str(&format!("  {}: {} ({})\n", input.title(), in_unit(input.value, &input.unit), input.source));
        }
        text.push('\n');
    }
    for window in &impact.windowed.worst {
        text.push_str(&format!("worst {}\n", window_words(impact, window)));
    }
    let word = met(impact);
    for row in &impact.segments {
        let cells = segment(row);
        text.push_str(&format!(
            "segment {}: {word} {}; {}; affected {}; not covered {}\n",
            row.name, cells[2], cells[3], cells[5], cells[7]
        ));
    }
    for note in &impact.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

/// A figure with what it was made by below it.
fn line(text: &mut String, one: &Said) {
    text.push_str(&format!("{:<20}  {}\n", one.name, one.value));
    if !one.how.is_empty() {
        text.push_str(&format!("{:<20}    {}\n", "", one.how));
    }
}

/// As a section of Markdown, without a heading.
#[must_use]
pub fn markdown(impact: &Impact) -> String {
    let mut text = format!("{}\n\n", plain(&headline(impact)));
    table(&mut text, &figures(impact));
    if let Some(adjusted) = &impact.adjusted {
        text.push_str("With exclusions, beside the raw figures above:\n\n");
        for exclusion in &adjusted.exclusions {
            text.push_str(&format!("- {}\n", plain(&excluded(exclusion, &impact.zone))));
        }
        text.push('\n');
        table(&mut text, &adjusted_figures(impact, adjusted));
    }
    if !impact.segments.is_empty() {
        text.push_str(&format!(
            "| segment | sign-ins | {} | probes | wanted to sign in | affected | seen from | not covered |\n",
            met(impact)
        ));
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |\n");
        for row in &impact.segments {
            let cells = segment(row).map(|cell| plain(&cell));
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text.push('\n');
    }
    if !impact.windowed.worst.is_empty() {
        text.push_str(&format!(
            "Worst window of each length in {}, {}; bad ones and probes are plain counts:\n\n",
            impact.windowed.period,
            plain(&impact.windowed.weights)
        ));
        text.push_str(&format!("| window | from | good of the {} | interval | bad | probes |\n", in_windows(impact)));
        text.push_str("| ---: | --- | ---: | --- | ---: | ---: |\n");
        for window in &impact.windowed.worst {
            let cells = [
                span(Micros(window.minutes * 60_000_000)),
                instant(window.start, &impact.zone),
                percent(Some(window.availability), window.interval),
                percent_interval(window.interval),
                count(window.bad),
                count(window.n),
            ];
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text.push('\n');
    }
    let inputs = inputs(impact);
    if !inputs.is_empty() {
        text.push_str("| made from | value | source |\n| --- | --- | --- |\n");
        for input in inputs {
            let value = in_unit(input.value, &input.unit);
            text.push_str(&format!("| {} | {} | {} |\n", plain(&input.title()), plain(&value), plain(&input.source)));
        }
        text.push('\n');
    }
    for note in &impact.notes {
        text.push_str(&format!("- {}\n", plain(note)));
    }
    text
}

/// Figures as a table, and an empty line.
fn table(text: &mut String, said: &[Said]) {
    text.push_str("| figure | value | how |\n| --- | --- | --- |\n");
    for one in said {
        text.push_str(&format!("| {} | {} | {} |\n", one.name, plain(&one.value), plain(&one.how)));
    }
    text.push('\n');
}

/// The figures with bounds and formula, by the names that programs use.
fn all(impact: &Impact) -> [(&'static str, &Figure); 12] {
    [
        ("duration", &impact.duration),
        ("failed_sign_ins", &impact.failed_sign_ins),
        ("affected", &impact.affected),
        ("locked_out", &impact.locked_out),
        ("delayed", &impact.delayed),
        ("distinct_users", &impact.distinct_users),
        ("intents", &impact.intents),
        ("attempts", &impact.attempts),
        ("attempts_per_person", &impact.attempts_per_person),
        ("sessions_met", &impact.sessions_met),
        ("weighted_availability", &impact.availability.weighted),
        ("not_covered_intents", &impact.not_covered.intents),
    ]
}

/// What the figures were made from, each once.
fn inputs(impact: &Impact) -> Vec<&Input> {
    let mut inputs: Vec<&Input> = Vec::new();
    for (_, figure) in all(impact) {
        if let Figure::Estimate { inputs: made_from, .. } = figure {
            for input in made_from {
                if !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
        }
    }
    inputs
}

/// A number with its bounds in the way of its unit.
fn in_unit(value: Estimate, unit: &str) -> String {
    match unit {
        "s" => bounded(value, seconds),
        "share" => bounded(value, shares),
        "people" | "attempts" => format!("{} {unit}", bounded(value, people)),
        other => format!("{} {other}", bounded(value, plainly)),
    }
}

fn plainly(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") }
}

fn people(value: f64) -> String {
    count(value.round().max(0.0) as u64)
}

fn seconds(value: f64) -> String {
    span(Micros((value.max(0.0) * 1e6) as u64))
}

fn shares(value: f64) -> String {
    percent(Some(value), None)
}

/// What users met, as the head of a column.
fn met(impact: &Impact) -> &'static str {
    if impact.symptom == Some(Symptom::Slow) { "slow" } else { "failing" }
}

/// One exclusion in a line.
fn excluded(exclusion: &Exclusion, zone: &str) -> String {
    let late = if exclusion.is_late() { ", afterwards" } else { "" };
    format!(
        "{} to {}, {}: {} ({}, entered {}{late})",
        instant(exclusion.from, zone),
        instant(exclusion.to, zone),
        exclusion.mode,
        exclusion.reason,
        exclusion.author,
        instant(exclusion.entered, zone),
    )
}

/// The worst window of one length in words.
fn window_words(impact: &Impact, window: &WindowFigures) -> String {
    format!(
        "{}: from {}, of the {} {} was good ({}); {} of {} probes failed (F12)",
        span(Micros(window.minutes * 60_000_000)),
        instant(window.start, &impact.zone),
        in_windows(impact),
        percent(Some(window.availability), window.interval),
        percent_interval(window.interval),
        count(window.bad),
        count(window.n)
    )
}

fn headline(impact: &Impact) -> String {
    let ends = |bounds: &crate::incident::Bounds| {
        if bounds.earliest == bounds.latest {
            instant(bounds.earliest, &impact.zone)
        } else {
            format!("{} .. {}", instant(bounds.earliest, &impact.zone), instant(bounds.latest, &impact.zone))
        }
    };
    let what = match (&impact.incident, impact.symptom) {
        (Some(id), Some(Symptom::Slow)) => format!("Incident {id}, slow logins"),
        (Some(id), _) => format!("Incident {id}, failing logins"),
        (None, _) => "The span".to_owned(),
    };
    let flows: Vec<&str> = impact.flows.iter().map(FlowName::as_str).collect();
    let flows = if flows.is_empty() { "no flow that is known here".to_owned() } else { flows.join(", ") };
    let open = if impact.open { "; it may still last" } else { "" };
    format!("{what} of {flows}: from {} to {}{open}", ends(&impact.start), ends(&impact.end))
}

fn shown(figure: &Figure, show: fn(f64) -> String) -> String {
    match figure {
        Figure::NotQuantifiable { .. } => UNKNOWN.to_owned(),
        Figure::Estimate { value, .. } => bounded(*value, show),
    }
}

/// A number with its bounds, where there is doubt.
fn bounded(value: Estimate, show: fn(f64) -> String) -> String {
    if value.low >= value.high {
        return show(value.middle);
    }
    format!("{} ({} to {})", show(value.middle), show(value.low), show(value.high))
}

fn how(figure: &Figure) -> String {
    match figure {
        Figure::NotQuantifiable { reason } => reason.clone(),
        Figure::Estimate { formula, .. } => formula.clone(),
    }
}

fn segment(row: &SegmentFigures) -> [String; 8] {
    let told = |value: Option<Estimate>| value.map_or_else(|| UNKNOWN.to_owned(), |value| bounded(value, people));
    let vantages: Vec<&str> = row.vantages.iter().map(VantageName::as_str).collect();
    let failing = match row.failing {
        None => "not covered".to_owned(),
        some => format!("{} ({})", percent(some, row.interval), percent_interval(row.interval)),
    };
    [
        row.name.clone(),
        target(row.share),
        failing,
        format!("{} of {} probes", count(row.bad), count(row.n)),
        told(row.intents),
        told(row.affected),
        if vantages.is_empty() { "nowhere".to_owned() } else { vantages.join(", ") },
        row.not_covered.map_or_else(|| UNKNOWN.to_owned(), target),
    ]
}

/// Text that cannot end a cell, begin a tag or a link, or break a line.
fn plain(text: &str) -> String {
    let safe = text.replace('|', "\\|").replace('<', "&lt;").replace('[', "\\[").replace('`', "'");
    safe.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
