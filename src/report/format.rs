//! How numbers and times are written for people, the same in every rendering: shares and counts as
//! [`crate::slo::notation`] writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::Micros;
use crate::slo::Period;
use crate::slo::notation::truthful;

pub use crate::slo::notation::{ABSENT, count, percent, percent_interval, percent_interval_beside};

/// The part of the slots due that says something: cut, not rounded, since 89.96 % is not the 90 % that a policy asks for,
/// and one missing run is no full coverage.
#[must_use]
pub fn coverage(share: Option<f64>) -> String {
    let Some(share) = share else { return ABSENT.to_owned() };
    match (truthful(share * 1000.0)).floor() / 10.0 {
        0.0 if share > 0.0 => "below 0.1 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// A promised share, as it was written: up to six decimals, none that say nothing.
#[must_use]
pub fn target(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An instant in a zone, to the second: `2026-11-16 09:00:05 CET`. An unknown zone is written in UTC.
#[must_use]
pub fn instant(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// Two instants in a zone, the day named once when it is the same: `2026-11-16 09:00:05 to 09:01:02 CET`.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp, zone: &str) -> String {
    let known = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let (first, last) = (from.to_zoned_datetime(known.clone()), to.to_zoned_datetime(known));
    if first.date() == last.date() && first.offset() == last.offset() {
        format!("{} to {}", first.strftime("%Y-%m-%d %H:%M:%S"), last.strftime("%H:%M:%S %Z"))
    } else {
        format!("{} to {}", instant(from, zone), instant(to, zone))
    }
}

/// About how many, as people say it: `640`, `3.8k`, `12k`, `1.2M`.
#[must_use]
pub fn about(number: f64) -> String {
    let scaled = |number: f64, unit: &str| {
        if number < 9.95 { format!("{number:.1}{unit}") } else { format!("{number:.0}{unit}") }
    };
    match number {
        number if number < 999.5 => format!("{number:.0}"),
        number if number < 999_500.0 => scaled(number / 1e3, "k"),
        number => scaled(number / 1e6, "M"),
    }
}

/// `1 run`, `0 runs`, `1,234 runs`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

/// What a period is called, with its zone where that is not told by the name: a week has its name from the calendar.
#[must_use]
pub fn named(period: &Period) -> String {
    if period.label.contains(':') { format!("{} {}", period.label, period.zone) } else { period.label.clone() }
}

/// A duration that somebody set, exactly: `500 ms`, `1 s`, `1.25 s`, `1 min 30 s`.
#[must_use]
pub fn limit(duration: Micros) -> String {
    let exact = |value: f64, unit: &str| {
        let text = format!("{value:.6}");
        format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match duration.0 {
        micros if micros >= 10_000_000 && micros.is_multiple_of(1_000_000) => span(duration),
        micros if micros < 1_000 => format!("{micros} µs"),
        micros if micros < 1_000_000 => exact(micros as f64 / 1e3, "ms"),
        micros => exact(micros as f64 / 1e6, "s"),
    }
}

/// A duration, no finer than a longer one that stands beside it: in whole seconds when that one has no part of a second.
#[must_use]
pub fn beside(duration: Micros, longest: Micros) -> String {
    told_beside(duration, longest, Rounding::Nearest)
}

/// Two bounds of one duration, neither finer than the other: `7 s to 21 s`, not `7.94 s to 20 s`. What is not told of
/// them makes the interval wider, never narrower.
#[must_use]
pub fn spans(low: Micros, high: Micros) -> String {
    format!("{} to {}", told_beside(low, high, Rounding::Down), told(high, Rounding::Up))
}

/// A long duration with its two largest units, rounded to the smaller one: `2 d 3 h`, `1 h 5 min`, `45 s`; below ten
/// seconds as measured.
#[must_use]
pub fn span(duration: Micros) -> String {
    told(duration, Rounding::Nearest)
}

/// Where what is not told of a duration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Down,
    Nearest,
    Up,
}

impl Rounding {
    /// The whole multiple of `unit`.
    fn to(self, micros: u64, unit: u64) -> u64 {
        match self {
            Self::Down => micros / unit * unit,
            Self::Nearest => micros.saturating_add(unit / 2) / unit * unit,
            Self::Up => micros.div_ceil(unit) * unit,
        }
    }
}

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn told_beside(duration: Micros, longest: Micros, rounding: Rounding) -> String {
    let whole = longest.0 >= 10 * SECOND && duration.0 < 10 * SECOND;
    told(if whole { Micros(rounding.to(duration.0, SECOND)) } else { duration }, rounding)
}

fn told(duration: Micros, rounding: Rounding) -> String {
    let rounded = match duration.0 {
        0 => return "0 s".to_owned(),
        micros if micros < 10 * SECOND && micros.is_multiple_of(SECOND) => return format!("{} s", micros / SECOND),
        micros if micros < 10 * SECOND => return duration.to_string(),
        micros if micros < HOUR => rounding.to(micros, SECOND),
        micros if micros < DAY => rounding.to(micros, MINUTE),
        micros => rounding.to(micros, HOUR),
    };
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
    };
    match rounded {
        DAY.. => two(rounded / DAY, "d", rounded / HOUR % 24, "h"),
        HOUR.. => two(rounded / HOUR, "h", rounded / MINUTE % 60, "min"),
        MINUTE.. => two(rounded / MINUTE, "min", rounded / SECOND % 60, "s"),
        _ => format!("{} s", rounded / SECOND),
    }
}

/// Minutes of a budget, in the unit that suits `whole`, so that a part and its whole are told alike: `3.6 s`,
/// `50.4 min`, `8.4 h`.
#[must_use]
pub fn minutes(minutes: f64, whole: f64) -> String {
    let in_unit_of = |whole: f64| match whole.abs() {
        whole if whole < 1.0 => (minutes * 60.0, "s"),
        // Hours are hours, however small the whole of which they are a multiple.
        whole if whole < 120.0 && minutes.abs() < 120.0 => (minutes, "min"),
        _ => (minutes / 60.0, "h"),
    };
    // A part that is next to nothing of its whole has a unit of its own.
    let (value, unit) =
        Some(in_unit_of(whole)).filter(|told| told.0.abs() >= 0.1).unwrap_or_else(|| in_unit_of(minutes));
    format!("{} {unit}", amount(value))
}

/// A number that is no count, with a tenth where that says something: `0.06`, `50.4`, `1,873`.
#[must_use]
pub fn amount(value: f64) -> String {
    let size = value.abs();
    match truthful(size) {
        0.0 => "0".to_owned(),
        _ if size < 0.995 => format!("{value:.2}"),
        _ if size < 99.95 => format!("{value:.1}"),
        _ if value < 0.0 => format!("-{}", count(size.round() as u64)),
        _ => count(size.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_and_spans_are_said_as_people_do() {
        let shown = [0.4, 640.0, 999.7, 3_849.0, 12_345.0, 999_900.0, 1_234_567.0].map(about);
        assert_eq!(shown, ["0", "640", "1.0k", "3.8k", "12k", "1.0M", "1.2M"]);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, near, far) = ("2026-11-16T08:00:05Z", "2026-11-16T08:01:02Z", "2026-11-16T23:30:00Z");
        assert_eq!(between(at(from), at(near), "Europe/Berlin"), "2026-11-16 09:00:05 to 09:01:02 CET");
        assert_eq!(between(at(from), at(far), "Europe/Berlin"), "2026-11-16 09:00:05 CET to 2026-11-17 00:30:00 CET");
    }

    #[test]
    fn coverage_is_cut_and_never_rounded_up_to_all() {
        let shown = [0.0, 0.0004, 0.05, 0.7, 0.8996, 0.999_96, 1.0].map(|share| coverage(Some(share)));
        assert_eq!(shown, ["0 %", "below 0.1 %", "5 %", "70 %", "89.9 %", "99.9 %", "100 %"]);
        assert_eq!(coverage(None), "no data");
    }

    #[test]
    fn what_was_set_is_told_exactly_and_bounds_are_told_alike() {
        let set =
            [250, 50_000, 500_000, 1_000_000, 1_250_000, 10_000_000, 90_000_000].map(|micros| limit(Micros(micros)));
        assert_eq!(set, ["250 µs", "50 ms", "500 ms", "1 s", "1.25 s", "10 s", "1 min 30 s"]);
        let bounds = |low, high| spans(Micros(low), Micros(high));
        assert_eq!(bounds(7_940_000, 20_200_000), "7 s to 21 s");
        assert_eq!(bounds(0, 2_660_000), "0 s to 2.66 s");
        // 17:29:19 to 17:30:56 hold what they hold when told in minutes, and their middle is the nearest one.
        let (low, high) = (62_959_000_000, 63_056_000_000);
        assert_eq!(bounds(low, high), "17 h 29 min to 17 h 31 min");
        assert_eq!(beside(Micros(u64::midpoint(low, high)), Micros(high)), "17 h 30 min");
    }

    #[test]
    fn a_part_of_a_budget_is_told_in_the_unit_of_its_whole() {
        let shown = |spent: f64, whole: f64| [minutes(spent, whole), minutes(whole, whole)];
        assert_eq!(shown(846.4, 10.08), ["14.1 h", "10.1 min"]);
        assert_eq!(shown(0.267, 0.001), ["16.0 s", "0.06 s"]);
        assert_eq!(shown(-374.6, 504.0), ["-6.2 h", "8.4 h"]);
        assert_eq!(shown(0.4, 504.0), ["24.0 s", "8.4 h"]);
        assert_eq!([amount(0.0), amount(1_873.4), amount(-1_873.4)], ["0", "1,873", "-1,873"]);
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 1_234].map(|number| counted(number, "run", "runs")), ["0 runs", "1 run", "1,234 runs"]);
    }

    #[test]
    fn a_period_that_the_calendar_does_not_name_is_told_with_its_zone() {
        let (start, end) = ("2026-11-16T08:00:00Z".parse().unwrap(), "2026-11-16T09:00:00Z".parse().unwrap());
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let hour = Period::between(start, end, &zone).unwrap();
        assert_eq!(named(&hour), "2026-11-16 09:00 to 2026-11-16 10:00 Europe/Berlin");
        assert_eq!(named(&Period::week("2026-W47", &zone).unwrap()), "2026-W47");
    }

    #[test]
    fn targets_are_written_as_promised() {
        assert_eq!(target(0.999), "99.9 %");
        assert_eq!(target(0.9995), "99.95 %");
        assert_eq!(target(0.9), "90 %");
    }

    #[test]
    fn durations_and_instants_read_well() {
        let shown = |seconds: u64| span(Micros(seconds * 1_000_000));
        assert_eq!([shown(45), shown(65), shown(3_900), shown(97_200)], ["45 s", "1 min 5 s", "1 h 5 min", "1 d 3 h"]);
        // Rounded, not cut: a week without a second is a week.
        assert_eq!(
            [shown(604_799), shown(86_399), shown(3_599), shown(90_001)],
            ["7 d", "1 d", "59 min 59 s", "1 d 1 h"]
        );
        assert_eq!(instant("2026-11-16T08:00:05Z".parse().unwrap(), "Europe/Berlin"), "2026-11-16 09:00:05 CET");
    }
}
