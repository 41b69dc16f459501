//! The impact of an incident or a span for people and programs: text, Markdown, CSV. It prints an [`Impact`] and computes
//! nothing.

use crate::impact::{BudgetShare, Estimate, Figure, Impact, SegmentFigures};
use crate::incident::Symptom;
use crate::model::{Micros, VantageName};
use crate::slo::Interval;

use super::csv::record;
use super::format::{ABSENT, count, instant, percent, percent_interval, span, target};

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
    let said = figures(impact);
    for one in &said {
        text.push_str(&format!("{:<20}  {}\n", one.name, one.value));
        if !one.how.is_empty() {
            text.push_str(&format!("{:<20}    {}\n", "", one.how));
        }
    }
    for row in &impact.segments {
        let cells = segment(row);
        text.push_str(&format!("segment {}: {} failing; {}; affected {}\n", row.name, cells[2], cells[3], cells[5]));
    }
    for note in &impact.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

/// As a section of Markdown, without a heading.
#[must_use]
pub fn markdown(impact: &Impact) -> String {
    let mut text = format!("{}\n\n", plain(&headline(impact)));
    text.push_str("| figure | value | how |\n| --- | --- | --- |\n");
    for said in figures(impact) {
        text.push_str(&format!("| {} | {} | {} |\n", said.name, plain(&said.value), plain(&said.how)));
    }
    text.push('\n');
    if !impact.segments.is_empty() {
        text.push_str("| segment | sign-ins | failing | probes | wanted to sign in | affected | seen from |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
        for row in &impact.segments {
            let cells = segment(row).map(|cell| plain(&cell));
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text.push('\n');
    }
    if !impact.windowed.worst.is_empty() {
        text.push_str(&format!(
            "Worst window of each length in {}, {}:\n\n",
            impact.windowed.period,
            plain(&impact.windowed.weights)
        ));
        text.push_str("| window | availability |\n| ---: | ---: |\n");
        for window in &impact.windowed.worst {
            let shown = percent(Some(window.availability), None);
            text.push_str(&format!("| {} | {shown} |\n", span(Micros(window.cells * 60_000_000))));
        }
        text.push('\n');
    }
    for note in &impact.notes {
        text.push_str(&format!("- {}\n", plain(note)));
    }
    text
}

/// One row per figure: name, low, middle, high, unit, formula, reason. An absent number is an empty cell, never 0.
#[must_use]
pub fn csv(impact: &Impact) -> String {
    let mut text = record(&["figure", "low", "middle", "high", "unit", "formula", "reason"].map(str::to_owned));
    let mut row = |name: &str, value: Option<Estimate>, unit: &str, formula: &str, reason: &str| {
        let cell = |of: fn(Estimate) -> f64| value.map_or_else(String::new, |value| of(value).to_string());
        text.push_str(&record(&[
            name.to_owned(),
            cell(|value| value.low),
            cell(|value| value.middle),
            cell(|value| value.high),
            unit.to_owned(),
            formula.to_owned(),
            reason.to_owned(),
        ]));
    };
    for (name, figure) in all(impact) {
        match figure {
            Figure::Estimate { value, unit, formula, .. } => row(name, Some(*value), unit, formula, ""),
            Figure::NotQuantifiable { reason } => row(name, None, "", "", reason),
        }
    }
    let share = |share: Option<f64>, interval: Option<Interval>| {
        Some(Estimate { low: interval?.low, middle: share?, high: interval?.high })
    };
    row("failing_share", share(impact.failing.share, impact.failing.interval), "share", "failing / n, Wilson (F4)", "");
    let plain = share(impact.availability.plain, impact.availability.plain_interval);
    row("availability", plain, "share", "good / (good + bad), Wilson (F4)", "");
    row("not_covered", impact.not_covered.share.map(Estimate::exact), "share", "demand without probes (F10)", "");
    for one in &impact.budget {
        row(&format!("budget/{}", one.objective), one.share.map(Estimate::exact), "share", "bad / allowed (F1)", "");
    }
    for window in &impact.windowed.worst {
        let name = format!("worst_window/{}", window.cells);
        row(&name, Some(Estimate::exact(window.availability)), "share", "minimal cumulative ratio, minutes (F12)", "");
    }
    text
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
    let flows: Vec<&str> = impact.flows.iter().map(crate::model::FlowName::as_str).collect();
    let flows = if flows.is_empty() { "no flow that is known here".to_owned() } else { flows.join(", ") };
    let open = if impact.open { "; it may still last" } else { "" };
    format!("{what} of {flows}: from {} to {}{open}", ends(&impact.start), ends(&impact.end))
}

fn figures(impact: &Impact) -> Vec<Said> {
    let said =
        |name, figure: &Figure, show: fn(f64) -> String| Said { name, value: shown(figure, show), how: how(figure) };
    let people = |value: f64| count(value.round().max(0.0) as u64);
    let seconds = |value: f64| span(Micros((value.max(0.0) * 1e6) as u64));
    let share = |value: f64| percent(Some(value), None);
    let ratio = |value: f64| format!("{value:.2}");
    let failing = &impact.failing;
    let mut all = vec![
        said("duration", &impact.duration, seconds),
        Said {
            name: "failing share",
            value: match failing.share {
                None => ABSENT.to_owned(),
                some => format!("{} ({})", percent(some, failing.interval), percent_interval(failing.interval)),
            },
            how: format!("{} of {} probes failed", count(failing.failing), count(failing.n)),
        },
        said("sign-ins failed", &impact.failed_sign_ins, people),
        said("people affected", &impact.affected, people),
        said("locked out", &impact.locked_out, people),
        said("merely delayed", &impact.delayed, people),
        said("distinct users", &impact.distinct_users, people),
        said("attempts per person", &impact.attempts_per_person, ratio),
        said("wanted to sign in", &impact.intents, people),
        said("sessions met", &impact.sessions_met, share),
        Said {
            name: "demand not covered",
            value: impact.not_covered.share.map_or_else(|| UNKNOWN.to_owned(), target),
            how: match (&impact.not_covered.share, &impact.not_covered.intents) {
                (None, _) => "nobody described the users".to_owned(),
                (_, Figure::Estimate { value, .. }) => {
                    format!("{} people of whom nothing is known", people(value.middle))
                }
                (_, Figure::NotQuantifiable { reason }) => reason.clone(),
            },
        },
        Said {
            name: "availability",
            value: percent(impact.availability.plain, impact.availability.plain_interval),
            how: "of probes".to_owned(),
        },
        said("user-weighted", &impact.availability.weighted, share),
        windowed(impact),
    ];
    all.extend(impact.budget.iter().map(budget));
    all
}

fn windowed(impact: &Impact) -> Said {
    let windowed = &impact.windowed;
    let value = match (windowed.worst.is_empty(), windowed.knee) {
        (true, _) => ABSENT.to_owned(),
        (_, None) => "no minute failed".to_owned(),
        (_, Some(knee)) => format!(
            "knee at {}: {} of it failed",
            span(Micros(knee.cells * 60_000_000)),
            span(Micros((knee.bad_cells * 6e7) as u64))
        ),
    };
    let uptime = windowed
        .probe_uptime
        .map_or_else(String::new, |uptime| format!("; probe-uptime {} (F11)", percent(Some(uptime), None)));
    Said { name: "worst windows", value, how: format!("in {}, {} (F12){uptime}", windowed.period, windowed.weights) }
}

fn budget(one: &BudgetShare) -> Said {
    let value = match (one.share, one.allowed) {
        (Some(share), Some(allowed)) => {
            format!(
                "{} of the budget ({} bad slots of {allowed:.1} allowed)",
                percent(Some(share), None),
                count(one.bad)
            )
        }
        _ => format!("{ABSENT}: no slot in {}", one.period),
    };
    Said { name: "budget spent", value, how: format!("{} in {} (F1)", one.objective, one.period) }
}

fn shown(figure: &Figure, show: fn(f64) -> String) -> String {
    match figure {
        Figure::NotQuantifiable { .. } => UNKNOWN.to_owned(),
        Figure::Estimate { value, .. } if value.low >= value.high => show(value.middle),
        Figure::Estimate { value, .. } => {
            format!("{} ({} to {})", show(value.middle), show(value.low), show(value.high))
        }
    }
}

fn how(figure: &Figure) -> String {
    match figure {
        Figure::NotQuantifiable { reason } => reason.clone(),
        Figure::Estimate { formula, .. } => formula.clone(),
    }
}

fn segment(row: &SegmentFigures) -> [String; 7] {
    let people = |value: Option<Estimate>| {
        value.map_or_else(
            || UNKNOWN.to_owned(),
            |value| {
                let show = |value: f64| count(value.round().max(0.0) as u64);
                format!("{} ({} to {})", show(value.middle), show(value.low), show(value.high))
            },
        )
    };
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
        people(row.intents),
        people(row.affected),
        if vantages.is_empty() { "nowhere".to_owned() } else { vantages.join(", ") },
    ]
}

/// Text that cannot end a cell, begin a tag or a link, or break a line.
fn plain(text: &str) -> String {
    let safe = text.replace('|', "\\|").replace('<', "&lt;").replace('[', "\\[").replace('`', "'");
    safe.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
