//! Demand over time: how many people want to sign in between two instants, from a stated week or from a real log.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::{Demand, HOURS, Rate, SignInLog};

use super::figure::Estimate;

/// Ends of the band of a log, as shares of its weeks (F14).
const BAND: (f64, f64) = (0.1, 0.9);

/// Demand by hour of the week, ready to be added up over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    zone: TimeZone,
    hours: Vec<Rate>,
    source: String,
}

impl Curve {
    /// The curve of what was stated or logged. Weeks of a log that any of `unusual` touches say nothing about a usual
    /// week; they are left out, like those that its owner named.
    ///
    /// # Errors
    /// Why there is none: a log may be left without a usual week.
    pub fn new(demand: &Demand, unusual: &[(Timestamp, Timestamp)]) -> Result<Self, String> {
        match demand {
            Demand::Stated(week) => Ok(Self {
                zone: week.zone.clone(),
                hours: week.hours.clone(),
                source: format!("a typical week, as stated{}", band(&week.hours)),
            }),
            Demand::Logged(log) => from_log(log, unusual),
        }
    }

    /// Where it comes from, for people.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// People who want to sign in between two instants: the integral of the rate, with its band. Nobody when the end is
    /// not after the start.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Estimate {
        // Offsets of zones, and their changes, are multiples of a quarter of an hour: within one the rate is constant.
        const QUARTER: i64 = 900_000_000;
        let (mut at, end) = (from.as_microsecond(), to.as_microsecond());
        let mut sum = Estimate::default();
        while at < end {
            let next = end.min((at.div_euclid(QUARTER) + 1).saturating_mul(QUARTER));
            let rate = self.rate_at(at);
            let hours = (next - at) as f64 / 3.6e9;
            sum += Estimate { low: rate.low * hours, middle: rate.middle * hours, high: rate.high * hours };
            at = next;
        }
        sum
    }

    fn rate_at(&self, micros: i64) -> Rate {
        let at = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
        let local = self.zone.to_datetime(at);
        let hour = hour_of_week(local.date(), local.hour());
        self.hours.get(hour).copied().unwrap_or_default()
    }
}

/// How far the rates of a stated week may be off, in words: nothing where it was stated as exact.
fn band(hours: &[Rate]) -> String {
    let ratios =
        |end: fn(&Rate) -> f64| hours.iter().filter(|rate| rate.middle > 0.0).map(move |rate| end(rate) / rate.middle);
    let low = ratios(|rate| rate.low).fold(1.0, f64::min);
    let high = ratios(|rate| rate.high).fold(1.0, f64::max);
    if high - low < 0.0005 {
        return String::new();
    }
    let hundredth = |value: f64| (value * 100.0).round() / 100.0;
    format!("; its band: {} to {} times the rate", hundredth(low), hundredth(high))
}

/// The hour of the week, from Monday 00:00.
fn hour_of_week(day: Date, hour: i8) -> usize {
    usize::from(day.weekday().to_monday_zero_offset().unsigned_abs()) * 24 + usize::from(hour.unsigned_abs())
}

/// The median of the same hour of the week over the usual weeks of a log, with the 10th to 90th percentile as its band
/// (F14).
fn from_log(log: &SignInLog, unusual: &[(Timestamp, Timestamp)]) -> Result<Curve, String> {
    let usual =
        |monday: Date| !log.without.contains(&monday) && !unusual.iter().any(|span| touches(log, monday, *span));
    let weeks: Vec<_> = log.weeks.iter().filter(|week| usual(week.monday)).collect();
    let left_out = log.weeks.len() - weeks.len();
    let mut hours = Vec::with_capacity(HOURS);
    for hour in 0..HOURS {
        let mut counts: Vec<f64> = weeks.iter().filter_map(|week| week.hours.get(hour).copied().flatten()).collect();
        counts.sort_by(f64::total_cmp);
        let at = |share| percentile(&counts, share);
        let (Some(low), Some(middle), Some(high)) = (at(BAND.0), at(0.5), at(BAND.1)) else {
            return Err(format!(
                "the log of sign-ins covers no usual week: of its {} weeks {left_out} are left out as unusual, and the \
                 rest says nothing about some hours of the week",
                log.weeks.len()
            ));
        };
        hours.push(Rate { low, middle, high });
    }
    let source = format!(
        "a log of sign-ins: the median of the same hour over {} usual weeks, 10th to 90th percentile as its band \
         ({left_out} unusual weeks left out)",
        weeks.len()
    );
    Ok(Curve { zone: log.zone.clone(), hours, source })
}

