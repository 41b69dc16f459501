//! Start, end and duration as stated, against what was measured; who noticed, against the first failing probe.

use jiff::Timestamp;

use super::super::checks::{HIGHEST_PRIORITY, long, names_highest_priority};
use super::super::claim;
use super::super::finding::{Place, Rule, Severity, Verdict};
use super::super::reading::Reading;
use super::super::stated::{Duration, Instant, seconds};
use super::super::timeline::Entry;
use super::{Known, contradicted};
use crate::incident::{Bounds, Symptom};
use crate::postmortem::evidence::Spent;
use crate::report::format;
use crate::report::words::trigger;

pub(super) fn check(reading: &Reading, known: &Known<'_>, verdict: &mut Verdict) {
    let incident = &known.evidence.incident;
    if let Some(start) = &reading.stated.start {
        // Where the slow logins before the failing ones are meant, they began earlier.
        let slow = known.evidence.linked.as_ref().filter(|linked| linked.symptom == Symptom::Slow);
        match slow.filter(|slow| start.at < slow.start.latest || within(start, slow.start)) {
            Some(slow) if says_slow(reading, start) => instant(start, slow.start, "start of slow logins", verdict),
            _ => instant(start, incident.start, "start", verdict),
        }
    }
    if let Some(end) = &reading.stated.end {
        if incident.open {
            verdict.leave(end.place.clone(), "the incident was still open at the end of what was looked at");
        } else {
            instant(end, incident.end, "end", verdict);
        }
    }
    for duration in &reading.stated.durations {
        length(duration, known, verdict);
    }
    if let Some(duration) = reading.stated.between_start_and_end() {
        length(&duration, known, verdict);
    }
    noticed(reading, known, verdict);
    budget(reading, known, verdict);
}

fn within(stated: &Instant, measured: Bounds) -> bool {
    let open = stated.precision as f64;
    seconds(stated.at, measured.earliest) <= open && seconds(measured.latest, stated.latest) <= open
}

/// Whether the line of a stated instant speaks of slow logins.
fn says_slow(reading: &Reading, stated: &Instant) -> bool {
    let here = |line: usize, text: &str| line == stated.place.line && claim::forewarned(text);
    reading.blocks.iter().any(|read| here(read.block.line, &read.block.text))
}

/// The bounds of an instant in words.
pub(super) fn shown(bounds: Bounds) -> String {
    let at = |at: Timestamp| format::instant(at, "UTC");
    format!("between {} and {}", at(bounds.earliest), at(bounds.latest))
}

fn instant(stated: &Instant, measured: Bounds, what: &str, verdict: &mut Verdict) {
    let open = stated.precision as f64;
    // Both ends of a stated interval must lie between those that were measured.
    let early = seconds(stated.at, measured.earliest);
    let late = seconds(measured.latest, stated.latest);
    let bounds = shown(measured);
    if early > open {
        let message = format!("the measured {what} lies {bounds}: {} later", long(early));
        contradicted(verdict, stated.place.clone(), message);
    } else if late > open {
        let message = format!("the measured {what} lies {bounds}: {} earlier", long(late));
        contradicted(verdict, stated.place.clone(), message);
    } else {
        verdict.confirm(stated.place.clone(), format!("the measured {what}, {bounds}"));
    }
}

fn length(duration: &Duration, known: &Known<'_>, verdict: &mut Verdict) {
    let incident = &known.evidence.incident;
    let (low, high) = (incident.low.0 as f64 / 1e6, incident.high.0 as f64 / 1e6);
    let shown = format!("{} to {}", format::span(incident.low), format::span(incident.high));
    // A stated interval must lie within the measured one, but for what rounding takes.
    let open = 1.0 + (duration.longest - duration.shortest).min(duration.slack);
    if duration.shortest + open < low {
        contradicted(verdict, duration.place.clone(), format!("it lasted longer: {shown} by measurement (F8)"));
    } else if duration.longest - open > high && !incident.open {
        contradicted(verdict, duration.place.clone(), format!("it was shorter: {shown} by measurement (F8)"));
    } else {
        verdict.confirm(duration.place.clone(), format!("the measured duration, {shown}"));
    }
}

/// Whoever is said to have noticed first, against the first failing probe.
fn noticed(reading: &Reading, known: &Known<'_>, verdict: &mut Verdict) {
    let incident = &known.evidence.incident;
    let Some(entry) = reading.timeline.detected() else { return };
    let after = seconds(incident.first_failing, entry.at);
    let told = reading.timeline.entries.iter().any(|before| before.at < entry.at && claim::forewarned(&before.text));
    if !told {
        seen_earlier(entry, known, verdict);
    }
    let before = seconds(entry.at, incident.start.earliest);
    // A warning of slowness may well come before the first failure.
    if before > entry.moment.precision() as f64 && !claim::forewarned(&entry.text) {
        let message = format!(
            "noticed {} before it can have begun: the measured start lies {}",
            long(before),
            shown(incident.start)
        );
        contradicted(verdict, entry.time.clone(), message);
    } else if claim::by_customers(&entry.text) && after > entry.moment.precision() as f64 {
        let message = format!(
            "customers noticed {} after the first failing probe ({}): the probes knew, and nobody was told",
            long(after),
            format::instant(incident.first_failing, "UTC")
        );
        let way_out = "say why no alarm reached anybody, and add an action for it";
        verdict.find(Severity::Error, Rule::CustomersFirst, entry.place.clone(), message, way_out);
    }
}

/// Slow logins before the failing ones: when an alarm on them was due, against when somebody noticed.
fn seen_earlier(entry: &Entry, known: &Known<'_>, verdict: &mut Verdict) {
    let slow = known.evidence.linked.as_ref().filter(|linked| linked.symptom == Symptom::Slow);
    let Some((slow, alarm)) = slow.and_then(|slow| Some((slow, slow.detected?))) else { return };
    let earlier = seconds(alarm, entry.at);
    if earlier < entry.moment.precision() as f64 {
        return;
    }
    let message = format!(
        "logins were slow from {} on, and an alarm on slow logins was due at {}, {} earlier",
        format::instant(slow.first_failing, "UTC"),
        format::instant(alarm, "UTC"),
        long(earlier)
    );
    let way_out = "say whether anybody was told that logins were slow, and why nobody acted on it";
    verdict.find(Severity::Warning, Rule::NoticedLate, entry.time.clone(), message, way_out);
}

/// The measured shares of the budgets oblige as the site's budget policy says, whether the document states them or not.
fn budget(reading: &Reading, known: &Known<'_>, verdict: &mut Verdict) {
    if names_highest_priority(reading) {
        return;
    }
    for (clause, budgets) in known.evidence.obliging() {
        let each = |spent: &&Spent| {
            let share = crate::report::words::spent(spent.share_of_four());
            format!("{share} of the error budget of four periods of {} ({})", spent.objective, spent.how)
        };
        let all: Vec<String> = budgets.iter().map(each).collect();
        let message = format!("the incident took {}, and no action has the highest priority", all.join(", "));
        let way_out = format!("{HIGHEST_PRIORITY} (budget policy: {}: {})", trigger(clause.trigger), clause.text);
        let place = Place { line: 1, quote: String::new() };
        verdict.find(Severity::Error, Rule::BudgetWithoutPriority, place, message, &way_out);
    }
}
