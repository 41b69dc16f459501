//! The check of a written postmortem: what it claims, held against itself. Every complaint names its line, quotes
//! the words, says what they contradict, and how to put it right. Pure; reads no file and knows no clock.
//!
//! It reads structure and figures, not meaning: it never says that a postmortem is true, only what in it cannot be.

mod amount;
mod checks;
mod claim;
mod data;
mod document;
mod finding;
mod heading;
mod lasting;
mod moment;
mod pattern;
mod prose;
mod reading;
mod render;
mod stated;
mod timeline;

pub use finding::{Confirmed, Finding, NotChecked, Place, Rule, Severity, Verdict};
pub use render::{json, text};

use super::evidence::Evidence;
use reading::Reading;

/// Checks a postmortem written in Markdown, against itself and, where it is given, against what is known of its incident.
#[must_use]
pub fn lint(markdown: &str, evidence: Option<&Evidence>) -> Verdict {
    let reading = Reading::of(markdown);
    let mut verdict = Verdict::default();
    // Where budgets were measured, they say what the document owes, and not the figures that it states.
    checks::all(&reading, evidence.is_some_and(|evidence| !evidence.budgets.is_empty()), &mut verdict);
    match evidence {
        Some(evidence) => data::check(&reading, evidence, &mut verdict),
        None => data::none_given(&reading, &mut verdict),
    }
    verdict.sorted()
}