fn touches(log: &SignInLog, monday: Date, (from, to): (Timestamp, Timestamp)) -> bool {
    let start = log.zone.to_timestamp(monday.to_datetime(jiff::civil::Time::midnight()));
    let next = monday
        .checked_add(7.days())
        .and_then(|next| log.zone.to_timestamp(next.to_datetime(jiff::civil::Time::midnight())));
    matches!((start, next), (Ok(start), Ok(next)) if start < to && from < next)
}

/// The value below which this share of sorted values lies, linear between neighbours. `None` without values.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LoggedWeek, TypicalWeek};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn stated(rate_of: impl Fn(usize) -> f64) -> Curve {
        let rate = |hour| Rate { low: rate_of(hour) * 0.9, middle: rate_of(hour), high: rate_of(hour) * 1.1 };
        let hours = (0..HOURS).map(rate).collect();
        Curve::new(&Demand::Stated(TypicalWeek { zone: berlin(), hours }), &[]).unwrap()
    }

    #[test]
    fn the_rate_is_that_of_the_local_hour() {
        // Only Monday 09:00 in Berlin has demand: 08:00 UTC in winter, 07:00 UTC in summer.
        let curve = stated(|hour| if hour == 9 { 3600.0 } else { 0.0 });
        let winter = curve.between(time("2026-11-16T08:15:00Z"), time("2026-11-16T08:30:10Z"));
        assert!((winter.middle - 910.0).abs() < 1e-9, "{winter:?}");
        assert!((winter.low - 819.0).abs() < 1e-9 && (winter.high - 1001.0).abs() < 1e-9);
        let summer = curve.between(time("2026-07-13T06:30:00Z"), time("2026-07-13T09:00:00Z"));
        assert!((summer.middle - 3600.0).abs() < 1e-9);
        assert_eq!(curve.between(time("2026-11-16T09:00:00Z"), time("2026-11-16T08:00:00Z")), Estimate::default());
    }

    #[test]
    fn the_band_of_a_stated_week_is_told() {
        let source = stated(|hour| hour as f64).source().to_owned();
        assert_eq!(source, "a typical week, as stated; its band: 0.9 to 1.1 times the rate");
        let of = |low, high| band(&[Rate { low, middle: 100.0, high }, Rate::default()]);
        assert_eq!(of(100.0, 100.0), "");
        assert_eq!(of(92.5, 130.0), "; its band: 0.93 to 1.3 times the rate");
        assert_eq!(band(&[]), "");
    }

    #[test]
    fn a_week_with_a_change_of_the_clock_has_its_own_length() {
        let curve = stated(|_| 10.0);
        // Europe/Berlin, the week of 2026-10-19: 169 hours (F19).
        let week = curve.between(time("2026-10-18T22:00:00Z"), time("2026-10-25T23:00:00Z"));
        assert!((week.middle - 1690.0).abs() < 1e-6, "{week:?}");
    }

    fn log(weeks: &[(&str, f64)]) -> SignInLog {
        let week = |(monday, count): &(&str, f64)| LoggedWeek {
            monday: monday.parse().unwrap(),
            hours: vec![Some(*count); HOURS],
        };
        SignInLog { zone: berlin(), weeks: weeks.iter().map(week).collect(), without: Vec::new() }
    }

    #[test]
    fn a_log_gives_the_median_of_its_usual_weeks() {
        let mut log = log(&[("2026-10-05", 100.0), ("2026-10-12", 110.0), ("2026-10-19", 0.0), ("2026-10-26", 120.0)]);
        let hour = (time("2026-11-16T08:00:00Z"), time("2026-11-16T09:00:00Z"));
        let outage = (time("2026-10-20T08:00:00Z"), time("2026-10-20T09:00:00Z"));
        let curve = |log: &SignInLog, unusual: &[_]| Curve::new(&Demand::Logged(log.clone()), unusual).unwrap();
        let usual = curve(&log, &[outage]).between(hour.0, hour.1);
        assert_eq!((usual.low, usual.middle, usual.high), (102.0, 110.0, 118.0));
        log.without = vec!["2026-10-19".parse().unwrap()];
        assert_eq!(curve(&log, &[]).between(hour.0, hour.1), usual);
        log.weeks.retain(|week| week.monday.day() == 19);
        assert!(Curve::new(&Demand::Logged(log), &[]).unwrap_err().contains("no usual week"));
    }

    #[test]
    fn percentiles_lie_between_neighbours() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[7.0], 0.9), Some(7.0));
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
    }
}
