//! A row of another prober to an observation: a time, an outcome, and, where they are told, a duration and a reason.

use jiff::Timestamp;

use super::{Observation, Row};
use crate::model::{BadClass, LostClass, Micros, Verdict};

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

const TIME: [&str; 6] = ["time", "timestamp", "@timestamp", "ts", "started", "date"];
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
    /// names in `there`.
    ///
    /// # Errors
    /// What is missing, unknown, or without a unit.
    pub fn of(map: &str, unit: Option<Unit>, there: &[&str]) -> Result<Self, String> {
        let mut named = std::collections::BTreeMap::new();
        for part in map.split(',').filter(|part| !part.trim().is_empty()) {
            let (what, column) =
                part.split_once('=').ok_or_else(|| format!("'{part}' names no column: write time=NAME"))?;
            let what = what.trim();
            if !["time", "ok", "duration", "class", "message"].contains(&what) {
                return Err(format!("'{what}' is not one of time, ok, duration, class, message"));
            }
            if !there.contains(&column.trim()) {
                return Err(format!("there is no column '{}'; there are: {}", column.trim(), there.join(", ")));
            }
            named.insert(what, column.trim().to_owned());
        }
        let usual = |names: &[&str]| names.iter().find(|name| there.contains(name)).map(|name| (*name).to_owned());
        let missing = |what: &str| {
            format!("no column is known to hold '{what}': say --columns {what}=NAME; there are: {}", there.join(", "))
        };
        let duration = named.remove("duration").or_else(|| usual_duration(there));
        let unit = match &duration {
            None => None,
            Some(column) => Some(
                unit.or_else(|| suffix(column))
                    .ok_or_else(|| format!("the unit of column '{column}' is not known: say --unit s, ms or us"))?,
            ),
        };
        Ok(Self {
            time: named.remove("time").or_else(|| usual(&TIME)).ok_or_else(|| missing("time"))?,
            ok: named.remove("ok").or_else(|| usual(&OK)).ok_or_else(|| missing("ok"))?,
            duration,
            unit,
            class: named.remove("class").or_else(|| usual(&["class", "error_class"])),
            message: named.remove("message").or_else(|| usual(&["message", "error", "reason"])),
        })
    }
}

fn usual_duration(there: &[&str]) -> Option<String> {
    let is_one = |column: &&&str| {
        DURATION.contains(*column)
            || SUFFIXES
                .iter()
                .any(|(ending, _)| column.strip_suffix(ending).is_some_and(|stem| DURATION.contains(&stem)))
    };
    there.iter().find(is_one).map(|column| (*column).to_owned())
}

fn suffix(column: &str) -> Option<Unit> {
    SUFFIXES.iter().find(|(ending, _)| column.ends_with(ending)).map(|(_, unit)| *unit)
}

/// The observation of a row.
///
/// # Errors
/// What is missing or cannot be read.
pub fn observation(row: &Row, columns: &Columns) -> Result<Observation, String> {
    let cell = |name: &str| row.text(name).ok_or_else(|| format!("'{name}' is empty"));
    let at = time(&cell(&columns.time)?)?;
    let took = match (&columns.duration, columns.unit) {
        (Some(name), Some(unit)) => row.text(name).map(|text| duration(&text, unit)).transpose()?,
        _ => None,
    };
    let ok = cell(&columns.ok)?;
    let class = columns.class.as_ref().and_then(|name| row.text(name)).filter(|word| !is_nothing(word));
    let said = columns.message.as_ref().and_then(|name| row.text(name)).filter(|word| !is_nothing(word));
    let verdict = verdict(&ok, class.as_deref())?;
    let words: Vec<String> = match verdict {
        Verdict::Good => Vec::new(),
        Verdict::Bad(BadClass::Unclassified) => class.into_iter().chain(said).collect(),
        _ => said.into_iter().collect(),
    };
    let told = if words.is_empty() { "imported without a reason".to_owned() } else { words.join(": ") };
    let message = if verdict == Verdict::Good { String::new() } else { told };
    Ok(Observation { line: row.line, at, took, verdict, message })
}

fn is_nothing(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "none" | "null" | "-" | "ok")
}

