//! Times and periods as people type them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::config::Site;

use super::print;

/// A point in time: `now`, `-2h` (before now), RFC 3339, a date, or a date and time in `zone`.
///
/// # Errors
/// A sentence that says what was given and what can be written instead.
pub(super) fn instant(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let help = || {
        format!(
            "'{text}' is no time: write 2026-11-20T14:00:00Z, '2026-11-20 14:00', 2026-11-20, -2h (two hours ago) or now"
        )
    };
    if text == "now" {
        return Ok(now);
    }
    if let Some(ago) = text.strip_prefix('-') {
        if !ago.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(help());
        }
        let span: jiff::Span = ago.parse().map_err(|_| help())?;
        return now.to_zoned_datetime(zone.clone()).checked_sub(span).map(|at| at.timestamp()).map_err(|_| help());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let local: DateTime = text.parse().map_err(|_| help())?;
    zone.to_timestamp(local).map_err(|_| help())
}

/// An IANA time zone.
///
/// # Errors
/// A sentence that says what was given.
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| format!("'{text}' is not a time zone of the IANA database, such as Europe/Berlin"))
}

/// The zone of times that name none, of the site: that of its first objective, else UTC; and, for people, whose it is.
pub(super) fn site_zone(site: &Site) -> (TimeZone, String) {
    match site.objectives.first() {
        Some(objective) => (objective.zone.clone(), format!("that of the objective '{}'", objective.name)),
        None => (TimeZone::UTC, "no objective has another".to_owned()),
    }
}

/// The zone that `named` names, else the site's; where the latter decides what any of these texts means, that is said.
///
/// # Errors
/// A sentence that says what was given.
pub(super) fn zone_of<'t>(
    named: Option<&str>,
    site: &Site,
    texts: impl IntoIterator<Item = &'t str>,
) -> Result<TimeZone, String> {
    if let Some(named) = named {
        return zone(named);
    }
    let (zone, whose) = site_zone(site);
    if texts.into_iter().any(needs_zone) {
        let name = zone.iana_name().unwrap_or("UTC");
        print::note(&format!("times without a zone are read in {name}: {whose} (--zone says otherwise)"));
    }
    Ok(zone)
}

/// Whether a text is a time whose meaning depends on a zone.
fn needs_zone(text: &str) -> bool {
    text != "now" && !text.starts_with('-') && text.parse::<Timestamp>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let zone = zone("Europe/Berlin").unwrap();
        let read = |text| instant(text, now, &zone).map(|at| at.to_string());
        for (text, expected) in [
            ("now", "2026-11-20T12:00:00Z"),
            ("-2h", "2026-11-20T10:00:00Z"),
            ("-90m", "2026-11-20T10:30:00Z"),
            ("-1d", "2026-11-19T12:00:00Z"),
            ("2026-11-20T14:00:00+01:00", "2026-11-20T13:00:00Z"),
            ("2026-11-20 14:00", "2026-11-20T13:00:00Z"),
            ("2026-11-20T14:00", "2026-11-20T13:00:00Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["", "yesterday", "2026-13-01", "-", "-2", "12:00", "--2h"] {
            assert!(read(bad).unwrap_err().starts_with(&format!("'{bad}' is no time: write")), "{bad}");
        }
    }
}
