//! A log of real sign-ins as demand: weeks of hours, for all users and, where the log tells them apart, by segment. No
//! sign-in counts twice, and none that lies apart from all others stretches the log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::{Demand, HOURS, LoggedWeek, SignInLog};

use super::demand::{DAYS, Logged, Shares, amount};
use super::diagnostic::{Findings, Place, Problem};
use super::files::Files;
use super::population::read;
use super::sheet::Sheet;
use super::site::resolve;
use super::suggest::{quote, suggest};
use super::yaml::Node;

/// Sign-ins while they are added up: by Monday and hour of the week.
type Counts = BTreeMap<Date, Vec<f64>>;

/// Weeks in a row without any entry, from which on a date is taken for mistyped: half a year.
const FAR: i64 = 26;

/// Weeks in a row without any entry, from which on somebody should look: their hours count as hours without a sign-in.
const LONG: i64 = 4;

/// What was read of a log.
#[derive(Default)]
struct Entries {
    /// By segment; without one, those of rows that name none.
    counts: BTreeMap<Option<String>, Counts>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// The rows of each week: their number and the first one's place.
    weeks: BTreeMap<Date, (u64, Place)>,
    /// The first row that names no segment.
    nameless: Option<Place>,
    wrong: bool,
}

/// The demand of all, and that of segments. A log has a timestamp, and optionally count and segment.
pub(super) fn build(
    node: &Node,
    zone: &TimeZone,
    without: &[Date],
    segments: Option<&Shares<'_>>,
    files: &dyn Files,
    findings: &mut Findings,
) -> Option<(Demand, Logged)> {
    let path = resolve(node, &node.scalar()?.text);
    let text = read(&path, node, files, findings)?;
    let file: Arc<Path> = Arc::from(path);
    let sheet = Sheet::new(&file, &text, &[&["timestamp"]], &["count", "segment"], findings)?;
    let mut entries = Entries::default();
    sheet.rows(findings, |row, findings| {
        let at = row.read("timestamp", |text| instant(text, zone), findings);
        let count = if row.get("count").is_some() { row.maybe("count", amount, findings) } else { Some(1.0) };
        let named = row.get("segment").is_some();
        let segment = row.maybe("segment", |text| known_segment(text, segments), findings);
        let (Some(at), Some(count), false) = (at, count, named && segment.is_none()) else {
            entries.wrong = true;
            return;
        };
        entries.add(at, count, segment, &row.place, zone);
    });
    if entries.wrong {
        return None;
    }
    let (Some(first), Some(last)) = (entries.first, entries.last) else {
        findings.error(&sheet.whole(), "the log holds no sign-in");
        return None;
    };
    if !together(&entries.weeks, findings) {
        return None;
    }
    let covered = covered(first, last, zone);
    if let Some(hour) = (0..HOURS).find(|&hour| covered.values().all(|week| !week[hour])) {
        let problem = Problem::new(format!(
            "the log reaches from {first} to {last}, and says nothing of {} {:02}:00",
            DAYS[hour / 24],
            hour % 24
        ));
        findings.error(&sheet.whole(), problem.help("a log must cover at least one whole week"));
        return None;
    }
    let of = |counts: &Counts| Demand::Logged(with_gaps(counts, &covered, zone, without));
    let by_segment = by_segment(&entries, segments, &sheet.whole(), findings)?;
    let all = sum(entries.counts.values());
    Some((of(&all), by_segment.iter().map(|(name, counts)| (name.clone(), of(counts))).collect()))
}

impl Entries {
    fn add(&mut self, at: Timestamp, count: f64, segment: Option<String>, place: &Place, zone: &TimeZone) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        let (monday, hour) = hour_of(at, zone);
        self.weeks.entry(monday).or_insert_with(|| (0, place.clone())).0 += 1;
        if segment.is_none() {
            self.nameless.get_or_insert_with(|| place.clone());
        }
        let counts = self.counts.entry(segment).or_default();
        counts.entry(monday).or_insert_with(|| vec![0.0; HOURS])[hour] += count;
    }
}

fn sum<'c>(all: impl Iterator<Item = &'c Counts>) -> Counts {
    let mut sum = Counts::new();
    for (monday, hours) in all.flatten() {
        let week = sum.entry(*monday).or_insert_with(|| vec![0.0; HOURS]);
        week.iter_mut().zip(hours).for_each(|(sum, count)| *sum += count);
    }
    sum
}

