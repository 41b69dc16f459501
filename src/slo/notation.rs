//! How shares and counts are written for people, the same wherever they stand. A share shows only the digits that its
//! interval supports.

use super::Interval;

/// What stands where a number does not exist. Never 0 and never 100 %.
pub const ABSENT: &str = "no data";

/// A share as a percentage with as many decimals as `interval` supports: the second digit of its width is the last
/// one shown. Without an interval, two decimals. Exactly none and exactly all have none, and nothing else reads as
/// either: one failure among millions is not 0 %.
#[must_use]
pub fn percent(share: Option<f64>, interval: Option<Interval>) -> String {
    share.map_or_else(|| ABSENT.to_owned(), |share| format!("{} %", apart_from_the_ends(share, decimals(interval))))
}

/// A percentage without its sign, with at least so many decimals as tell it from 0 and from 100.
fn apart_from_the_ends(share: f64, decimals: usize) -> String {
    let percent = truthful(share * 100.0);
    let is_end = |value: f64| value == 0.0 || value == 100.0;
    if is_end(percent) {
        return format!("{percent:.0}");
    }
    let is_apart = |&digits: &usize| format!("{percent:.digits$}").parse().is_ok_and(|value: f64| !is_end(value));
    let digits = (decimals..10).find(is_apart).unwrap_or(10);
    format!("{percent:.digits$}")
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

/// An interval of shares beside one that it is held against: with as many more digits as tell its ends from that one,
/// `0.05000 % to 0.10004 %` beside 0.1 %.
#[must_use]
pub fn percent_interval_beside(interval: Option<Interval>, other: Option<f64>) -> String {
    let (Some(bounds), Some(other)) = (interval, other) else { return percent_interval(interval) };
    let shown = |share: f64, digits: usize| format!("{:.digits$}", truthful(share * 100.0));
    let is_apart = |&digits: &usize| {
        let alike = |end: f64| shown(end, digits) == shown(other, digits) && truthful(end) != truthful(other);
        !alike(bounds.low) && !alike(bounds.high)
    };
    let digits = (decimals(interval)..8).find(is_apart).unwrap_or(8);
    format!("{} % to {} %", shown(bounds.low, digits), shown(bounds.high, digits))
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
pub(crate) fn truthful(value: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_shows_what_its_interval_supports() {
        let shown = |low, high| percent(Some(0.999_008), Some(Interval { low, high }));
        assert_eq!(shown(0.998_175, 0.999_461), "99.90 %");
        assert_eq!(shown(0.8, 1.0), "99.9 %", "not all were good");
        assert_eq!(shown(0.998_999, 0.999_011), "99.9008 %");
        assert_eq!(percent(Some(0.1), None), "10.00 %");
        assert_eq!(percent(None, None), "no data");
        assert_eq!([0.0, 1.0].map(|share| percent(Some(share), None)), ["0 %", "100 %"]);
        let one_of_ten_million = percent(Some(0.999_999_9), Some(Interval { low: 0.999_999, high: 1.0 }));
        assert_eq!(one_of_ten_million, "99.99999 %");
        assert_eq!(percent(Some(1e-7), None), "0.00001 %");
        assert_eq!(percent_interval(Some(Interval { low: 0.998_175, high: 0.999_461 })), "99.82 % to 99.95 %");
        let beside = |high| percent_interval_beside(Some(Interval { low: 0.0005, high }), Some(0.001));
        assert_eq!([beside(0.001_000_4), beside(0.0011)], ["0.05000 % to 0.10004 %", "0.050 % to 0.110 %"]);
    }

    #[test]
    fn counts_stand_in_groups_of_three() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
