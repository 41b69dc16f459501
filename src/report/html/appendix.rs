//! Wrong-password logins, coverage, the rules, and how to make the report again.

use maud::{Markup, html};

use super::{cell, table};
use crate::report::ReportModel;
use crate::report::format::count;

fn optional(number: Option<u64>) -> Markup {
    number.map_or_else(|| cell("unknown"), |number| cell(count(number)))
}

/// The wrong-password logins; nothing when no flow has one.
pub(super) fn negatives(model: &ReportModel) -> Markup {
    let rows: Vec<Vec<Markup>> = model
        .negatives
        .iter()
        .map(|row| {
            vec![
                cell(row.flow.as_str()),
                html! { @if row.accepted > 0 { strong class="loud" { "⚠ " (count(row.accepted)) } } @else { "0" } },
                cell(count(row.refused)),
                cell(count(row.refusal_changed)),
                cell(count(row.other_bad)),
                cell(count(row.lost)),
            ]
        })
        .collect();
    html! {
        @if !rows.is_empty() {
            section aria-labelledby="negatives" {
                h2 id="negatives" { "Would a wrong password get in?" }
                (table(
                    "Logins with a wrong password, which must be refused; they count in no availability",
                    &["flow", "let in", "refused", "refused in another way", "failed otherwise", "lost"],
                    &rows,
                ))
            }
        }
    }
}

/// Slots due and recorded.
pub(super) fn coverage(model: &ReportModel) -> Markup {
    let rows: Vec<Vec<Markup>> = model
        .head
        .slots
        .iter()
        .map(|row| {
            vec![
                cell(row.flow.as_str()),
                cell(row.kind.as_str()),
                cell(row.vantage.as_str()),
                optional(row.due),
                cell(count(row.recorded)),
                optional(row.missing),
            ]
        })
        .collect();
    html! {
        section aria-labelledby="coverage" {
            h2 id="coverage" { "Coverage" }
            p { "The schedule is deterministic, so how many runs there should be is known. A slot without a run is neither up nor down." }
            (table("Slots", &["flow", "kind", "vantage", "due", "recorded", "missing"], &rows))
        }
    }
}

/// The policy, the definitions, and how to make the report again.
pub(super) fn rules(model: &ReportModel) -> Markup {
    let head = &model.head;
    html! {
        section aria-labelledby="rules" {
            h2 id="rules" { "Rules" }
            h3 { "Policy " code { (head.policy_revision) } }
            ul { @for rule in &head.policy_text { li { (rule) } } }
            h3 { "Words" }
            dl {
                dt { "availability" } dd { "good logins over good and bad ones, each scheduled login counted once" }
                dt { "good" } dd { "a second request with the session showed the right user" }
                dt { "bad" } dd { "the service failed a user" }
                dt { "lost" } dd { "the prober's own fault: it says nothing about the service" }
                dt { "login time" } dd { "time in the network and the service from the first request to the proof of identity" }
                dt { "error budget" } dd { "the share of logins that the objective allows to fail, times the logins planned" }
                dt { "P(met)" } dd { "the probability that the underlying share of good logins is at least the target, given the sample" }
            }
            h3 { "How to make this report again" }
            p { code { (head.generated_from) } }
        }
    }
}
