//! One objective in full: numbers with their bounds, and who the users were.

use super::table::{Table, plain};
use crate::model::VantageName;
use crate::report::format::{ABSENT, count, minutes, percent, percent_interval, target};
use crate::report::model::{Head, ObjectiveReport, UserImpact};
use crate::report::words;
use crate::slo::Interval;

pub(super) fn section(objective: &ObjectiveReport, head: &Head) -> String {
    let mut text = format!("## Objective: {}\n\n", objective.name);
    if !objective.description.is_empty() {
        text.push_str(&format!("{}\n\n", plain(&objective.description)));
    }
    if objective.period != head.period {
        let period = &objective.period;
        text.push_str(&format!(
            "Its period: {} ({}, {}).\n\n",
            period.label,
            period.zone,
            super::length(period.seconds())
        ));
    }
    text.push_str(&figures(objective, head));
    text.push_str(&super::adjusted::section(objective, head));
    if let Some(users) = &objective.users {
        text.push_str(&impact(users));
    }
    text
}

fn figures(objective: &ObjectiveReport, head: &Head) -> String {
    let counts = &objective.counts;
    let interval = objective.interval;
    let confidence = head.policy.confidence * 100.0;
    let mut table = Table::new(&["figure", ">value", "how sure, and what of"]);
    let mut row = |name: &str, value: String, note: String| table.row(vec![name.to_owned(), value, note]);
    let promise = objective.threshold.map_or_else(String::new, |limit| format!("within {limit}"));
    row("verdict", objective.verdict.as_str().to_owned(), objective.verdict_note.clone().unwrap_or_default());
    row("promised", target(objective.target), promise);
    row(
        "availability",
        percent(objective.availability, interval),
        format!("{} (Wilson, {confidence:.0} %)", percent_interval(interval)),
    );
    row(
        "failing",
        percent(objective.failing, interval),
        format!("{} bad of {}", count(counts.bad), count(counts.good + counts.bad)),
    );
    if let Some(slow) = objective.over_threshold {
        row("over the threshold", count(slow), "of the bad ones; the others failed".to_owned());
    }
    row(
        "if lost were bad or good",
        percent_interval(objective.if_lost),
        format!(
            "{} lost to the prober's own faults, {} slots without a run",
            count(counts.lost),
            count(counts.missing)
        ),
    );
    let due = counts.due.map_or_else(
        || "no schedule was declared, so that slots due are unknown".to_owned(),
        |due| format!("{} of {} slots due say good or bad", count(counts.good + counts.bad), count(due)),
    );
    row("coverage", percent(counts.coverage, None), due);
    if let Some(budget) = &objective.budget {
        let events = format!("{:.1} of {:.1} logins", budget.left_events, budget.allowed_events);
        row("budget left", events, format!("{} spent", words::spent(budget.spent_share)));
        let time = format!("{} of {}", minutes(budget.left_minutes), minutes(budget.allowed_minutes));
        row("budget left in time", time, format!("{} spent", minutes(budget.spent_minutes)));
    }
    let optional = |value: Option<f64>, show: fn(f64) -> String| value.map_or_else(|| ABSENT.to_owned(), show);
    row(
        "burn rate",
        optional(objective.burn_rate, |rate| format!("{rate:.2}")),
        "1 spends exactly the whole budget".to_owned(),
    );
    row(
        "P(met)",
        optional(objective.probability_met, words::probability),
        "met from 0.95 up, missed from 0.05 down".to_owned(),
    );
    table.text()
}

fn impact(users: &UserImpact) -> String {
    let mut text = format!(
        "### Users\n\nWeighted by who the users are, **{}** of sign-ins could not be made ({}). ",
        percent(users.impact, users.interval),
        percent_interval(users.interval.map(Interval::complement))
    );
    if users.uncovered > 0.0 {
        text.push_str(&format!(
            "{} of demand comes from users that no vantage with data stands for; over all users the availability lies \
             between {}.\n\n",
            target(users.uncovered),
            percent_interval(Some(users.if_uncovered)).replace(" to ", " and ")
        ));
    } else {
        text.push_str("Every user is stood for by a vantage.\n\n");
    }
    let mut table = Table::new(&["segment", ">sign-ins", ">failing", "interval", ">bad", ">runs", "vantages"]);
    for segment in &users.segments {
        let vantages: Vec<&str> = segment.vantages.iter().map(VantageName::as_str).collect();
        table.row(vec![
            segment.name.clone(),
            target(segment.share),
            percent(segment.failing, segment.interval),
            percent_interval(segment.interval),
            count(segment.bad),
            count(segment.n),
            if vantages.is_empty() { "not covered".to_owned() } else { vantages.join(", ") },
        ]);
    }
    text.push_str(&table.text());
    text
}
