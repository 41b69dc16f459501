//! A row of another prober to an observation: a time, an outcome, and, where they are told, a duration and a reason.

use super::notation::{Notation, duration, time};
use super::{Columns, Observation, Row};
use crate::model::{BadClass, LostClass, Verdict};

/// The observation of a row.
///
/// # Errors
/// What is missing or cannot be read.
pub fn observation(row: &Row, columns: &Columns, notation: &Notation) -> Result<Observation, String> {
    let cell = |name: &str| row.text(name).ok_or_else(|| format!("'{name}' is empty"));
    let at = time(&cell(&columns.time)?, notation)?;
    let took = match (&columns.duration, columns.unit) {
        (Some(name), Some(unit)) => row.text(name).map(|text| duration(&text, unit, notation)).transpose()?,
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

#[cfg(test)]
mod tests {
    use super::super::{Layout, rows};
    use super::*;
    use crate::model::Micros;

    fn read(csv: &str, map: &str) -> Vec<Result<Observation, String>> {
        let table = rows(csv, Layout::Delimited { by: None }).unwrap();
        assert!(table.wrong.is_empty());
        let there: Vec<&str> = table.rows[0].names().collect();
        let columns = Columns::of(map, None, &there).unwrap();
        table.rows.iter().map(|row| observation(row, &columns, &Notation::default())).collect()
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
    }
}