fn verdict(ok: &str, class: Option<&str>) -> Result<Verdict, String> {
    match (ok.to_lowercase().as_str(), class) {
        ("true" | "1" | "1.0" | "up" | "ok" | "good" | "success" | "passed" | "pass" | "yes", None) => {
            Ok(Verdict::Good)
        }
        ("true" | "1" | "1.0" | "up" | "ok" | "good" | "success" | "passed" | "pass" | "yes", Some(class)) => {
            Err(format!("a good run has no class, and this one has '{class}'"))
        }
        ("lost" | "skipped" | "unknown", class) => {
            Ok(Verdict::Lost(class.and_then(LostClass::from_spelling).unwrap_or(LostClass::Internal)))
        }
        (
            "false" | "0" | "0.0" | "down" | "failed" | "fail" | "failure" | "bad" | "error" | "no" | "timeout",
            class,
        ) => {
            let lost = class.and_then(LostClass::from_spelling).map(Verdict::Lost);
            let word = class.or((ok.eq_ignore_ascii_case("timeout")).then_some("timeout"));
            let bad = word.and_then(BadClass::from_spelling).unwrap_or(BadClass::Unclassified);
            Ok(lost.unwrap_or(Verdict::Bad(bad)))
        }
        _ => Err(format!("'{ok}' is no outcome: write ok or failed, true or false, 1 or 0, up or down")),
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let problem = || format!("'{text}' is no time: write RFC 3339 with its zone, or seconds since 1970");
    let number: f64 = text.parse().map_err(|_| problem())?;
    // By their size: seconds reach 1e11 in the year 5138, which is 1973 in milliseconds.
    let micros = match number.abs() {
        size if size < 1e11 => number * 1e6,
        size if size < 1e14 => number * 1e3,
        _ => number,
    };
    if !micros.is_finite() {
        return Err(problem());
    }
    Timestamp::from_microsecond(micros.round() as i64).map_err(|_| problem())
}

fn duration(text: &str, unit: Unit) -> Result<Micros, String> {
    let scale = match unit {
        Unit::Seconds => 1e6,
        Unit::Millis => 1e3,
        Unit::Micros => 1.0,
    };
    let number: f64 = text.parse().map_err(|_| format!("'{text}' is no duration"))?;
    let micros = (number * scale).round();
    // A day is longer than any prober waits, and a sign of the wrong unit.
    if !(0.0..=86_400e6).contains(&micros) {
        return Err(format!("a run of {text} in this unit is negative or longer than a day: is the unit right?"));
    }
    Ok(Micros(micros as u64))
}

#[cfg(test)]
mod tests {
    use super::super::{Layout, rows};
    use super::*;

    fn read(csv: &str, map: &str) -> Vec<Result<Observation, String>> {
        let (read, wrong) = rows(csv, Layout::Csv);
        assert!(wrong.is_empty());
        let there: Vec<&str> = read[0].names().collect();
        let columns = Columns::of(map, None, &there).unwrap();
        read.iter().map(|row| observation(row, &columns)).collect()
    }

    #[test]
    fn times_units_and_outcomes_of_many_tools_are_read() {
        let all = read(
            "ts,up,latency_ms,error\n1795000000,1,120.5,\n1795000060000,0,3000,connection refused\n2026-11-18T10:00:00+01:00,down,,\n",
            "",
        );
        let first = all[0].as_ref().unwrap();
        assert_eq!(
            (first.at.as_second(), first.took, first.verdict),
            (1_795_000_000, Some(Micros(120_500)), Verdict::Good)
        );
        let second = all[1].as_ref().unwrap();
        assert_eq!((second.at.as_second(), second.verdict), (1_795_000_060, Verdict::Bad(BadClass::Unclassified)));
        assert_eq!(second.message, "connection refused");
        assert_eq!(all[2].as_ref().unwrap().took, None, "no duration is no zero");
        let mapped = read("when,went,took_s,why\n1795000000,failed,1.5,timeout\n", "time=when,ok=went,class=why");
        assert_eq!(mapped[0].as_ref().unwrap().verdict, Verdict::Bad(BadClass::Timeout));
        assert_eq!(mapped[0].as_ref().unwrap().took, Some(Micros(1_500_000)));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let all = read(
            "time,ok,duration_s\nyesterday,1,1\n1795000000,maybe,1\n1795000000,1,-1\n,1,1\n1795000000,1,1e9\n",
            "",
        );
        let said: Vec<String> = all.into_iter().map(Result::unwrap_err).collect();
        for (said, part) in
            said.iter().zip(["is no time", "is no outcome", "negative", "'time' is empty", "longer than a day"])
        {
            assert!(said.contains(part), "{said}");
        }
        let missing = |map: &str, there: &[&str]| Columns::of(map, None, there).unwrap_err();
        assert!(missing("", &["a", "ok"]).contains("say --columns time=NAME; there are: a, ok"));
        assert!(missing("time=b", &["a"]).contains("no column 'b'"));
        assert!(missing("", &["time", "ok", "duration"]).contains("say --unit s, ms or us"));
    }
}
