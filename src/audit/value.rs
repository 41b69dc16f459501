//! A setting's value as a quantity: the server's units, so that `1min`, `60s` and 60000 (ms) are the same.

/// What a setting counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Time,
    Bytes,
    Count,
}

const UNITS: [(&str, Dimension, f64); 11] = [
    ("us", Dimension::Time, 0.001),
    ("ms", Dimension::Time, 1.0),
    ("s", Dimension::Time, 1_000.0),
    ("min", Dimension::Time, 60_000.0),
    ("h", Dimension::Time, 3_600_000.0),
    ("d", Dimension::Time, 86_400_000.0),
    ("B", Dimension::Bytes, 1.0),
    ("kB", Dimension::Bytes, 1_024.0),
    ("MB", Dimension::Bytes, 1_048_576.0),
    ("GB", Dimension::Bytes, 1_073_741_824.0),
    ("TB", Dimension::Bytes, 1_099_511_627_776.0),
];

/// A unit of `pg_settings.unit`, which may hold a factor: `8kB`.
fn scale(unit: &str) -> Option<(Dimension, f64)> {
    let digits = unit.find(|c: char| !c.is_ascii_digit()).unwrap_or(unit.len());
    let factor: f64 = if digits == 0 { 1.0 } else { unit[..digits].parse().ok()? };
    UNITS.iter().find(|(name, ..)| *name == &unit[digits..]).map(|(_, dimension, size)| (*dimension, factor * size))
}

/// How much a setting is, where another amount can be compared with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount {
    dimension: Dimension,
    /// In milliseconds, bytes or pieces.
    number: f64,
}

impl Amount {
    /// `None` for what is no number, and for numbers below zero: they stand for "no limit", "off" or "as another
    /// setting". `unit` is the one of the setting, for a bare number.
    pub(super) fn of(text: &str, unit: Option<&str>) -> Option<Self> {
        let (dimension, number) = measured(text, unit)?;
        (number >= 0.0).then_some(Self { dimension, number })
    }

    /// Whether it is as much as another; `None` where they count different things.
    pub(super) fn is_at_least(self, least: Self) -> Option<bool> {
        (self.dimension == least.dimension).then_some(self.number >= least.number)
    }

    /// `time`, `bytes` or `pieces`.
    pub(super) fn counts(self) -> &'static str {
        match self.dimension {
            Dimension::Time => "time",
            Dimension::Bytes => "bytes",
            Dimension::Count => "pieces",
        }
    }
}

/// The number in milliseconds, bytes or pieces; `unit` is the one of the setting, for a bare number.
pub(super) fn quantity(text: &str, unit: Option<&str>) -> Option<f64> {
    measured(text, unit).map(|(_, number)| number)
}

fn measured(text: &str, unit: Option<&str>) -> Option<(Dimension, f64)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let own = text[end..].trim();
    match (own.is_empty(), unit) {
        (true, None) => Some((Dimension::Count, number)),
        // Below zero means "no limit" or "as another setting", in no unit.
        (true, Some(_)) if number < 0.0 => Some((Dimension::Count, number)),
        (true, Some(unit)) => scale(unit).map(|(dimension, size)| (dimension, number * size)),
        (false, _) => scale(own).map(|(dimension, size)| (dimension, number * size)),
    }
}

/// A boolean in any of the server's spellings.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" | "t" | "y" => Some(true),
        "off" | "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}

/// Whether two values of a setting are the same, whatever their units and spelling.
pub(super) fn same(one: &str, other: &str, unit: Option<&str>) -> bool {
    if let (Some(one), Some(other)) = (measured(one, unit), measured(other, unit)) {
        return one == other;
    }
    if let (Some(one), Some(other)) = (boolean(one), boolean(other)) {
        return one == other;
    }
    one.trim().eq_ignore_ascii_case(other.trim())
}

/// A value as people write it: `60s` for 60000 (ms), `16MB` for 2048 (8kB).
pub(super) fn shown(text: &str, unit: Option<&str>) -> String {
    let Some(unit) = unit else { return text.to_owned() };
    let Some((dimension, number)) = measured(text, Some(unit)) else { return text.to_owned() };
    if number <= 0.0 {
        return text.to_owned();
    }
    let fits = |(_, of, size): &&(&str, Dimension, f64)| *of == dimension && number % size == 0.0;
    UNITS
        .iter()
        .rev()
        .find(fits)
        .map_or_else(|| format!("{text}{unit}"), |(name, _, size)| format!("{}{name}", number / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_server() {
        assert_eq!(quantity("60000", Some("ms")), Some(60_000.0));
        assert_eq!(quantity("1min", Some("ms")), Some(60_000.0));
        assert_eq!(quantity("10", Some("s")), Some(10_000.0));
        assert_eq!(quantity("2048", Some("8kB")), Some(16_777_216.0));
        assert_eq!(quantity("16 MB", Some("8kB")), Some(16_777_216.0));
        assert_eq!(quantity("-1", Some("MB")), Some(-1.0));
        assert_eq!(quantity("40", None), Some(40.0));
        assert_eq!(quantity("replica", None), None);
        assert_eq!(quantity("1MB1", None), None);
    }

    #[test]
    fn amounts_of_one_kind_are_compared_and_no_others() {
        let of = |text, unit| Amount::of(text, unit);
        let (limit, time) = (of("256", Some("MB")).unwrap(), of("10000", Some("ms")).unwrap());
        assert_eq!(limit.is_at_least(of("0.25GB", Some("MB")).unwrap()), Some(true));
        assert_eq!(limit.is_at_least(of("8GB", Some("MB")).unwrap()), Some(false));
        assert_eq!(time.is_at_least(of("16MB", Some("ms")).unwrap()), None, "time is no size");
        assert_eq!(of("40", None).unwrap().is_at_least(of("10s", None).unwrap()), None, "nor a number of pieces");
        assert_eq!((of("-1", Some("MB")), of("-1", None), of("replica", None)), (None, None, None));
        assert_eq!((limit.counts(), time.counts()), ("bytes", "time"));
    }

    #[test]
    fn values_are_the_same_whatever_their_spelling() {
        assert!(same("60000", "1min", Some("ms")) && same("on", "true", None) && same("Latest", "latest", None));
        assert!(same("2048", "16MB", Some("8kB")) && !same("60000", "60000s", Some("ms")) && !same("1", "2", None));
        assert!(!same("0", "", None) && same("", "", None));
    }

    #[test]
    fn values_read_as_people_write_them() {
        for (text, unit, expected) in [
            ("60000", Some("ms"), "1min"),
            ("1500", Some("ms"), "1500ms"),
            ("2048", Some("8kB"), "16MB"),
            ("-1", Some("MB"), "-1"),
            ("0", Some("ms"), "0"),
            ("90", Some("s"), "90s"),
            ("replica", None, "replica"),
        ] {
            assert_eq!(shown(text, unit), expected);
        }
    }
}
