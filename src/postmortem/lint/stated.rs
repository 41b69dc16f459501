//! What a postmortem states of its start, its end and its duration, outside of its timeline.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::amount::{Length, lengths};
use super::claim;
use super::finding::Place;
use super::heading::Part;
use super::lasting::is_of_the_outage;
use super::moment::{Defaults, Moment, Stretch, stretches};
use super::pattern::{Pattern, compiled};
use super::reading::Read;

/// A stated instant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instant {
    pub(super) place: Place,
    pub(super) at: Timestamp,
    /// The later end where an interval is stated; else the same.
    pub(super) latest: Timestamp,
    /// Seconds that the writing leaves open.
    pub(super) precision: i64,
}

/// A stated duration of the whole outage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Duration {
    pub(super) place: Place,
    /// In seconds.
    pub(super) shortest: f64,
    /// In seconds.
    pub(super) longest: f64,
    /// Seconds that the writing leaves open, from the shortest to the longest that one written figure may mean.
    pub(super) slack: f64,
}

/// What is stated.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stated {
    pub(super) start: Option<Instant>,
    pub(super) end: Option<Instant>,
    /// The words that state start and end together.
    pub(super) window: Option<Place>,
    pub(super) durations: Vec<Duration>,
    day: Option<Date>,
}

impl Stated {
    pub(super) fn of(blocks: &[Read], defaults: &Defaults, first: Option<Date>) -> Self {
        let mut stated = Self::default();
        let spoken = |read: &&Read| {
            let block = &read.block;
            !block.is_heading() && !block.is(Part::Timeline) && !block.is(Part::Actions) && !block.is(Part::Lessons)
        };
        for read in blocks.iter().filter(spoken) {
            stated.take_window(read, defaults, first);
            stated.take_label(read, defaults, first);
            stated.take_prose(read, defaults, first);
            stated.durations.extend(durations(read));
        }
        stated
    }

    /// The day of the start, for a timeline that names none.
    pub(super) fn day(&self) -> Option<Date> {
        self.day
    }

    /// The duration between a stated start and end, where no words say it.
    pub(super) fn between_start_and_end(&self) -> Option<Duration> {
        let (place, start, end) = (self.window.as_ref()?, self.start.as_ref()?, self.end.as_ref()?);
        let open = (start.precision + end.precision) as f64;
        let length = seconds(start.at, end.at);
        let (shortest, longest) = (length - open, length + open);
        (self.durations.is_empty() && length >= 0.0).then(|| Duration {
            place: place.clone(),
            shortest,
            longest,
            slack: 2.0 * open,
        })
    }

    /// Takes "from ... to ..." of a summary, impact or duration.
    fn take_window(&mut self, read: &Read, defaults: &Defaults, first: Option<Date>) {
        let block = &read.block;
        let about = label_is(read, &["duration", "window", "when", "time", "date", "outage"]);
        let one_end = says_start(read) || says_end(read);
        if self.start.is_some() || one_end || !(about || block.is(Part::Summary) || block.is(Part::Impact)) {
            return;
        }
        let whole = |stretch: &Stretch| !is_apart(block.sentence(&stretch.range));
        let all = stretches(&block.text, &read.moments);
        let Some(stretch) = all.into_iter().find(|stretch| stretch.from.time.is_some() && whole(stretch)) else {
            return;
        };
        // "On 5 March, from 08:31 to 09:51": the day stands before.
        let before = |moment: &&Moment| moment.date.is_some() && moment.range.end <= stretch.range.start;
        let told = read.moments.iter().rfind(before).and_then(|moment| moment.day(None, defaults));
        let first = told.or(first);
        if let Some((start, end)) = bounds(read, &stretch, defaults, first) {
            self.day = stretch.from.day(stretch.to.day(first, defaults), defaults);
            self.window = Some(block.place(&stretch.range));
            (self.start, self.end) = (Some(start), Some(end));
        }
    }

