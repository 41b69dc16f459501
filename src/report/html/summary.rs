//! The first screen: what is reported on, what is alarming, and one sentence and one verdict per objective.

use maud::{Markup, html};

use super::cell;
use crate::report::ReportModel;
use crate::report::format::{self, count, instant, percent, percent_interval};
use crate::report::model::{Head, ObjectiveReport};
pub(super) use crate::report::words::{probability, sentence};
use crate::slo::Attainment;

/// What is reported on.
pub(super) fn header(model: &ReportModel) -> Markup {
    let head = &model.head;
    let period = &head.period;
    html! {
        header {
            p class="eyebrow" { "Doorstep login report" }
            h1 { (head.site) ", " (period.label) }
            p {
                (instant(period.start, &period.zone)) " to " (instant(period.end, &period.zone))
                " (" (period.zone) ", " (hours(period.seconds())) ")"
                @if let Some(until) = head.until { "; still running, data until " (instant(until, &period.zone)) }
            }
            p {
                (count(head.runs)) " runs from " (head.vantages.len())
                @if head.vantages.len() == 1 { " vantage: " } @else { " vantages: " }
                (vantages(head))
            }
        }
    }
}

fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours >= 1.0 { format!("{} h", (hours * 100.0).round() / 100.0) } else { format!("{} s", seconds.round()) }
}

fn vantages(head: &Head) -> String {
    let named = head.vantages.iter().map(|vantage| {
        let labels: Vec<&str> = vantage.labels.values().map(String::as_str).collect();
        if labels.is_empty() { vantage.name.to_string() } else { format!("{} ({})", vantage.name, labels.join(", ")) }
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Security failures, first and loudly; nothing when there are none.
pub(super) fn alarms(model: &ReportModel) -> Markup {
    html! {
        @if !model.alarms.is_empty() {
            section class="alarm" role="alert" {
                h2 { "⚠ Security: somebody was let in who must not be" }
                ul {
                    @for alarm in &model.alarms {
                        li {
                            strong { (alarm.flow) ": " (alarm.class) ", " (count(alarm.count)) " times" }
                            ", first " (instant(alarm.first, &model.head.period.zone))
                            ", last " (instant(alarm.last, &model.head.period.zone))
                            @if let Some(example) = alarm.examples.first() { "; see " code { "doorstep explain " (example) } }
                        }
                    }
                }
            }
        }
    }
}

/// One sentence and one verdict per objective.
pub(super) fn verdicts(model: &ReportModel) -> Markup {
    html! {
        section aria-labelledby="verdicts" {
            h2 id="verdicts" { "Verdicts" }
            @if model.objectives.is_empty() {
                p { "No objective is configured; the flows below are measured without a promise." }
            }
            div class="cards" { @for objective in &model.objectives { (card(objective)) } }
        }
    }
}

fn card(objective: &ObjectiveReport) -> Markup {
    html! {
        article class=(format!("card {}", objective.verdict.as_str().replace(' ', "-"))) {
            h3 { a href=(format!("#objective-{}", objective.name)) { (objective.name) } }
            p class="badge" { (mark(objective.verdict)) " " (objective.verdict.as_str()) }
            p class="figure" { (percent(objective.availability, objective.interval)) }
            p { (sentence(objective)) }
        }
    }
}

/// A verdict's shape, so that it reads without colour.
pub(super) fn mark(verdict: Attainment) -> &'static str {
    match verdict {
        Attainment::Met => "✔",
        Attainment::Missed => "✘",
        Attainment::Undecided => "≈",
        Attainment::NoData => "○",
    }
}

/// A table's cell with a share and its interval.
pub(super) fn share_cell(share: Option<f64>, interval: Option<crate::slo::Interval>) -> Markup {
    match share {
        None => cell(format::ABSENT),
        Some(_) => {
            html! { strong { (percent(share, interval)) } " " span class="interval" { "[" (percent_interval(interval)) "]" } }
        }
    }
}
