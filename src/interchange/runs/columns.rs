//! Which column of another prober's file holds what: as the user says, or by the usual names.

use std::collections::BTreeMap;

/// The unit of a duration column whose name does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
}

/// Which column holds what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// When it began: RFC 3339, or seconds, milliseconds or microseconds since 1970.
    pub time: String,
    /// What came of it.
    pub ok: String,
    /// How long it took.
    pub duration: Option<String>,
    /// The duration's unit.
    pub unit: Option<Unit>,
    /// Why it failed: one of our classes, or any words.
    pub class: Option<String>,
    /// What happened, for people.
    pub message: Option<String>,
}

/// Usual names, as [`plain`] writes them.
const TIME: [&str; 5] = ["time", "timestamp", "ts", "started", "date"];
const OK: [&str; 7] = ["ok", "success", "up", "status", "result", "verdict", "passed"];
const DURATION: [&str; 5] = ["duration", "latency", "response_time", "elapsed", "took"];
const SUFFIXES: [(&str, Unit); 8] = [
    ("_us", Unit::Micros),
    ("_ms", Unit::Millis),
    ("_s", Unit::Seconds),
    ("_seconds", Unit::Seconds),
    ("_millis", Unit::Millis),
    ("_milliseconds", Unit::Millis),
    ("_micros", Unit::Micros),
    ("_sec", Unit::Seconds),
];

impl Columns {
    /// Reads `time=when,ok=up,duration=ms,class=why,message=text`; what is not named there is looked for among the usual
    /// names in `there`. Case, and what stands between words, make no difference where only one column fits.
    ///
    /// # Errors
    /// What is missing, unknown, or without a unit.
    pub fn of(map: &str, unit: Option<Unit>, there: &[&str]) -> Result<Self, String> {
        let mut named = named(map, there)?;
        let missing = |what: &str| {
            format!("no column is known to hold '{what}': say --columns {what}=NAME; there are: {}", there.join(", "))
        };
        let mut find = |what: &str, usual: &dyn Fn(&str) -> bool| match named.remove(what) {
            Some(column) => Ok(Some(column)),
            None => only(what, there.iter().filter(|column| usual(&plain(column)))),
        };
        let mut first = |what: &str, names: &[&str]| {
            for name in names {
                if let Some(column) = find(what, &|column| column == *name)? {
                    return Ok(Some(column));
                }
            }
            Ok::<_, String>(None)
        };
        let time = first("time", &TIME)?.ok_or_else(|| missing("time"))?;
        let ok = first("ok", &OK)?.ok_or_else(|| missing("ok"))?;
        let class = first("class", &["class", "error_class"])?;
        let message = first("message", &["message", "error", "reason"])?;
        let duration = find("duration", &is_duration)?;
        let unit = match &duration {
            None => None,
            Some(column) => Some(
                unit.or_else(|| suffix(&plain(column)))
                    .ok_or_else(|| format!("the unit of column '{column}' is not known: say --unit s, ms or us"))?,
            ),
        };
        Ok(Self { time, ok, duration, unit, class, message })
    }
}

/// The columns that the user named.
fn named(map: &str, there: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let mut named = BTreeMap::new();
    for part in map.split(',').filter(|part| !part.trim().is_empty()) {
        let (what, column) =
            part.split_once('=').ok_or_else(|| format!("'{part}' names no column: write time=NAME"))?;
        let (what, column) = (what.trim(), column.trim());
        if !["time", "ok", "duration", "class", "message"].contains(&what) {
            return Err(format!("'{what}' is not one of time, ok, duration, class, message"));
        }
        let found = match there.iter().find(|there| **there == column) {
            Some(exact) => Some((*exact).to_owned()),
            None => only(what, there.iter().filter(|there| plain(there) == plain(column)))?,
        };
        let found = found.ok_or_else(|| format!("there is no column '{column}'; there are: {}", there.join(", ")))?;
        named.insert(what.to_owned(), found);
    }
    Ok(named)
}

/// The one column that fits, if any does.
fn only<'c>(what: &str, mut fitting: impl Iterator<Item = &'c &'c str>) -> Result<Option<String>, String> {
    let Some(first) = fitting.next() else { return Ok(None) };
    match fitting.next() {
        None => Ok(Some((*first).to_owned())),
        Some(second) => Err(format!("'{first}' and '{second}' may both hold '{what}': say --columns {what}=NAME")),
    }
}

/// A name without case and signs: `Latency (ms)` is `latency_ms`.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_lowercase()
}

fn is_duration(column: &str) -> bool {
    let stem = |(ending, _): &(&str, Unit)| column.strip_suffix(ending).is_some_and(|stem| DURATION.contains(&stem));
    DURATION.contains(&column) || SUFFIXES.iter().any(stem)
}

fn suffix(column: &str) -> Option<Unit> {
    SUFFIXES.iter().find(|(ending, _)| column.ends_with(ending)).map(|(_, unit)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(map: &str, there: &[&str]) -> Result<Vec<String>, String> {
        let columns = Columns::of(map, None, there)?;
        let all = [Some(columns.time), Some(columns.ok), columns.duration, columns.class, columns.message];
        Ok(all.into_iter().flatten().collect())
    }

    #[test]
    fn case_and_signs_do_not_hide_a_column() {
        assert_eq!(found("", &["Time", "OK"]).unwrap(), ["Time", "OK"]);
        let there = ["@timestamp", "Passed", "Response Time (ms)", "Error-Class", "REASON"];
        assert_eq!(found("", &there).unwrap(), there);
        assert_eq!(Columns::of("", None, &there).unwrap().unit, Some(Unit::Millis));
        assert_eq!(found("time=when,ok=went", &["When", "WENT"]).unwrap(), ["When", "WENT"]);
        assert_eq!(
            found("time=when,ok=Went", &["when", "went", "Went"]).unwrap(),
            ["when", "Went"],
            "exactly is exactly"
        );
    }

    #[test]
    fn what_is_missing_or_meant_twice_is_told() {
        let missing = |map: &str, there: &[&str]| found(map, there).unwrap_err();
        assert!(missing("", &["a", "ok"]).contains("say --columns time=NAME; there are: a, ok"));
        assert!(missing("time=b", &["a"]).contains("no column 'b'; there are: a"));
        assert!(missing("", &["time", "ok", "duration"]).contains("say --unit s, ms or us"));
        assert_eq!(missing("", &["time", "OK", "Ok"]), "'OK' and 'Ok' may both hold 'ok': say --columns ok=NAME");
        assert!(missing("time=WHEN", &["when", "When"]).contains("may both hold 'time'"));
        assert!(missing("", &["time", "ok", "took_s", "latency_ms"]).contains("may both hold 'duration'"));
    }
}
