//! Amounts as people write them: lengths of time, shares and counts.

use std::ops::Range;
use std::sync::LazyLock;

use super::pattern::{Pattern, compiled};

/// A length of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Length {
    pub(super) range: Range<usize>,
    /// In seconds.
    pub(super) seconds: f64,
    /// Seconds that the writing leaves open: half of the smallest unit.
    pub(super) slack: f64,
}

/// A percentage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    pub(super) range: Range<usize>,
    /// 0.8 for 80 %.
    pub(super) share: f64,
    /// What the digits leave open: half of the last one.
    pub(super) slack: f64,
    /// Whether "up to" stands before it.
    pub(super) up_to: bool,
    /// Whether "approximately" or the like stands before it.
    pub(super) about: bool,
    /// The least and the most that its introduction allows: "more than 75 %" is 75 % to 100 %.
    pub(super) allows: (f64, f64),
}

/// A number of people, logins or the like.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Count {
    pub(super) range: Range<usize>,
    pub(super) number: f64,
    /// What is counted, in lower case.
    pub(super) of: String,
    /// Whether "approximately" or the like stands before it.
    pub(super) about: bool,
    /// The least and the most that its introduction allows.
    pub(super) allows: (f64, f64),
}

static LENGTH: Pattern = LazyLock::new(|| {
    let number = r"\d+(?:[.,]\d+)?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half an?|an?)\b";
    let unit = r"days?|d|hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|s";
    compiled(&format!(r"(?i)\b({number})[\s-]?({unit})\b"))
});
static SHARE: Pattern = LazyLock::new(|| {
    let before = r"(?:(up to|as much as|at most|peak(?:ed|ing)? (?:of|at)) )?(?:(approximately|approx\.?|about|around|roughly|nearly|almost|circa|ca\.|some|over|more than|less than|under|at least|~|≈) ?)?";
    compiled(&format!(r"(?i){before}(\d+(?:[.,]\d+)?)\s?(?:%|per\s?cent\b)"))
});
static COUNT: Pattern = LazyLock::new(|| {
    let about = r"(?:(approximately|approx\.?|about|around|roughly|nearly|almost|some|over|more than|less than|at least|up to|~|≈) ?)?";
    let of = r"people|persons|users|customers|accounts|sign-ins|sign ins|signins|logins|login attempts|attempts|requests|sessions|tickets|complaints";
    let kind = r"(?:failed |failing |distinct |affected |active |unique |login |support )?";
    compiled(&format!(
        r"(?i){about}\b(\d{{1,3}}(?:[,\u{{202f}}\u{{a0}}]\d{{3}})+|\d+(?:\.\d+)?)\s?(k|m|million|thousand)?\s{kind}({of})\b"
    ))
});

/// All lengths of time, in order; "1 h 20 min" is one.
pub(super) fn lengths(text: &str) -> Vec<Length> {
    let mut found: Vec<Length> = Vec::new();
    for captures in LENGTH.captures_iter(text) {
        let (Some(whole), Some(number), Some(unit)) = (captures.get(0), captures.get(1), captures.get(2)) else {
            continue;
        };
        let (Some(seconds), Some(value)) =
            (unit_seconds(unit.as_str(), number.end() == unit.start()), value(number.as_str()))
        else {
            continue;
        };
        let length = Length { range: whole.range(), seconds: value * seconds, slack: slack(number.as_str()) * seconds };
        match found.last_mut() {
            Some(last) if continues(text, last, &length, seconds) => {
                last.range.end = length.range.end;
                last.seconds += length.seconds;
                last.slack = length.slack;
            }
            _ => found.push(length),
        }
    }
    found
}

/// Whether a length goes on with a smaller unit.
fn continues(text: &str, last: &Length, next: &Length, unit: f64) -> bool {
    let gap = text.get(last.range.end..next.range.start).map_or("-", str::trim);
    matches!(gap, "" | "," | "and" | ", and") && next.seconds < last.slack * 2.0 && unit < last.slack * 2.0
}

/// Single letters are units only where the number touches them, or where they cannot be words.
fn unit_seconds(unit: &str, touches: bool) -> Option<f64> {
    let unit = unit.to_lowercase();
    let single = match unit.as_str() {
        "d" => Some(86_400.0),
        "h" => Some(3_600.0),
        "m" if touches => Some(60.0),
        "s" => Some(1.0),
        "m" => return None,
        _ => None,
    };
    single.or(match unit.chars().next()? {
        'd' => Some(86_400.0),
        'h' => Some(3_600.0),
        'm' => Some(60.0),
        's' => Some(1.0),
        _ => None,
    })
}

