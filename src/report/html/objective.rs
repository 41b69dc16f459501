//! One objective in full: numbers with their bounds, the budget burn-down, and who the users were.

use maud::{Markup, html};

use super::{cell, charts, figure, summary, table};
use crate::report::format::{count, minutes, percent, percent_interval, target};
use crate::report::model::{Head, ObjectiveReport, UserImpact};

pub(super) fn section(objective: &ObjectiveReport, head: &Head) -> Markup {
    let heading = format!("objective-{}", objective.name);
    html! {
        section aria-labelledby=(heading) {
            h2 id=(heading) { "Objective: " (objective.name) }
            @if !objective.description.is_empty() { p { (objective.description) } }
            p { strong { (summary::mark(objective.verdict)) " " (objective.verdict.as_str()) } ". " (summary::sentence(objective)) }
            (table("The numbers and how sure they are", &["figure", "value", "what it means"], &figures(objective, head)))
            @if let Some(svg) = charts::burn_down(objective) {
                (figure(&svg, "What is left of the error budget. Dashed: spending it evenly over the period."))
            }
            @if let Some(users) = &objective.users { (impact(users)) }
        }
    }
}

fn figures(objective: &ObjectiveReport, head: &Head) -> Vec<Vec<maud::Markup>> {
    let counts = &objective.counts;
    let confidence = format!("Wilson interval at {:.0} % confidence", head.policy.confidence * 100.0);
    let mut rows = vec![
        vec![cell("availability"), summary::share_cell(objective.availability, objective.interval), cell(confidence)],
        vec![
            cell("if lost runs were bad or good"),
            cell(percent_interval(objective.if_lost)),
            cell(format!(
                "{} runs were lost to faults of the prober and {} slots have no run; truth lies between",
                count(counts.lost),
                count(counts.missing)
            )),
        ],
        vec![
            cell("coverage"),
            cell(percent(counts.coverage, None)),
            cell(match counts.due {
                Some(due) => format!("{} of {} slots due say good or bad", count(counts.good + counts.bad), count(due)),
                None => "no schedule was declared, so how many slots were due is unknown".to_owned(),
            }),
        ],
        vec![
            cell("logins"),
            cell(format!("{} good, {} bad", count(counts.good), count(counts.bad))),
            cell(objective.over_threshold.map_or_else(
                || "every scheduled login counts once".to_owned(),
                |slow| format!("{} of the bad ones succeeded, but over the threshold", count(slow)),
            )),
        ],
    ];
    if let Some(budget) = &objective.budget {
        rows.push(vec![
            cell("error budget"),
            cell(format!("{:.1} of {:.1} logins left", budget.left_events, budget.allowed_events)),
            cell(format!(
                "{} spent of the {} that {} allows",
                minutes(budget.spent_minutes),
                minutes(budget.allowed_minutes),
                target(objective.target)
            )),
        ]);
    }
    if let Some(burn) = objective.burn_rate {
        rows.push(vec![cell("burn rate"), cell(format!("{burn:.2}")), cell("1 spends exactly the whole budget")]);
    }
    if let Some(probability) = objective.probability_met {
        rows.push(vec![
            cell("P(met)"),
            cell(summary::probability(probability)),
            cell("met from 0.95 up, missed from 0.05 down, undecided between"),
        ]);
    }
    rows
}

fn impact(users: &UserImpact) -> Markup {
    let rows: Vec<Vec<Markup>> = users
        .segments
        .iter()
        .map(|segment| {
            let vantages: Vec<&str> = segment.vantages.iter().map(crate::model::VantageName::as_str).collect();
            vec![
                cell(&segment.name),
                cell(percent(Some(segment.share), None)),
                summary::share_cell(segment.failing, segment.interval),
                cell(format!("{} of {}", count(segment.bad), count(segment.n))),
                cell(if vantages.is_empty() { "not covered".to_owned() } else { vantages.join(", ") }),
            ]
        })
        .collect();
    html! {
        h3 { "Users" }
        p {
            "Weighted by who the users are, "
            strong { (percent(users.impact, users.interval)) }
            " of sign-ins could not be made (" (percent_interval(users.interval.map(crate::slo::Interval::complement))) "). "
            @if users.uncovered > 0.0 {
                strong { (percent(Some(users.uncovered), None)) } " of demand comes from users that no vantage with data stands for; "
                "over all users the availability lies between " (percent_interval(Some(users.if_uncovered))) "."
            } @else { "Every user is stood for by a vantage." }
        }
        (table("Users by segment", &["segment", "share of sign-ins", "failing", "bad of all runs", "vantages"], &rows))
    }
}