/// Whether no entry lies so far from all others that its date must be mistyped: it would stretch the log over years of
/// hours without a sign-in.
fn together(weeks: &BTreeMap<Date, (u64, Place)>, findings: &mut Findings) -> bool {
    let mondays: Vec<&Date> = weeks.keys().collect();
    let mut right = true;
    for pair in mondays.windows(2) {
        let gap = (*pair[1] - *pair[0]).get_days() / 7 - 1;
        let gap = i64::from(gap);
        if gap < LONG {
            continue;
        }
        let rows = |range: &mut dyn Iterator<Item = &(u64, Place)>| range.map(|(rows, _)| rows).sum::<u64>();
        let (before, after) = (
            rows(&mut weeks.range(..=*pair[0]).map(|(_, week)| week)),
            rows(&mut weeks.range(*pair[1]..).map(|(_, week)| week)),
        );
        // The side with fewer rows is the one that looks out of place.
        let place = &weeks[if before < after { pair[0] } else { pair[1] }].1;
        let words = format!("the log holds no sign-in for {gap} weeks between those of {} and {}", pair[0], pair[1]);
        if gap >= FAR {
            let help = "is the date mistyped? write it right, or leave out what lies so far from the rest";
            findings.error(place, Problem::new(words).help(help));
            right = false;
        } else {
            let help =
                "they count as weeks in which nobody signed in; name them in 'without' if the log has a gap there";
            findings.warning(place, Problem::new(words).help(help));
        }
    }
    right
}

/// The sign-ins of each segment, where the log tells them apart. Rows that name none are those of the segments that have
/// no row of their own, by their shares, so that all segments together are the log and nothing counts twice. `None` when
/// they cannot be.
fn by_segment(
    entries: &Entries,
    segments: Option<&Shares<'_>>,
    whole: &Place,
    findings: &mut Findings,
) -> Option<BTreeMap<String, Counts>> {
    let own = entries.counts.iter().filter_map(|(name, counts)| Some((name.clone()?, counts.clone())));
    let mut all: BTreeMap<String, Counts> = own.collect();
    if all.is_empty() {
        return Some(all);
    }
    let others: Vec<(&str, f64)> = segments
        .into_iter()
        .flatten()
        .filter(|(name, share)| !all.contains_key(*name) && *share > 0.0)
        .copied()
        .collect();
    let shares: f64 = others.iter().map(|(_, share)| share).sum();
    let rest = entries.counts.get(&None);
    match (&entries.nameless, others.first()) {
        (Some(place), None) => {
            let problem = Problem::new("the row names no segment, and every segment has rows of its own");
            let help = "name its segment, or leave it out if it is a sum of others: nothing may count twice";
            findings.error(place, problem.help(help));
            return None;
        }
        (None, Some((name, _))) => {
            let problem = Problem::new(format!("the log tells segments apart, and holds no row of {}", quote(name)));
            let help = "add its sign-ins, as rows that name it or no segment, or leave the column out";
            findings.error(whole, problem.help(help));
            return None;
        }
        _ => {}
    }
    for (name, share) in others {
        let part =
            |(monday, hours): (&Date, &Vec<f64>)| (*monday, hours.iter().map(|count| count * share / shares).collect());
        all.insert(name.to_owned(), rest.into_iter().flatten().map(part).collect());
    }
    Some(all)
}

fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, Problem> {
    let local = || zone.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse::<Timestamp>().ok().or_else(local).ok_or_else(|| {
        Problem::new("is no time")
            .help("write it like 2026-11-20T14:00:00Z, or 2026-11-20 14:00 in the zone of the demand")
    })
}

fn known_segment(text: &str, segments: Option<&Shares<'_>>) -> Result<String, Problem> {
    let names = || segments.into_iter().flatten().map(|(name, _)| *name);
    if segments.is_some() && !names().any(|name| name == text) {
        return Err(Problem::new("is no segment of this population").maybe_help(suggest(text, names())));
    }
    Ok(text.to_owned())
}

/// The Monday of an instant's week, and its hour of the week.
fn hour_of(at: Timestamp, zone: &TimeZone) -> (Date, usize) {
    let local = zone.to_datetime(at);
    let day = local.date().weekday().to_monday_zero_offset();
    let monday = local.date().checked_sub(i64::from(day).days()).unwrap_or(local.date());
    (monday, usize::from(day.unsigned_abs()) * 24 + usize::from(local.hour().unsigned_abs()))
}

/// The hours that the log reaches over, from the hour of its first entry to that of its last.
fn covered(first: Timestamp, last: Timestamp, zone: &TimeZone) -> BTreeMap<Date, Vec<bool>> {
    let mut covered: BTreeMap<Date, Vec<bool>> = BTreeMap::new();
    let mut mark = |at| {
        let (monday, hour) = hour_of(at, zone);
        covered.entry(monday).or_insert_with(|| vec![false; HOURS])[hour] = true;
    };
    let mut at = first;
    while at < last {
        mark(at);
        at = at.checked_add(1.hour()).unwrap_or(last);
    }
    mark(last);
    covered
}

/// Hours that are covered and have no entry had no sign-in; the others are not known.
fn with_gaps(counts: &Counts, covered: &BTreeMap<Date, Vec<bool>>, zone: &TimeZone, without: &[Date]) -> SignInLog {
    let week = |(monday, known): (&Date, &Vec<bool>)| {
        let here = counts.get(monday);
        let hour = |(hour, known): (usize, &bool)| known.then(|| here.map_or(0.0, |counts| counts[hour]));
        LoggedWeek { monday: *monday, hours: known.iter().enumerate().map(hour).collect() }
    };
    SignInLog { zone: zone.clone(), weeks: covered.iter().map(week).collect(), without: without.to_vec() }
}
