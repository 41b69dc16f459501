//! The report as one HTML file: no script, no external resource, charts inlined, light and dark, phone and A4.
//!
//! It prints the model and computes nothing but places on axes.

mod appendix;
mod charts;
mod flow;
mod objective;
mod summary;
mod ticks;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::ReportModel;

#[cfg(test)]
mod tests;

const STYLE: &str = include_str!("style.css");

/// Renders the page. The same model gives the same bytes.
#[must_use]
pub fn render(model: &ReportModel) -> String {
    let title = format!("{}: login report, {}", model.head.site, model.head.period.label);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (summary::header(model))
                main {
                    (summary::alarms(model))
                    (summary::verdicts(model))
                    @for objective in &model.objectives { (objective::section(objective, &model.head)) }
                    @for flow in &model.flows { (flow::section(flow, &model.head)) }
                    (appendix::negatives(model))
                    (appendix::coverage(model))
                    (appendix::rules(model))
                }
                footer {
                    p { "Made by " (model.head.generated_from) ". Data revision " code { (model.head.data_revision) }
                        ", policy " code { (model.head.policy_revision) } "." }
                }
            }
        }
    };
    page.into_string()
}

/// A chart that scrolls sideways where the screen is too narrow for its labels.
fn figure(svg: &str, caption: &str) -> Markup {
    html! {
        figure {
            div class="scroll" tabindex="0" role="region" aria-label=(caption) { (PreEscaped(svg)) }
            figcaption { (caption) }
        }
    }
}

/// A table that scrolls sideways where the screen is too narrow for it. The first cell of a row is its heading.
fn table(caption: &str, columns: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Plain text as a cell.
fn cell(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}