    /// Takes "the outage began at ..." and "it ended at ..." of a summary or impact.
    fn take_prose(&mut self, read: &Read, defaults: &Defaults, first: Option<Date>) {
        let block = &read.block;
        if !(block.is(Part::Summary) || block.is(Part::Impact)) {
            return;
        }
        for moment in read.moments.iter().filter(|moment| moment.time.is_some()) {
            let before = block.text.get(..moment.range.start).unwrap_or_default();
            let day = moment.day(self.day.or(first), defaults);
            let at = || instant(read, moment, day?, defaults);
            if self.start.is_none() && BEGAN_AT.is_match(before) {
                self.day = day;
                self.start = at();
            } else if self.end.is_none() && ENDED_AT.is_match(before) {
                self.end = at();
            }
        }
    }

    /// Takes a line `Start: ...` or `End: ...`, with an instant or an interval.
    fn take_label(&mut self, read: &Read, defaults: &Defaults, first: Option<Date>) {
        if says_start(read) && self.start.is_none() {
            self.day = read.moments.first().and_then(|moment| moment.day(first, defaults));
            self.start = labelled(read, defaults, first);
        } else if says_end(read) && self.end.is_none() {
            self.end = labelled(read, defaults, first);
        }
    }
}

/// Whether a sentence speaks of a part of the outage, or of something beside it.
fn is_apart(sentence: &str) -> bool {
    let text = sentence.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let beside = ["maintenance", "deploy", "rolled out", "backlog", "on call", "meeting"];
    let fails = claim::failing(&text);
    // "slow, then failing" is longer than the outage.
    claim::part_of_it(&text) || fails && says(&["slow", "latency"]) || !fails && says(&beside)
}

/// Whether a line states the start.
pub(super) fn says_start(read: &Read) -> bool {
    label_is(read, STARTS) && !label_is(read, NOT_WHOLE)
}

/// Whether a line states the end.
pub(super) fn says_end(read: &Read) -> bool {
    label_is(read, ENDS) && !label_is(read, NOT_WHOLE)
}

static BEGAN_AT: Pattern = LazyLock::new(|| {
    compiled(r"(?i)\b(?:outage|incident|disruption|it) (?:began|started|starts|begins)(?: at| on)? $")
});
static ENDED_AT: Pattern = LazyLock::new(|| {
    compiled(r"(?i)\b(?:outage|incident|disruption|it) (?:ended|ends|was over|was fully resolved)(?: at| on)? $")
});

/// Words of a label that speak of a part of the outage, or of something else.
const NOT_WHOLE: &[&str] = &[
    "detect",
    "detection",
    "investigation",
    "response",
    "respond",
    "mitigation",
    "mitigate",
    "recovery",
    "deploy",
    "deployment",
    "rollout",
    "rollback",
    "maintenance",
    "meeting",
    "call",
    "session",
    "retention",
    "peak",
    "work",
    "repair",
    "review",
    "ticket",
    "alarm",
    "alert",
    "page",
    "slow",
    "latency",
    "slowness",
    "due",
    "project",
    "backlog",
];
/// Labels of a start and of an end.
const STARTS: &[&str] = &["start", "began", "beginning"];
const ENDS: &[&str] = &["end", "ended", "restored", "resolved"];

/// The instant after a label; with "from ... to ..." both ends of it.
fn labelled(read: &Read, defaults: &Defaults, first: Option<Date>) -> Option<Instant> {
    if let Some(stretch) = stretches(&read.block.text, &read.moments).first() {
        let (from, to) = bounds(read, stretch, defaults, first)?;
        return Some(Instant { place: read.block.place(&stretch.range), latest: to.at, ..from });
    }
    let moment = read.moments.first()?;
    instant(read, moment, moment.day(first, defaults)?, defaults)
}

