//! Which known figures a line may be about. Two figures that are equal by chance are not the same claim: a figure is held
//! only against those of which its line speaks.

use std::ops::Range;

use super::super::claim;
use super::super::document::{Block, Shape};
use super::super::heading::Part;
use super::super::reading::Read;
use super::super::stated::{says_end, says_start};
use super::Known;
use crate::postmortem::evidence::{BACKGROUND, Fact};

/// Whether a line that states an instant may speak of this one.
pub(super) fn instant(read: &Read, fact: &Fact) -> bool {
    let text = read.block.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let window = says(&["duration", "window", "from ", "between"]) && !read.block.is(Part::Timeline);
    let of_alarms = says(&["alarm", "alert", "paged", "page", "detect", "notic", "monitor"]);
    let (slow, failing) = (says(&["slow", "latency"]), says(&["fail", "error", "outage", "down"]));
    match fact.name.as_str() {
        "earliest start" | "latest start" | "first failing probe" => {
            window
                || says_start(read)
                || says(&["start", "began", "begin", "first", "fail", "down", "unavailable", "error", "outage", "slow"])
        }
        // An alarm that a line says to be of one kind is not of the other.
        "alarm on failing logins" => of_alarms && (failing || !slow),
        "alarm on slow logins" => of_alarms && (slow || !failing),
        "beginning of the peak" => says(&["peak", "worst"]),
        "earliest end" | "latest end" => {
            window
                || says_end(read)
                || claim::restored(&text)
                || says(&["end", "last fail", "last slow", "again", "until", "over"])
        }
        "latest end of the linked incident" => {
            says(&["no more", "ended", " end ", "last slow", "last fail", "back to normal", "again"])
        }
        name if name.contains("linked incident") => says(&["slow", "latency", "of the incident", "fail"]),
        name => match (name.strip_prefix("noted: "), name.strip_prefix("page of ")) {
            (Some(noted), _) => shares_a_word(&text, noted),
            (_, Some(rule)) => text.contains(&rule.to_lowercase()),
            // Of a database: its rule, setting or server is named.
            _ => shares_a_word(&text, name),
        },
    }
}

/// Whether a text and some words have one in common that says something.
fn shares_a_word(text: &str, words: &str) -> bool {
    let words = words.to_lowercase();
    let mut own = words.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.chars().count() > 3);
    own.any(|word| text.contains(word)) || text.contains(words.trim())
}

/// Whether a length of time in a block is said of this one.
pub(super) fn length(block: &Block, range: &Range<usize>, fact: &Fact) -> bool {
    if estimate_of(&fact.name).is_some() {
        return cell_of_estimate(block, range.start, fact);
    }
    let sentence = block.sentence(range).to_lowercase();
    let after = block.text.get(range.end..).unwrap_or_default();
    let after = after.split_whitespace().take(8).collect::<Vec<_>>().join(" ").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| sentence.contains(word));
    match fact.name.as_str() {
        "threshold of slow logins" => says(&["slow", "longer than"]),
        name if name.contains("slow logins") => {
            says(&["slow"]) && (after.contains("first failing") || after.contains("first slow"))
        }
        "from the earliest start to the alarm" => after.starts_with("after the earliest start"),
        "from the first failing probe to the alarm" => {
            says(&["alarm", "alert", "paged", "detect"])
                && (says(&["first failing probe", "first slow probe", "first fail"])
                    || says(&["time to detect", "later"]))
                && !after.starts_with("after the earliest start")
        }
        "length of the peak" => says(&["peak", "worst"]),
        name if name.starts_with("from the first failing probe to the page of ") => {
            says(&[&name.trim_start_matches("from the first failing probe to the page of ").to_lowercase()])
        }
        name if name.ends_with("to the first failing probe, or back") => {
            let event: String = name.split('\'').nth(1).unwrap_or_default().to_lowercase();
            shares_a_word(&sentence, &event)
                && (after.contains("first failing probe") || after.contains("first slow probe"))
        }
        name if name.contains("duration") => {
            block.is(Part::Summary) || block.is(Part::Impact) || says(&["outage", "lasted"])
        }
        _ => false,
    }
}

