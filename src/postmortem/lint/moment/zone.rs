//! Zones as people write them: `Z`, `UTC+2`, `+02:00`, `CET`, `Europe/Berlin`.

use std::sync::LazyLock;

use jiff::tz::{Offset, TimeZone};

use super::super::pattern::{Pattern, compiled};

/// A zone and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::postmortem::lint) struct Zone {
    pub(in crate::postmortem::lint) written: String,
    pub(in crate::postmortem::lint) zone: TimeZone,
    /// What else the abbreviation may mean.
    pub(in crate::postmortem::lint) ambiguous: Option<&'static str>,
}

/// Abbreviations: minutes east of UTC, and other meanings of those that have several.
const ABBREVIATIONS: &[(&str, i32, Option<&str>)] = &[
    ("UTC", 0, None),
    ("GMT", 0, None),
    ("WET", 0, None),
    ("WEST", 60, None),
    ("CET", 60, None),
    ("CEST", 120, None),
    ("EET", 120, None),
    ("EEST", 180, None),
    ("MSK", 180, None),
    ("BST", 60, Some("British summer time or Bangladesh time")),
    ("IST", 330, Some("Indian, Irish or Israeli time")),
    ("SGT", 480, None),
    ("HKT", 480, None),
    ("JST", 540, None),
    ("KST", 540, None),
    ("AEST", 600, None),
    ("AEDT", 660, None),
    ("NZST", 720, None),
    ("NZDT", 780, None),
    ("EST", -300, None),
    ("EDT", -240, None),
    ("CST", -360, Some("American, Chinese or Cuban time")),
    ("CDT", -300, None),
    ("MST", -420, None),
    ("MDT", -360, None),
    ("PST", -480, None),
    ("PDT", -420, None),
];

/// Names of regions rather than offsets.
const REGIONS: &[(&str, &str)] = &[
    ("ET", "America/New_York"),
    ("CT", "America/Chicago"),
    ("MT", "America/Denver"),
    ("PT", "America/Los_Angeles"),
    ("Eastern Time", "America/New_York"),
    ("Eastern time", "America/New_York"),
    ("Central Time", "America/Chicago"),
    ("Central time", "America/Chicago"),
    ("Pacific Time", "America/Los_Angeles"),
    ("Pacific time", "America/Los_Angeles"),
];

static AT_START: Pattern = LazyLock::new(|| {
    let names: Vec<&str> =
        ABBREVIATIONS.iter().map(|(name, _, _)| *name).chain(REGIONS.iter().map(|(n, _)| *n)).collect();
    let pattern = format!(
        r"^\s*[(\[]?(?:in )?((?:UTC|GMT)\s?[+−-]\d{{1,2}}(?::?\d{{2}})?\b|[+−-]\d{{2}}:?\d{{2}}\b|[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?|(?:{})\b|Z\b)[)\]]?",
        names.join("|")
    );
    compiled(&pattern)
});

impl Zone {
    /// The zone at the beginning of a text, and how long it is with the space and parentheses around it.
    pub(in crate::postmortem::lint) fn at_start(text: &str) -> Option<(Self, usize)> {
        let found = AT_START.captures(text)?;
        let written = found.get(1)?.as_str();
        let length = found.get(0)?.end();
        Some((Self::named(written)?, length))
    }

    /// The first zone anywhere in a text, such as a heading.
    pub(in crate::postmortem::lint) fn within(text: &str) -> Option<Self> {
        let starts = text.char_indices().filter(|(at, _)| {
            !text[..*at].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '/' | '-' | ':'))
        });
        starts.filter_map(|(at, _)| Self::at_start(&text[at..])).map(|(zone, _)| zone).next()
    }

    fn named(written: &str) -> Option<Self> {
        let made = |zone, ambiguous| Some(Self { written: written.to_owned(), zone, ambiguous });
        if written == "Z" {
            return made(TimeZone::UTC, None);
        }
        if let Some((_, minutes, ambiguous)) = ABBREVIATIONS.iter().find(|(name, _, _)| *name == written) {
            return made(fixed(*minutes)?, *ambiguous);
        }
        if let Some((_, region)) = REGIONS.iter().find(|(name, _)| *name == written) {
            return made(TimeZone::get(region).ok()?, None);
        }
        if written.contains('/') {
            return made(TimeZone::get(written).ok()?, None);
        }
        made(fixed(offset(written.trim_start_matches("UTC").trim_start_matches("GMT").trim())?)?, None)
    }
}

/// `+02:00`, `+2`, `-0530` in minutes.
fn offset(text: &str) -> Option<i32> {
    let mut chars = text.chars();
    let sign = if chars.next()? == '+' { 1 } else { -1 };
    let digits: String = chars.filter(char::is_ascii_digit).collect();
    let (hours, minutes) = if digits.len() > 2 { digits.split_at(digits.len() - 2) } else { (digits.as_str(), "0") };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn fixed(minutes: i32) -> Option<TimeZone> {
    Offset::from_seconds(minutes * 60).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_as_written() {
        for (text, written, length) in [
            (" UTC, then", "UTC", 4),
            (" (CET)", "CET", 6),
            ("Z:", "Z", 1),
            (" UTC+2", "UTC+2", 6),
            ("+05:30 x", "+05:30", 6),
            (" Europe/Berlin", "Europe/Berlin", 14),
            (" PT", "PT", 3),
            (" Pacific time", "Pacific time", 13),
        ] {
            let (zone, end) = Zone::at_start(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((zone.written.as_str(), end), (written, length), "{text}");
        }
        for none in [" and", " Zebra", " UTCX", " Berlin", "", " AM"] {
            assert!(Zone::at_start(none).is_none(), "{none}");
        }
        assert!(Zone::at_start(" IST").unwrap().0.ambiguous.is_some());
        assert_eq!(Zone::within("Timeline (all in UTC)").map(|zone| zone.written), Some("UTC".to_owned()));
        assert_eq!(offset("-0530"), Some(-330));
    }
}