fn value(text: &str) -> Option<f64> {
    let words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let text = text.to_lowercase();
    match text.as_str() {
        "a" | "an" => Some(1.0),
        half if half.starts_with("half") => Some(0.5),
        word if words.contains(&word) => {
            words.iter().zip(1..).find(|(known, _)| **known == word).map(|(_, n)| f64::from(n))
        }
        digits => digits.replace(',', ".").parse().ok(),
    }
}

/// Half of the last digit that was written.
fn slack(digits: &str) -> f64 {
    let decimals = digits.split_once(['.', ',']).map_or(0, |(_, decimals)| decimals.len());
    0.5 / 10_f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX))
}

/// The least and the most that a number may be under its introduction: "about" leaves a tenth either way, "almost" a tenth
/// below.
fn allowed(introduction: Option<&str>, number: f64, slack: f64) -> (f64, f64) {
    let (low, high) = (number - slack, number + slack);
    match introduction.map(str::to_lowercase).as_deref() {
        Some("over" | "more than" | "at least") => (low, f64::INFINITY),
        Some("less than" | "under" | "up to") => (0.0, high),
        Some("nearly" | "almost") => (low * 0.9, high),
        Some(_) => (low * 0.9, high * 1.1),
        None => (low, high),
    }
}

/// All percentages, in order.
pub(super) fn shares(text: &str) -> Vec<Share> {
    let found = SHARE.captures_iter(text);
    found
        .filter_map(|captures| {
            let digits = captures.get(3)?.as_str();
            let share = value(digits)? / 100.0;
            let slack = slack(digits) / 100.0;
            let introduction = captures.get(2).map(|word| word.as_str());
            Some(Share {
                range: captures.get(0)?.range(),
                share,
                slack,
                allows: allowed(introduction, share, slack),
                up_to: captures.get(1).is_some(),
                about: captures.get(2).is_some(),
            })
        })
        .collect()
}

/// All numbers of people, logins and the like, in order.
pub(super) fn counts(text: &str) -> Vec<Count> {
    let found = COUNT.captures_iter(text);
    found
        .filter_map(|captures| {
            let digits: String =
                captures.get(2)?.as_str().chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
            let times = match captures.get(3).map(|found| found.as_str().to_lowercase()).as_deref() {
                Some("k" | "thousand") => 1e3,
                Some(_) => 1e6,
                None => 1.0,
            };
            let number = digits.parse::<f64>().ok()? * times;
            let introduction = captures.get(1).map(|word| word.as_str());
            let slack = if times > 1.0 { times / 2.0 } else { 0.5 };
            Some(Count {
                range: captures.get(0)?.range(),
                number,
                allows: allowed(introduction, number, slack),
                of: captures.get(4)?.as_str().to_lowercase(),
                about: captures.get(1).is_some() || times > 1.0,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("lasted 16 hours", 57_600.0),
            ("1h 20m", 4_800.0),
            ("1 hour and 20 minutes", 4_800.0),
            ("a 90-minute outage", 5_400.0),
            ("1.5 h", 5_400.0),
            ("two days", 172_800.0),
            ("half an hour", 1_800.0),
            ("17 h 29 min", 62_940.0),
        ] {
            let found = lengths(text);
            assert_eq!(found.iter().map(|l| l.seconds).collect::<Vec<_>>(), [seconds], "{text}");
        }
        assert_eq!(lengths("410 s to 541 s").len(), 2);
        assert!(lengths("5 machines, 3 m wide, a service, 10 deploys").is_empty());
    }

    #[test]
    fn shares_and_counts_know_how_exact_they_are() {
        let found = shares("Approximately 80% of users, up to 99.5 % at peak, 3 percent");
        let seen: Vec<_> = found.iter().map(|s| (s.share, s.up_to, s.about)).collect();
        assert_eq!(seen, [(0.8, false, true), (0.995, true, false), (0.03, false, false)]);
        assert!((found[1].slack - 0.0005).abs() < 1e-12);
        let allows: Vec<_> = ["more than 75 %", "less than 90 %", "80 %"].map(|text| shares(text)[0].allows).into();
        assert!(allows[0].0 < 0.75 && allows[0].1.is_infinite() && allows[1].0 < 0.01 && allows[1].1 > 0.9);
        assert!((allows[2].0 - 0.795).abs() < 1e-9 && (allows[2].1 - 0.805).abs() < 1e-9);
        let found = counts("about 3.8k people and 5,640 sign-ins of 12 tickets");
        let seen: Vec<_> = found.iter().map(|c| (c.number, c.of.as_str(), c.about)).collect();
        assert_eq!(seen, [(3_800.0, "people", true), (5_640.0, "sign-ins", false), (12.0, "tickets", false)]);
    }
}