/// The estimate that a fact is an end of.
pub(super) fn estimate_of(name: &str) -> Option<&str> {
    ENDS.iter().find_map(|(end, _)| name.strip_suffix(end)).map(str::trim_end)
}

/// The ends of an estimate, and the column of the draft's table that holds each.
const ENDS: [(&str, &str); 3] = [("(least)", "low"), ("(middle)", "middle"), ("(most)", "high")];

fn end_of(name: &str) -> &'static str {
    ENDS.iter().find(|(end, _)| name.ends_with(end)).map_or("", |(_, column)| column)
}

/// As a draft writes a name into a table.
fn tamed(what: &str) -> String {
    what.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "/")
}

/// Whether a row's first cell names an estimate, and the column of a place the end of it that a fact is.
pub(super) fn cell_of_estimate(block: &Block, at: usize, fact: &Fact) -> bool {
    let (Some(what), Shape::Row(heads)) = (estimate_of(&fact.name), &block.shape) else { return false };
    let first = block.cells().first().is_some_and(|first| *first == tamed(what));
    let column = block.text.get(..at).map_or(0, |before| before.matches(" | ").count());
    let head = heads.get(column).map(|head| head.to_lowercase()).unwrap_or_default();
    first && (head == end_of(&fact.name) || !ENDS.iter().any(|(_, column)| *column == head))
}

/// Whether a name is said in a sentence, as a word or the beginning of one.
pub(super) fn names(sentence: &str, name: &str) -> bool {
    let (sentence, name) = (sentence.to_lowercase(), name.to_lowercase());
    name.chars().count() > 1
        && sentence
            .match_indices(&name)
            .any(|(at, _)| !sentence[..at].ends_with(|before: char| before.is_alphanumeric()))
}

/// The vantages, regions, flows, steps and classes of which a sentence speaks; none for the incident as a whole. The only
/// flow of an incident is the incident, and what is said of the background is said of nothing else.
pub(super) fn subjects<'a>(sentence: &str, known: &'a Known<'_>) -> Vec<&'a str> {
    let flows = &known.evidence.incident.flows;
    let only = |name: &str| flows.len() == 1 && flows.iter().any(|flow| flow.as_str() == name);
    let all = known.facts.iter().filter_map(|fact| fact.subject.as_deref());
    let mut named: Vec<&str> = all.filter(|subject| names(sentence, subject) && !only(subject)).collect();
    named.sort_unstable();
    named.dedup();
    if named.contains(&BACKGROUND) { vec![BACKGROUND] } else { named }
}

/// Whether a fact is of one of these subjects, or of the whole where none is named.
pub(super) fn is_of(fact: &Fact, subjects: &[&str]) -> bool {
    fact.subject.as_deref().map_or(subjects.is_empty(), |subject| subjects.contains(&subject))
}

/// Whether a figure is said of the worst stretch rather than of the whole: by the row's first cell, or by the half of the
/// sentence in which it stands.
pub(super) fn of_the_peak(block: &Block, range: &Range<usize>) -> bool {
    if matches!(block.shape, Shape::Row(_)) {
        return block.cells().first().is_some_and(|first| first.to_lowercase().starts_with("peak"));
    }
    let sentence = block.sentence(range);
    let start = (sentence.as_ptr() as usize - block.text.as_ptr() as usize).min(range.start);
    let before = block.text.get(start..range.start).unwrap_or_default();
    let half = before.rsplit([',', ';']).next().unwrap_or_default().to_lowercase();
    let half = half.rsplit(" and ").next().unwrap_or_default();
    let after = block.text.get(range.end..).unwrap_or_default();
    let after = after.split([',', ';', '.']).next().unwrap_or_default().to_lowercase();
    let after = after.split(" and ").next().unwrap_or_default();
    ["peak", "worst", "up to"].iter().any(|word| half.contains(word) || after.contains(word))
}
