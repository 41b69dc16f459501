//! The failing share per minute as CSV: one row per minute, minutes without runs with empty cells.

use crate::incident::Incident;
use crate::slo::wilson;

/// The rows, header first. Shares are between 0 and 1.
pub(super) fn csv(incident: &Incident, confidence: f64) -> String {
    let mut text = "minute,logins,failing,share,low,high\n".to_owned();
    for minute in &incident.minutes {
        let share = (minute.n > 0).then(|| minute.failing as f64 / minute.n as f64);
        let interval = wilson(minute.n, minute.failing, confidence);
        let cell = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
        text.push_str(&format!(
            "{},{},{},{},{},{}\n",
            minute.start,
            minute.n,
            minute.failing,
            cell(share),
            cell(interval.map(|interval| interval.low)),
            cell(interval.map(|interval| interval.high)),
        ));
    }
    text
}
