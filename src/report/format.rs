//! How numbers and times are written for people, the same in every rendering. A share shows only the digits that its
//! interval supports.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::Micros;
use crate::slo::Interval;

/// What stands where a number does not exist. Never 0 and never 100 %.
pub const ABSENT: &str = "no data";

/// A share as a percentage with as many decimals as `interval` supports: the second digit of its width is the last
/// one shown. Without an interval, two decimals.
#[must_use]
pub fn percent(share: Option<f64>, interval: Option<Interval>) -> String {
    share.map_or_else(|| ABSENT.to_owned(), |share| format!("{:.*} %", decimals(interval), truthful(share * 100.0)))
}

/// An interval of shares: `99.12 % to 99.56 %`.
#[must_use]
pub fn percent_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || ABSENT.to_owned(),
        |bounds| {
            let digits = decimals(Some(bounds));
            format!("{:.digits$} % to {:.digits$} %", truthful(bounds.low * 100.0), truthful(bounds.high * 100.0))
        },
    )
}

/// A promised share, as it was written: up to six decimals, none that say nothing.
#[must_use]
pub fn target(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Decimals of a percentage whose interval has this width.
fn decimals(interval: Option<Interval>) -> usize {
    let Some(width) = interval.map(|bounds| bounds.width() * 100.0) else { return 2 };
    if width <= 0.0 {
        return 2;
    }
    // 1 - floor(log10) puts the second digit of the width last.
    (1.0 - width.log10().floor()).clamp(0.0, 4.0) as usize
}

/// Removes what binary fractions add (99.99999999999999): ten decimals are more than anything here knows.
fn truthful(value: f64) -> f64 {
    (value * 1e10).round() / 1e10
}

/// A whole number in groups of three: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

/// A long duration with its two largest units: `2 d 3 h`, `1 h 5 min`, `45 s`; below ten seconds as measured.
#[must_use]
pub fn span(duration: Micros) -> String {
    let seconds = (duration.0 + 500_000) / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
    };
    match duration.0 {
        0 => "0 s".to_owned(),
        1..10_000_000 => duration.to_string(),
        _ if days > 0 => two(days, "d", hours, "h"),
        _ if hours > 0 => two(hours, "h", minutes, "min"),
        _ if minutes > 0 => two(minutes, "min", seconds % 60, "s"),
        _ => format!("{seconds} s"),
    }
}

/// Minutes of a budget: `50.4 min`, `3.2 h` from ten hours on.
#[must_use]
pub fn minutes(minutes: f64) -> String {
    if minutes.abs() >= 600.0 { format!("{:.1} h", minutes / 60.0) } else { format!("{minutes:.1} min") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_shows_what_its_interval_supports() {
        let shown = |low, high| percent(Some(0.999_008), Some(Interval { low, high }));
        assert_eq!(shown(0.998_175, 0.999_461), "99.90 %");
        assert_eq!(shown(0.8, 1.0), "100 %");
        assert_eq!(shown(0.998_999, 0.999_011), "99.9008 %");
        assert_eq!(percent(Some(0.1), None), "10.00 %");
        assert_eq!(percent(None, None), "no data");
        assert_eq!(percent_interval(Some(Interval { low: 0.998_175, high: 0.999_461 })), "99.82 % to 99.95 %");
    }

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
    fn targets_are_written_as_promised() {
        assert_eq!(target(0.999), "99.9 %");
        assert_eq!(target(0.9995), "99.95 %");
        assert_eq!(target(0.9), "90 %");
    }

    #[test]
    fn counts_and_durations_read_well() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        let shown = |seconds: u64| span(Micros(seconds * 1_000_000));
        assert_eq!([shown(45), shown(65), shown(3_900), shown(97_200)], ["45 s", "1 min 5 s", "1 h 5 min", "1 d 3 h"]);
        assert_eq!(instant("2026-11-16T08:00:05Z".parse().unwrap(), "Europe/Berlin"), "2026-11-16 09:00:05 CET");
    }
}
