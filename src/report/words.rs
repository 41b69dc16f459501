//! Sentences that every rendering says alike.

use super::format::{self, count, percent, percent_interval};
use super::model::ObjectiveReport;
use crate::model::Trigger;
use crate::slo::{Attainment, Interval};

/// The objective in one sentence or a few.
#[must_use]
pub fn sentence(objective: &ObjectiveReport) -> String {
    let counts = &objective.counts;
    let Some(availability) = objective.availability else {
        return format!("No login of {} has a verdict: nothing can be said about it.", objective.flow);
    };
    let (succeeded, failed) = match objective.threshold {
        None => ("succeeded".to_owned(), "failed"),
        Some(limit) => (format!("succeeded within {}", format::limit(limit)), "failed or took longer"),
    };
    // The policy may count lost and missing runs as bad: what the share is made of is what spends the budget.
    let bad = objective.budget.map_or(counts.bad, |budget| budget.spent_events);
    let unseen = match bad.saturating_sub(counts.bad) {
        0 => String::new(),
        lost => format!(" ({} lost or missing, which the policy counts as bad)", count(lost)),
    };
    let so_far = if objective.until.is_some() { "So far " } else { "" };
    let mut text = format!(
        "{so_far}{} of {} {succeeded}: {} ({}), and {} {} promised; {} {failed}{unseen}: {}.",
        count(counts.good),
        format::counted(counts.good + bad, "login", "logins"),
        percent(Some(availability), objective.interval),
        percent_interval(objective.interval),
        format::target(objective.target),
        if objective.until.is_some() { "are" } else { "were" },
        count(bad),
        percent(objective.failing, objective.interval),
    );
    if let Some(note) = &objective.verdict_note {
        let begin =
            if objective.verdict == Attainment::NotKnown { "Not known whether it was met" } else { "The verdict" };
        text.push_str(&format!(" {begin}: {note}."));
    }
    text
}

/// When a clause of the budget policy applies.
#[must_use]
pub fn trigger(trigger: Trigger) -> String {
    match trigger {
        Trigger::Spent(least) => format!("{} of the period's budget is spent", format::target(least)),
        Trigger::Incident(least) => {
            format!("one incident takes more than {} of the budget of four periods", format::target(least))
        }
    }
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

/// A share of a budget: whole percents, multiples once overspent tenfold. A little is not nothing, and neither almost
/// all nor a little more is all.
#[must_use]
pub fn spent(share: f64) -> String {
    if share >= 10.0 {
        return format!("{share:.0} times the whole");
    }
    let percent = share * 100.0;
    let is_apart = |&digits: &usize| {
        let told = format!("{percent:.digits$}").parse();
        told.is_ok_and(|told: f64| (told == 0.0) == (percent == 0.0) && (told == 100.0) == (percent == 100.0))
    };
    match (0..=2).find(is_apart) {
        None if percent < 1.0 => "below 0.01 %".to_owned(),
        digits => format!("{percent:.*} %", digits.unwrap_or(2)),
    }
}

/// Between which shares of the budget the interval of the failing share puts what was spent; `None` without one.
#[must_use]
pub fn spent_interval(objective: &ObjectiveReport) -> Option<String> {
    let (budget, bounds) = (objective.budget?, objective.interval?);
    let events = (objective.counts.good + budget.spent_events) as f64;
    let share = |failing: f64| failing * events / budget.allowed_events;
    Some(spent_between(Interval { low: share(1.0 - bounds.high), high: share(1.0 - bounds.low) }))
}

/// Two shares of a budget: `169 % to 179 %`, or `82 to 86 times the whole`.
#[must_use]
pub fn spent_between(Interval { low, high }: Interval) -> String {
    // Two multiples have one unit.
    if low >= 10.0 { format!("{low:.0} to {}", spent(high)) } else { format!("{} to {}", spent(low), spent(high)) }
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

    #[test]
    fn a_little_is_not_nothing_and_almost_all_is_not_all() {
        let shown = [0.0, 0.000_01, 0.004, 0.996, 1.0, 1.004].map(spent);
        assert_eq!(shown, ["0 %", "below 0.01 %", "0.4 %", "99.6 %", "100 %", "100.4 %"]);
    }
}
