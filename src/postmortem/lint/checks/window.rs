//! Start, end and duration: what is stated against the document's own timeline.

use super::super::claim;
use super::super::finding::{Rule, Severity, Verdict};
use super::super::reading::Reading;
use super::super::stated::{Duration, Instant, seconds};
use super::super::timeline::Entry;
use super::long;

pub(super) fn check(reading: &Reading, verdict: &mut Verdict) {
    let stated = &reading.stated;
    let restored = reading.timeline.restored();
    if let (Some(start), Some(end)) = (&stated.start, &stated.end) {
        if end.at < start.at {
            let message = "the end lies before the start".to_owned();
            let way_out = "correct one of the two, and write the date with both";
            verdict.find_against(Rule::EndBeforeStart, end.place.clone(), message, start.place.clone(), way_out);
        } else {
            for duration in &stated.durations {
                against_bounds(duration, start, end, verdict);
            }
        }
    }
    if let (Some(end), Some(restored)) = (&stated.end, restored) {
        against_restoration(reading, end, restored, verdict);
    }
    against_timeline(reading, restored, verdict);
    durations_against_each_other(reading, verdict);
    if let (Some(start), Some(detected)) = (&stated.start, reading.timeline.detected()) {
        start_and_detection(reading, start, detected, verdict);
    }
}

/// A stated duration against the stated start and end.
fn against_bounds(duration: &Duration, start: &Instant, end: &Instant, verdict: &mut Verdict) {
    let between = seconds(start.at, end.at);
    let open = (start.precision + end.precision) as f64;
    let words = format!("from {} to {}", start.place.quote, end.place.quote);
    if (duration.shortest - open..=duration.longest + open).contains(&between) {
        verdict.confirm(duration.place.clone(), format!("its own start and end: {words} is {}", long(between)));
    } else {
        let message = format!("but {words} is {}", long(between));
        let way_out = "correct the duration, or the start and end";
        verdict.find_against(
            Rule::DurationContradictsTimeline,
            duration.place.clone(),
            message,
            start.place.clone(),
            way_out,
        );
    }
}

/// Two stated durations of the same outage, where neither start and end nor the timeline decide between them.
fn durations_against_each_other(reading: &Reading, verdict: &mut Verdict) {
    let stated = &reading.stated;
    if stated.start.is_some() && stated.end.is_some() || reading.timeline.restored().is_some() {
        return;
    }
    let Some((first, rest)) = stated.durations.split_first() else { return };
    for other in rest.iter().filter(|other| other.shortest > first.longest || other.longest < first.shortest) {
        let message = "another duration of the same outage is stated elsewhere".to_owned();
        let way_out = "state one, from the first failing login to the first good one after it";
        let rule = Rule::DurationContradictsTimeline;
        verdict.find_against(rule, other.place.clone(), message, first.place.clone(), way_out);
    }
}

/// The stated end against the entry that says that the service worked again.
fn against_restoration(reading: &Reading, end: &Instant, restored: &Entry, verdict: &mut Verdict) {
    let late = seconds(end.latest, restored.at);
    let open = (end.precision.max(restored.moment.precision())) as f64;
    if late < open {
        if seconds(end.at, restored.at) > -open {
            verdict.confirm(
                end.place.clone(),
                format!("its own timeline: '{}' (line {})", restored.place.quote, restored.place.line),
            );
        }
        return;
    }
    let at_end = reading.timeline.entries.iter().find(|entry| seconds(entry.at, end.at).abs() < open);
    let meanwhile = at_end.map_or_else(String::new, |entry| {
        format!(
            "; at the stated end the timeline only says '{}' (line {})",
            entry.text.trim_end_matches('.'),
            entry.place.line
        )
    });
    let message = format!("stated as the end, but the service was restored {} later{meanwhile}", long(late));
    let way_out = "an outage ends when users can log in again: take the time of the restoration";
    verdict.find_against(Rule::RestoredAfterEnd, end.place.clone(), message, restored.place.clone(), way_out);
}

/// The stated duration, or the stated start and end, against the timeline's own length.
fn against_timeline(reading: &Reading, restored: Option<&Entry>, verdict: &mut Verdict) {
    let stated = &reading.stated;
    let began = reading.timeline.began().map(|entry| (entry.at, entry.moment.precision(), entry.time.clone()));
    let start = stated.start.as_ref().map(|start| (start.at, start.precision, start.place.clone())).or(began);
    let (Some((start, precision, first)), Some(restored)) = (start, restored) else { return };
    let own = seconds(start, restored.at);
    if own < 0.0 {
        return;
    }
    let open = (precision + restored.moment.precision()) as f64;
    let way_out = "state the duration from the first failing login to the first good one after it";
    let told = format!(
        "its own timeline goes from {} (line {}) to {}: {}",
        first.quote,
        first.line,
        restored.time.quote,
        long(own)
    );
    for duration in &stated.durations {
        if (duration.shortest - open..=duration.longest + open).contains(&own) {
            verdict.confirm(duration.place.clone(), told.clone());
        } else {
            let place = duration.place.clone();
            verdict.find_against(
                Rule::DurationContradictsTimeline,
                place,
                told.clone(),
                restored.place.clone(),
                way_out,
            );
        }
    }
    let (Some(window), Some(from), Some(end)) = (&stated.window, &stated.start, &stated.end) else { return };
    let said = seconds(from.at, end.at);
    if stated.durations.is_empty() && said >= 0.0 && (said - own).abs() >= open {
        let message = format!("states {}, but {told}", long(said));
        verdict.find_against(
            Rule::DurationContradictsTimeline,
            window.clone(),
            message,
            restored.place.clone(),
            way_out,
        );
    }
}

/// An outage begins before it is noticed.
fn start_and_detection(reading: &Reading, start: &Instant, detected: &Entry, verdict: &mut Verdict) {
    let delay = seconds(start.at, detected.at);
    let way_out = "give the start from measurements (the first failing login), and the detection apart from it";
    if delay.abs() < 1.0 && !claim::began_before_noticed(&detected.text) {
        let message = format!(
            "the start is the very time at which it was noticed ('{}', line {}): nobody can say how long it had failed before",
            detected.text.trim_end_matches('.'),
            detected.place.line
        );
        verdict.find(Severity::Warning, Rule::StartIsDetection, start.place.clone(), message, way_out);
    } else if delay < 0.0 {
        let earlier = reading.timeline.entries.first().is_some_and(|first| first.at < start.at);
        if earlier && !claim::forewarned(&detected.text) {
            let message = format!("detected {} before the stated start", long(-delay));
            let place = detected.time.clone();
            verdict.find_against(Rule::EndBeforeStart, place, message, start.place.clone(), way_out);
        }
    }
}
