//! From an [`Impact`] to the estimates that a draft tells and a check holds claims against.

use crate::impact::{self, Figure, Impact};
use crate::incident::Symptom;
use crate::report::format::{amount, count, counted};
use crate::report::words;

use super::draft::capital;
use super::evidence::{Estimate, People, Spent, Unit, Unknown};

/// Inputs that a draft tells elsewhere.
const ELSEWHERE: [&str; 5] = ["duration", "duration of outages", "failing share", "slow share", "demand not covered"];

/// What the impact says of people: each figure with its formula, then what the figures were made from.
#[must_use]
pub fn people(impact: &Impact) -> People {
    let weighted = failing(&impact.availability.weighted);
    let mut people = People::default();
    let slow = impact.symptom == Some(Symptom::Slow);
    let [affected, share] = if slow {
        ["People kept waiting: their login was slow", "Share of slow logins, weighted by users (F10)"]
    } else {
        ["People affected: at least one failed attempt", "Failing share of logins, weighted by users (F10)"]
    };
    take(&mut people, affected, &impact.affected);
    take(&mut people, "People locked out: every attempt failed", &impact.locked_out);
    // Of slow logins all affected are delayed, and told already.
    if !slow {
        take(&mut people, "People merely delayed: got in when they tried again", &impact.delayed);
    }
    for (what, figure) in [
        ("Different people among the affected", &impact.distinct_users),
        ("Sign-ins failed, repeated ones included", &impact.failed_sign_ins),
        (share, &weighted),
        ("Share of people with a session whose session ended meanwhile", &impact.sessions_met),
        ("People who wanted to sign in where no probe looks", &impact.not_covered.intents),
    ] {
        take(&mut people, what, figure);
    }
    if let Some(adjusted) = &impact.adjusted {
        for (what, figure) in [
            ("People affected, with exclusions", &adjusted.affected),
            ("People locked out, with exclusions", &adjusted.locked_out),
            ("Sign-ins failed, with exclusions", &adjusted.failed_sign_ins),
        ] {
            take(&mut people, what, figure);
        }
    }
    if let Some(share) = impact.not_covered.share {
        people.estimates.push(estimate(
            "Share of the demand that no probe stands for",
            Unit::Share,
            impact::Estimate::exact(share),
            "demand of users without probes / all demand",
        ));
    }
    people
}

/// What the incident took of each budget.
#[must_use]
pub fn budgets(impact: &Impact) -> Vec<Spent> {
    let spent = |budget: &impact::BudgetShare| {
        let allowed = budget.allowed?;
        Some(Spent {
            objective: budget.objective.to_string(),
            period: budget.period.clone(),
            share: budget.share?,
            how: format!(
                "{} bad of {} that the {} known of {} allow (F1){}",
                count(budget.bad),
                amount(allowed),
                counted(budget.slots, "slot", "slots"),
                budget.period,
                budget
                    .interval
                    .map_or_else(String::new, |it| format!("; by the interval {}", words::spent_between(it)))
            ),
        })
    };
    impact.budget.iter().filter_map(spent).collect()
}

fn take(people: &mut People, what: &str, figure: &Figure) {
    match figure {
        Figure::NotQuantifiable { reason } => {
            people.unknown.push(Unknown { what: what.to_owned(), why: reason.clone() });
        }
        Figure::Estimate { value, unit, formula, inputs } => {
            people.estimates.push(estimate(what, self::unit(unit), *value, formula));
            for input in inputs {
                // These stand in tables of their own, with the bounds that the samples allow; those of segments in what
                // 'doorstep impact' says.
                if input.segment.is_some() || ELSEWHERE.contains(&input.name.as_str()) {
                    continue;
                }
                let made_from = estimate(&capital(&input.name), self::unit(&input.unit), input.value, &input.source);
                if !people.inputs.contains(&made_from) {
                    people.inputs.push(made_from);
                }
            }
        }
    }
}

fn estimate(what: &str, unit: Unit, value: impact::Estimate, how: &str) -> Estimate {
    let impact::Estimate { low, middle, high } = value;
    Estimate { what: what.to_owned(), unit, low, middle, high, how: how.to_owned() }
}

fn unit(name: &str) -> Unit {
    match name {
        "people" => Unit::People,
        "attempts" => Unit::Logins,
        "share" => Unit::Share,
        "s" => Unit::Seconds,
        _ => Unit::Other,
    }
}

/// The failing share that belongs to an availability.
fn failing(availability: &Figure) -> Figure {
    match availability {
        Figure::NotQuantifiable { .. } => availability.clone(),
        Figure::Estimate { value, unit, formula, inputs } => Figure::Estimate {
            value: impact::Estimate { low: 1.0 - value.high, middle: 1.0 - value.middle, high: 1.0 - value.low },
            unit: unit.clone(),
            formula: format!("1 - availability; {formula}"),
            inputs: inputs.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_a_number_keeps_its_reason_and_inputs_are_told_once() {
        let mut people = People::default();
        take(&mut people, "affected", &Figure::unknown("nobody said who the users are"));
        let input = impact::Input {
            name: "demand".to_owned(),
            segment: None,
            value: impact::Estimate::exact(9_000.0),
            unit: "people".to_owned(),
            source: "population.yaml".to_owned(),
        };
        let known = Figure::Estimate {
            value: impact::Estimate { low: 1.0, middle: 2.0, high: 3.0 },
            unit: "attempts".to_owned(),
            formula: "F13".to_owned(),
            inputs: vec![input],
        };
        take(&mut people, "failed", &known);
        take(&mut people, "attempts", &known);
        assert_eq!((people.unknown.len(), people.estimates.len(), people.inputs.len()), (1, 2, 1));
        assert_eq!(people.estimates[0].unit, Unit::Logins);
        let Figure::Estimate { value, .. } = failing(&known) else { panic!("a number") };
        assert_eq!((value.low, value.high), (-2.0, 0.0));
    }
}
