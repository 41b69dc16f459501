//! What the check says, as text for people and as JSON for programs.

use serde_json::json;

use super::finding::{Finding, Place, Severity, Verdict};

/// For people: findings by line, then what holds, then what could not be judged, then the sum.
#[must_use]
pub fn text(file: &str, verdict: &Verdict) -> String {
    let mut text: String = verdict.findings.iter().map(|finding| one(file, finding)).collect();
    if !verdict.confirmed.is_empty() {
        text.push_str("confirmed:\n");
        for held in &verdict.confirmed {
            text.push_str(&format!("  {}: by {}\n", said(&held.place), held.by));
        }
    }
    if !verdict.not_checked.is_empty() {
        text.push_str("not checked:\n");
        for left in &verdict.not_checked {
            text.push_str(&format!("  {}: because {}\n", said(&left.place), left.because));
        }
    }
    text.push_str(&sum(verdict));
    text
}

fn one(file: &str, finding: &Finding) -> String {
    let Finding { severity, rule, place, message, against, way_out } = finding;
    let quote = if place.quote.is_empty() { String::new() } else { format!("'{}': ", place.quote) };
    let against = against.as_ref().map_or_else(String::new, |other| format!("\n    contradicts {}", said(other)));
    format!("{file}:{}: {severity}[{rule}]: {quote}{message}{against}\n    way out: {way_out}\n", place.line)
}

fn said(place: &Place) -> String {
    format!("line {}, '{}'", place.line, place.quote)
}

fn sum(verdict: &Verdict) -> String {
    let number = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let counts = format!("{} confirmed, {} not checked", verdict.confirmed.len(), verdict.not_checked.len());
    if verdict.findings.is_empty() {
        return format!("nothing found; {counts}\n");
    }
    format!(
        "{}, {}, {}; {counts}\n",
        number(verdict.count(Severity::Error), "error"),
        number(verdict.count(Severity::Warning), "warning"),
        number(verdict.count(Severity::Note), "note"),
    )
}

/// For programs.
#[must_use]
pub fn json(file: &str, verdict: &Verdict) -> String {
    let value = json!({
        "file": file,
        "errors": verdict.count(Severity::Error),
        "warnings": verdict.count(Severity::Warning),
        "notes": verdict.count(Severity::Note),
        "findings": verdict.findings,
        "confirmed": verdict.confirmed,
        "not_checked": verdict.not_checked,
    });
    format!("{value:#}\n")
}
