//! Sentences that every rendering says alike.

use super::format::{self, count, percent, percent_interval};
use super::model::ObjectiveReport;

/// The objective in one sentence or a few.
#[must_use]
pub fn sentence(objective: &ObjectiveReport) -> String {
    let counts = &objective.counts;
    let Some(availability) = objective.availability else {
        return format!("No login of {} has a verdict: nothing can be said about it.", objective.flow);
    };
    let (succeeded, failed) = match objective.threshold {
        None => ("succeeded".to_owned(), "failed".to_owned()),
        Some(limit) => (format!("succeeded within {limit}"), "failed or took longer".to_owned()),
    };
    let decided = counts.good + counts.bad;
    let mut text = format!(
        "{} of {} logins {succeeded}: {} ({}), and {} were promised; {} {failed}: {}.",
        count(counts.good),
        count(decided),
        percent(Some(availability), objective.interval),
        percent_interval(objective.interval),
        format::target(objective.target),
        count(counts.bad),
        percent(objective.failing, objective.interval),
    );
    if let Some(note) = &objective.verdict_note {
        text.push_str(&format!(" Not called met: {note}."));
    }
    text
}

/// Never 0 and never 1: a probability near its end is said to be beyond a bound.
#[must_use]
pub fn probability(value: f64) -> String {
    match value {
        value if value < 0.0005 => "below 0.001".to_owned(),
        value if value > 0.9995 => "above 0.999".to_owned(),
        value => format!("{value:.3}"),
    }
}

/// A share of a budget: whole percents, multiples once overspent tenfold.
#[must_use]
pub fn spent(share: f64) -> String {
    if share >= 10.0 { format!("{share:.0} times the whole") } else { format!("{:.0} %", share * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_never_certain() {
        assert_eq!([probability(0.0), probability(1.0), probability(0.489)], ["below 0.001", "above 0.999", "0.489"]);
    }

    #[test]
    fn a_budget_spent_many_times_over_reads_as_a_multiple() {
        assert_eq!([spent(0.254), spent(3.7), spent(37.0)], ["25 %", "370 %", "37 times the whole"]);
    }
}
