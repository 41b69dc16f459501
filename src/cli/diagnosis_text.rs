//! How the logins of an incident failed, and what the database's evidence says of it, as text and as Markdown.

use crate::diagnosis::{Course, DatabaseEvidence, Diagnosis, FlowSignatures, Hint, NO_DATABASE, Shape, Signatures};
use crate::incident::{Incident, Share};
use crate::report::format::{count, percent, percent_interval};

/// A heading and what stands under it; a line that begins with two spaces belongs to the one above.
struct Part {
    heading: &'static str,
    lines: Vec<String>,
}

/// All that is known, in parts.
fn parts(incident: &Incident, diagnosis: &Diagnosis, zone: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(signatures) = &diagnosis.signatures {
        parts.push(Part { heading: "How logins failed", lines: failures(signatures) });
        let lines: Vec<String> = signatures.hints.iter().flat_map(hint).collect();
        if !lines.is_empty() {
            parts.push(Part { heading: "What that looks like (hints, not causes)", lines });
        }
    }
    let mut lines: Vec<String> = diagnosis.databases.iter().flat_map(|one| database(incident, one, zone)).collect();
    if lines.is_empty() {
        lines.push(NO_DATABASE.to_owned());
    }
    parts.push(Part { heading: "What the database says", lines });
    parts
}

/// The explanation, and below it everything that it rests on.
fn database(incident: &Incident, one: &DatabaseEvidence, zone: &str) -> Vec<String> {
    let below = [
        one.held(zone),
        one.neighbours(incident, zone),
        one.unknown(zone),
        vec![format!("asked meanwhile: {}", one.coverage())],
        one.lag_rules(zone),
    ];
    let mut lines = vec![one.brief(zone)];
    lines.extend(below.concat().into_iter().map(|line| format!("  {line}")));
    lines
}

/// As text, each line indented.
pub(super) fn text(incident: &Incident, diagnosis: &Diagnosis, zone: &str) -> String {
    let part = |part: Part| {
        let lines: String = part.lines.iter().map(|line| format!("  {line}\n")).collect();
        format!("\n{}\n{lines}", part.heading)
    };
    parts(incident, diagnosis, zone).into_iter().map(part).collect()
}

/// As Markdown lists.
pub(super) fn markdown(incident: &Incident, diagnosis: &Diagnosis, zone: &str) -> String {
    let line = |line: &String| {
        let rest = line.trim_start();
        let depth = if rest.len() < line.len() { "  " } else { "" };
        format!("{depth}- {rest}\n")
    };
    let part = |part: Part| format!("\n## {}\n\n{}", part.heading, part.lines.iter().map(line).collect::<String>());
    parts(incident, diagnosis, zone).into_iter().map(part).collect()
}

fn share(share: &Share) -> String {
    format!("{} ({})", percent(share.share, share.interval), percent_interval(share.interval))
}

fn failures(signatures: &Signatures) -> Vec<String> {
    let mut lines: Vec<String> = signatures.flows.iter().flat_map(flow).collect();
    lines.push(course(&signatures.course));
    lines.push(good(signatures));
    lines.extend(signatures.groups());
    lines
}

/// The middle of the times of good logins, against what was usual.
fn good(signatures: &Signatures) -> String {
    let before = signatures
        .good_before
        .map_or_else(|| "none in the six hours before".to_owned(), |usual| format!("in the six hours before {usual}"));
    match signatures.good {
        Some(now) => format!("good logins took {now} (median), {before}"),
        None => format!("no login was good; median {before}"),
    }
}

fn flow(flow: &FlowSignatures) -> Vec<String> {
    let deadline = flow.deadline.map_or_else(String::new, |deadline| format!(", measured at a deadline of {deadline}"));
    let mut lines = vec![format!(
        "{}: {} of {} failed, {}{deadline}",
        flow.flow,
        count(flow.failing.failing),
        count(flow.failing.n),
        share(&flow.failing)
    )];
    for one in &flow.counts {
        let median = one.median.map_or_else(String::new, |median| format!(", median {median}"));
        lines.push(format!(
            "  {} of {} {}{median}",
            count(one.share.failing),
            count(one.share.n),
            one.signature.title()
        ));
    }
    lines
}

fn course(course: &Course) -> String {
    let shape = match course.shape {
        Shape::All => "throughout: every login failed",
        Shape::TooFew => "too few to say whether the share was constant",
        Shape::Constant => "constant: no change over time can be shown",
        Shape::Growing => "growing over time",
        Shape::Falling => "falling over time",
        Shape::Bursts => "in bursts",
    };
    let halves = format!("first half {}, second half {}", share(&course.early), share(&course.late));
    match course.shape {
        Shape::All | Shape::TooFew => shape.to_owned(),
        Shape::Bursts => format!("{shape}: {} stretches of failures; {halves}", course.stretches),
        _ => format!("{shape}: {halves}"),
    }
}

fn hint(hint: &Hint) -> Vec<String> {
    vec![
        hint.looks_like.clone(),
        format!("  read off: {}", hint.evidence.join("; ")),
        format!("  looks the same: {}", hint.alternatives.join("; ")),
    ]
}
