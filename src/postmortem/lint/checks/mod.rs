//! The checks, one file per subject. Each reads what was written and adds what it found.

mod actions;
mod sections;
mod shares;
mod times;
mod window;

pub(super) use actions::{HIGHEST_PRIORITY, names_highest_priority};
pub(super) use shares::{Of, denominator};

use super::finding::{Place, Rule, Severity, Verdict};
use super::reading::Reading;

/// Everything that a document says against itself. What a stated share of a budget obliges to is judged only where none
/// was measured.
pub(super) fn all(reading: &Reading, measured_budgets: bool, verdict: &mut Verdict) {
    if reading.blocks.is_empty() {
        let place = Place { line: 1, quote: String::new() };
        let message = "there is no text to check".to_owned();
        verdict.find(
            Severity::Error,
            Rule::Empty,
            place,
            message,
            "write one, or begin with 'doorstep postmortem draft'",
        );
        return;
    }
    sections::check(reading, verdict);
    times::check(reading, verdict);
    window::check(reading, verdict);
    shares::check(reading, verdict);
    actions::check(reading, measured_budgets, verdict);
}

/// A length of time for people: `17 h 30 min`.
pub(super) fn long(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as i64;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{} s", seconds.round() as i64),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// "line 5", "lines 5 and 7", "lines 5 to 9".
pub(super) fn lines(numbers: &[usize]) -> String {
    match numbers {
        [] => "no line".to_owned(),
        [one] => format!("line {one}"),
        [first, .., last] if last - first + 1 == numbers.len() => format!("lines {first} to {last}"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
            format!("lines {} and {last}", rest.join(", "))
        }
    }
}
