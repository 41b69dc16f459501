//! Times and numbers as other tools write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::Unit;
use crate::model::Micros;

/// How times and numbers are written.
#[derive(Debug, Clone, Default)]
pub struct Notation {
    /// The zone of times that do not say theirs.
    pub zone: Option<TimeZone>,
    /// Fractions follow a comma.
    pub decimal_comma: bool,
}

/// An instant.
///
/// # Errors
/// What was written, and what can be read.
pub(super) fn time(text: &str, notation: &Notation) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let problem = || {
        format!(
            "'{text}' is no time: write RFC 3339 with its zone, or seconds since 1970{}",
            comma_hint(text, notation)
        )
    };
    let Some(number) = number(text, notation) else {
        return local(text, notation.zone.as_ref())?.ok_or_else(problem);
    };
    // By their size: seconds reach 1e11 in the year 5138, which is 1973 in milliseconds.
    let micros = match number.abs() {
        size if size < 1e11 => number * 1e6,
        size if size < 1e14 => number * 1e3,
        size if size < 1e17 => number,
        _ => number / 1e3,
    };
    if !micros.is_finite() {
        return Err(problem());
    }
    Timestamp::from_microsecond(micros.round() as i64).map_err(|_| problem())
}

/// A date and a time of day, which are an instant only in a zone; none when it is neither.
fn local(text: &str, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, String> {
    let Ok(written) = text.parse::<DateTime>() else { return Ok(None) };
    let zone = zone.ok_or_else(|| {
        format!("'{text}' does not say its zone: say --zone, such as --zone Europe/Berlin or --zone UTC")
    })?;
    let ambiguous = zone.to_ambiguous_timestamp(written);
    let name = zone.iana_name().unwrap_or("this zone");
    let doubt = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => {
            return ambiguous.unambiguous().map(Some).map_err(|error| format!("'{text}': {error}"));
        }
        AmbiguousOffset::Gap { .. } => "never was in {name}, where clocks were set forward",
        AmbiguousOffset::Fold { .. } => "was twice in {name}, where clocks were set back",
    };
    Err(format!("'{text}' {}: write it with its offset", doubt.replace("{name}", name)))
}

/// A number as it is written here.
fn number(text: &str, notation: &Notation) -> Option<f64> {
    if !notation.decimal_comma {
        return text.parse().ok();
    }
    if text.contains('.') { None } else { text.replacen(',', ".", 1).parse().ok() }
}

/// What to say about a number that may have a decimal comma, or no longer a decimal point.
fn comma_hint(text: &str, notation: &Notation) -> &'static str {
    let swapped = Notation { zone: None, decimal_comma: !notation.decimal_comma };
    match number(text, &swapped) {
        Some(_) if swapped.decimal_comma => "; say --decimal-comma if its fraction follows a comma",
        Some(_) => "; --decimal-comma expects a comma before its fraction",
        None => "",
    }
}

/// A duration in a unit.
///
/// # Errors
/// What was written, and what can be read.
pub(super) fn duration(text: &str, unit: Unit, notation: &Notation) -> Result<Micros, String> {
    let scale = match unit {
        Unit::Seconds => 1e6,
        Unit::Millis => 1e3,
        Unit::Micros => 1.0,
    };
    let number = number(text, notation)
        .ok_or_else(|| format!("'{text}' is no duration: write a number{}", comma_hint(text, notation)))?;
    let micros = (number * scale).round();
    // A day is longer than any prober waits, and a sign of the wrong unit.
    if !(0.0..=86_400e6).contains(&micros) {
        return Err(format!("a run of {text} in this unit is negative or longer than a day: is the unit right?"));
    }
    Ok(Micros(micros as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notation(zone: Option<&str>, decimal_comma: bool) -> Notation {
        Notation { zone: zone.map(|name| TimeZone::get(name).unwrap()), decimal_comma }
    }

    #[test]
    fn an_instant_is_read_in_any_size_and_zone() {
        let read = |text: &str, zone| time(text, &notation(zone, false)).map(|at| at.to_string());
        for text in
            ["1795000000.25", "1795000000250", "1795000000250000", "1795000000250000000", "2026-11-18T11:06:40.25Z"]
        {
            assert_eq!(read(text, None).as_deref(), Ok("2026-11-18T11:06:40.25Z"), "{text}");
        }
        let berlin = Some("Europe/Berlin");
        assert_eq!(read("2026-11-16 00:00:07", berlin).as_deref(), Ok("2026-11-15T23:00:07Z"));
        assert_eq!(read("2026-11-16 00:00:07Z", berlin).as_deref(), Ok("2026-11-16T00:00:07Z"), "it says its own");
        let comma = time("1795000000,25", &notation(None, true)).unwrap();
        assert_eq!(comma.to_string(), "2026-11-18T11:06:40.25Z");
    }

    #[test]
    fn an_instant_that_is_none_is_told_with_a_way_out() {
        let said = |text: &str, zone| time(text, &notation(zone, false)).unwrap_err();
        let berlin = Some("Europe/Berlin");
        for (text, zone, part) in [
            ("2026-11-16 00:00:07", None, "does not say its zone: say --zone, such as"),
            ("2026-10-25 02:30:00", berlin, "was twice in Europe/Berlin, where clocks were set back: write it with"),
            ("2026-03-29 02:30:00", berlin, "never was in Europe/Berlin, where clocks were set forward"),
            ("1795000000,25", None, "say --decimal-comma"),
            ("yesterday", berlin, "is no time: write RFC 3339"),
            ("NaN", None, "is no time"),
        ] {
            assert!(said(text, zone).contains(part), "{}", said(text, zone));
        }
    }

    #[test]
    fn a_fraction_follows_what_was_said() {
        let read = |text: &str, comma| duration(text, Unit::Millis, &notation(None, comma));
        assert_eq!((read("120.5", false), read("120,5", true)), (Ok(Micros(120_500)), Ok(Micros(120_500))));
        assert!(read("120,5", false).unwrap_err().ends_with("say --decimal-comma if its fraction follows a comma"));
        assert!(read("120.5", true).unwrap_err().ends_with("--decimal-comma expects a comma before its fraction"));
        for (text, comma) in [("1.234,5", true), ("1,234,5", true), ("1.234,5", false), ("NaN", false), ("-1", false)] {
            assert!(read(text, comma).is_err(), "{text}");
        }
    }
}
