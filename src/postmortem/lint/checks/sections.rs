//! Sections that a postmortem needs, and blanks that nobody filled.

use std::sync::LazyLock;

use super::super::document::Shape;
use super::super::finding::{Place, Rule, Severity, Verdict};
use super::super::heading::{self, Part};
use super::super::pattern::{Pattern, compiled};
use super::super::reading::Reading;

static BLANK: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i:\bto be (?:filled|determined|defined|added|done)\b)|\bTO FILL\b|\bTBD\b|\bTBA\b|^\s*TODO\b|\bTODO:|\|\s*TODO\s*(?:\||$)|\bXXX+\b|\?{3,}|(?i:\blorem ipsum\b)",
    )
});

pub(super) fn check(reading: &Reading, verdict: &mut Verdict) {
    for part in Part::ALL.into_iter().filter(|part| !reading.has(*part)) {
        let (severity, why) = why(part);
        let place = Place { line: last_line(reading), quote: String::new() };
        let message = format!("there is no section '{part}': {why}");
        let way_out = format!("add a heading '{part}'");
        verdict.find(severity, Rule::MissingSection, place, message, &way_out);
    }
    blanks(reading, verdict);
    empty(reading, verdict);
}

/// What a reader misses without a part.
fn why(part: Part) -> (Severity, &'static str) {
    match part {
        Part::Summary => (Severity::Warning, "a reader needs two sentences before the details"),
        Part::Impact => (Severity::Error, "nobody can say whom it hurt, and how much"),
        Part::Timeline => (Severity::Error, "nobody can follow what happened when"),
        Part::RootCause => (Severity::Error, "what is not understood happens again"),
        Part::Trigger => (Severity::Warning, "the cause was there before; what set it off on that day?"),
        Part::Detection => (Severity::Warning, "who or what noticed first, and how long after the first failure?"),
        Part::Resolution => (Severity::Warning, "what ended it?"),
        Part::Actions => (Severity::Error, "nothing will change"),
        Part::Lessons => (Severity::Warning, "what went well, what went wrong, where was luck?"),
    }
}

fn last_line(reading: &Reading) -> usize {
    reading.blocks.last().map_or(1, |read| read.block.line_of(read.block.text.len()))
}

fn blanks(reading: &Reading, verdict: &mut Verdict) {
    for block in reading.blocks.iter().map(|read| &read.block) {
        if BLANK.is_match(&block.text) {
            let message = "a blank that nobody has filled".to_owned();
            let way_out = "fill it, or say that it is not known and why";
            verdict.find(Severity::Error, Rule::Blank, block.whole(), message, way_out);
        }
    }
}

/// Headings of a part with nothing below them.
fn empty(reading: &Reading, verdict: &mut Verdict) {
    for (index, read) in reading.blocks.iter().enumerate() {
        let Shape::Heading(level) = read.block.shape else { continue };
        let below = reading.blocks.get(index + 1).map(|next| &next.block.shape);
        let filled = match below {
            Some(Shape::Heading(next)) => *next > level,
            other => other.is_some(),
        };
        if !filled && !heading::of_heading(&read.block.text).is_empty() {
            let message = "a heading without text".to_owned();
            verdict.find(
                Severity::Error,
                Rule::Blank,
                read.block.whole(),
                message,
                "fill the section, or say that it is not known and why",
            );
        }
    }
}
