//! When people want to sign in: a stated typical week, or a log of real sign-ins.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, ISOWeekDate, Weekday};

use crate::model::{Demand, HOURS, Rate, TypicalWeek};

use super::diagnostic::{Findings, Problem};
use super::files::Files;
use super::population::read;
use super::sheet::Sheet;
use super::sign_in_log;
use super::site::resolve;
use super::suggest::quote;
use super::values;
use super::view::{View, read_key, read_scalar};
use super::yaml::Node;

/// Demand of single segments, by their name, where a log tells them apart.
pub(super) type Logged = BTreeMap<String, Demand>;

/// The segments that a log may name, each with its share of all sign-ins.
pub(super) type Shares<'a> = [(&'a str, f64)];

pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The demand of all, and that of segments. `segments` are the names that a log may use; `None` when they could not be
/// read.
pub(super) fn build(
    view: View<'_>,
    segments: Option<&Shares<'_>>,
    files: &dyn Files,
    findings: &mut Findings,
) -> Option<(Demand, Logged)> {
    let zone = view.read("zone", values::zone, findings)?;
    let band = view.read("band", values::share, findings)?;
    if let Some(node) = view.node("log") {
        if let Some(node) = view.node("band") {
            findings.error(&node.place, "a log has a band of its own: the 10th to 90th percentile of its weeks");
        }
        let without = weeks(view, findings);
        return sign_in_log::build(node, &zone, &without, segments, files, findings);
    }
    if let Some(node) = view.node("without") {
        findings.error(&node.place, "only a log has weeks to leave out");
    }
    let rate = |middle: f64| Rate { low: middle * (1.0 - band), middle, high: middle * (1.0 + band) };
    let hours = match (view.node("week"), view.has("per_hour")) {
        (Some(node), _) if node.scalar().is_some() => sheet_week(node, &rate, files, findings)?,
        (Some(node), _) => written_week(node, &rate, findings)?,
        (None, true) => vec![rate(view.read("per_hour", amount, findings)?); HOURS],
        (None, false) => return None,
    };
    Some((Demand::Stated(TypicalWeek { zone, hours }), Logged::new()))
}

/// A number of people: not negative, and no more than anybody has.
pub(super) fn amount(text: &str) -> Result<f64, Problem> {
    let help = "write a number such as 9000 or 12.5";
    match text.replace('_', "").parse::<f64>() {
        Ok(number) if number < 0.0 => Err(Problem::new("is negative, and demand cannot be").help(help)),
        Ok(number) if number.is_finite() && number <= 1e12 => Ok(number),
        _ => Err(Problem::new("is not a number of sign-ins").help(help)),
    }
}

/// A day of the week, from 0 for Monday.
fn day(text: &str) -> Option<usize> {
    let text = text.to_lowercase();
    let number = text.parse::<usize>().ok().filter(|number| (1..=7).contains(number)).map(|number| number - 1);
    DAYS.iter().position(|day| *day == text).or_else(|| LONG_DAYS.iter().position(|day| *day == text)).or(number)
}

/// A day, or a range such as `mon-fri`.
fn days(text: &str) -> Result<std::ops::RangeInclusive<usize>, Problem> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (day(first.trim()), day(last.trim())) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(Problem::new("is no day of the week").help("write mon, tue, ..., sun, or a range such as mon-fri")),
    }
}

/// Hours of a week that are filled one by one.
struct Week {
    hours: Vec<Option<Rate>>,
}

impl Week {
    fn new() -> Self {
        Self { hours: vec![None; HOURS] }
    }

    /// All hours, or a finding with those that are missing.
    fn finish(self, place: &super::Place, findings: &mut Findings) -> Option<Vec<Rate>> {
        let missing: Vec<usize> = (0..HOURS).filter(|&hour| self.hours[hour].is_none()).collect();
        if let Some(first) = missing.first() {
            let name = |hour: &usize| format!("{} {:02}:00", DAYS[hour / 24], hour % 24);
            let problem = Problem::new(format!(
                "{} of the {HOURS} hours of a week are missing, the first is {}",
                missing.len(),
                name(first)
            ))
            .help("write 0 where nobody signs in: an hour that is left out is not known");
            findings.error(place, problem);
            return None;
        }
        self.hours.into_iter().collect()
    }
}

/// Days with 24 numbers each.
fn written_week(node: &Node, rate: &impl Fn(f64) -> Rate, findings: &mut Findings) -> Option<Vec<Rate>> {
    let mut week = Week::new();
    for entry in node.entries() {
        let Some(days) = read_key(entry, days, findings) else { continue };
        let numbers: Vec<f64> =
            entry.value.items().iter().filter_map(|item| read_scalar(item, false, amount, findings)).collect();
        if numbers.len() != 24 {
            let problem =
                Problem::new(format!("{} has {} numbers of sign-ins", quote(&entry.key), entry.value.items().len()))
                    .help("write 24, one for each hour from 00:00");
            findings.error(&entry.value.place, problem);
            continue;
        }
        for day in days {
            if week.hours[day * 24].is_some() {
                findings.error(&entry.key_place, format!("{} is here twice", LONG_DAYS[day]));
            }
            for (hour, &number) in numbers.iter().enumerate() {
                week.hours[day * 24 + hour] = Some(rate(number));
            }
        }
    }
    week.finish(&node.place, findings)
}

/// A sheet with a row for each hour.
fn sheet_week(
    node: &Node,
    rate: &impl Fn(f64) -> Rate,
    files: &dyn Files,
    findings: &mut Findings,
) -> Option<Vec<Rate>> {
    let path = resolve(node, &node.scalar()?.text);
    let text = read(&path, node, files, findings)?;
    let file: Arc<Path> = Arc::from(path);
    let needed: [&[&str]; 3] = [&["weekday"], &["hour"], &["sign_ins"]];
    let sheet = Sheet::new(&file, &text, &needed, &["low", "high"], findings)?;
    let mut week = Week::new();
    sheet.rows(findings, |row, findings| {
        let weekday = row.read("weekday", |text| days(text).map(|days| *days.start()), findings);
        let hour = row.read("hour", |text| values::integer(text, 0, 23), findings);
        let middle = row.read("sign_ins", amount, findings);
        let (low, high) = (row.maybe("low", amount, findings), row.maybe("high", amount, findings));
        let (Some(weekday), Some(hour), Some(middle)) = (weekday, hour, middle) else { return };
        let stated = rate(middle);
        let here = Rate { low: low.unwrap_or(stated.low), middle, high: high.unwrap_or(stated.high) };
        if here.low > middle || here.high < middle {
            findings.error(&row.place, format!("the band from {} to {} does not hold {middle}", here.low, here.high));
        }
        let place = weekday * 24 + hour as usize;
        if week.hours[place].replace(here).is_some() {
            findings.error(&row.place, format!("{} {hour:02}:00 is here twice", DAYS[weekday]));
        }
    });
    week.finish(&sheet.whole(), findings)
}

/// The Mondays of the weeks that are to be left out.
fn weeks(view: View<'_>, findings: &mut Findings) -> Vec<Date> {
    let monday = |text: &str| {
        let (year, week) = text.split_once("-W").and_then(|(y, w)| Some((y.parse().ok()?, w.parse().ok()?)))?;
        ISOWeekDate::new(year, week, Weekday::Monday).ok().map(ISOWeekDate::date)
    };
    let monday =
        |text: &str| monday(text).ok_or_else(|| Problem::new("is no ISO week").help("write year and week as 2026-W47"));
    view.read_all("without", monday, findings)
}