fn label_is(read: &Read, words: &[&str]) -> bool {
    let label = read.block.label.as_deref().or_else(|| match read.block.shape {
        super::document::Shape::Row(_) => read.block.text.split(" | ").next(),
        _ => None,
    });
    label.is_some_and(|label| {
        let label = label.to_lowercase();
        label.split_whitespace().count() <= 4
            && label.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
    })
}

/// Start and end of a stretch. An end without a date that lies before the start is taken for the next day; the check of
/// dates says so.
fn bounds(read: &Read, stretch: &Stretch, defaults: &Defaults, first: Option<Date>) -> Option<(Instant, Instant)> {
    // "between 08:31 and 09:51 UTC on 5 March": the date at the end is that of both, or of the end after a midnight.
    let otherwise = stretch.to.day(Some(first.unwrap_or(Date::constant(1970, 1, 1))), defaults)?;
    let mut day = stretch.from.day(Some(otherwise), defaults)?;
    let mut start = instant(read, &stretch.from, day, defaults)?;
    let dated_end_only = stretch.from.date.is_none() && stretch.to.date.is_some();
    if dated_end_only && stretch.to.on(otherwise, defaults).is_some_and(|end| end < start.at) {
        day = day.yesterday().ok()?;
        start = instant(read, &stretch.from, day, defaults)?;
    }
    let mut last_day = stretch.to.day(Some(day), defaults)?;
    let mut end = instant(read, &stretch.to, last_day, defaults)?;
    if stretch.to.date.is_none() && end.at < start.at {
        last_day = last_day.tomorrow().ok()?;
        end = instant(read, &stretch.to, last_day, defaults)?;
    }
    Some((start, end))
}

fn instant(read: &Read, moment: &Moment, day: Date, defaults: &Defaults) -> Option<Instant> {
    let at = moment.on(day, defaults)?;
    Some(Instant { place: read.block.place(&moment.range), at, latest: at, precision: moment.precision() })
}

/// Lengths that a text gives to the whole outage, not to a part of it. "17 h to 18 h" is one, with both ends.
fn durations(read: &Read) -> Vec<Duration> {
    let text = &read.block.text;
    let labelled = label_is(read, &["duration", "downtime", "length"]) && !label_is(read, NOT_WHOLE);
    let tells = read.block.is(Part::Summary) || read.block.is(Part::Impact);
    let found = lengths(text);
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(length) = found.get(at) {
        let joined = |next: &&Length| {
            matches!(text.get(length.range.end..next.range.start).map(str::trim), Some("to" | "-" | "–" | "and" | "or"))
        };
        let last = found.get(at + 1).filter(joined).unwrap_or(length);
        at += if last == length { 1 } else { 2 };
        if labelled && kept.is_empty() || is_of_the_outage(text, length.range.start, last.range.end, tells) {
            let (less, more) = about(text.get(..length.range.start).unwrap_or_default());
            kept.push(Duration {
                place: read.block.place(&(length.range.start..last.range.end)),
                shortest: length.seconds * (1.0 - less) - length.slack,
                longest: last.seconds * (1.0 + more) + last.slack,
                slack: 2.0 * last.slack.max(length.slack) + length.seconds * (less + more),
            });
        }
    }
    kept
}

/// How much less and more than a length its introduction allows, as a share of it.
fn about(before: &str) -> (f64, f64) {
    let before = before.trim_end().to_lowercase();
    let ends = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
    if ends(&["about", "around", "approximately", "roughly", "some", "circa", "ca.", "approx.", "~", "≈"]) {
        (0.1, 0.1)
    } else if ends(&["almost", "nearly", "just under"]) {
        (0.15, 0.0)
    } else if ends(&["over", "more than", "at least", "just over"]) {
        (0.0, 0.15)
    } else {
        (0.0, 0.0)
    }
}

/// Seconds between two instants.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_microsecond() - from.as_microsecond()) as f64 / 1e6
}

/// The day of an instant in a zone.
pub(super) fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}
