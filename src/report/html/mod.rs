//! The report as one HTML file: no script, no external resource, charts inlined, light and dark, phone and A4.
//!
//! It knows how each kind of block looks, and nothing of what the report says.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::ReportModel;
use super::content::{self, Block, Card, Figure, Line, Section, Span, Table};
use super::format;
use crate::slo::Attainment;

#[cfg(test)]
mod tests;

const STYLE: &str = include_str!("style.css");

/// Renders the page. The same model gives the same bytes.
#[must_use]
pub fn render(model: &ReportModel) -> String {
    let sections = content::sections(model);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (content::title(model)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(model))
                (alarms(&content::alarms(model)))
                (contents(&sections))
                main { @for (index, section) in sections.iter().enumerate() { (part(index + 1, section)) } }
                footer {
                    p { "Made by " (model.head.generated_from) ". Data revision " code { (model.head.data_revision) }
                        ", policy " code { (model.head.policy_revision) } "." }
                }
            }
        }
    };
    page.into_string()
}

/// Part one.
fn header(model: &ReportModel) -> Markup {
    html! {
        header id="head" {
            p class="eyebrow" { "Doorstep login report" }
            h1 { (model.head.site) ", " (format::named(&model.head.period)) }
            p { (content::subtitle(model)) }
            dl class="facts" {
                @for (word, value) in content::facts(model) { div { dt { (word) } dd { (line(&value)) } } }
            }
        }
    }
}

/// Security failures, first and loudly; nothing when there are none.
fn alarms(lines: &[Line]) -> Markup {
    html! {
        @if !lines.is_empty() {
            section class="alarm" role="alert" aria-labelledby="alarm" {
                h2 id="alarm" { "⚠ Security: somebody was let in who must not be" }
                ul { @for said in lines { li { (line(said)) } } }
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ol { @for section in sections { li { a href=(format!("#{}", section.anchor)) { (section.short) } } } }
        }
    }
}

fn part(number: usize, section: &Section) -> Markup {
    html! {
        section aria-labelledby=(section.anchor) {
            h2 id=(section.anchor) { span class="part" { (number) } " " (section.title) }
            @for together in together(&section.blocks) {
                @if let [alone] = together { (block(alone)) } @else { div class="keep" { @for part in together { (block(part)) } } }
            }
        }
    }
}

/// The rows of a table that a page holds together, with its heading.
const SHORT: usize = 12;

/// Cuts blocks into what no printed page may part: a heading or words with the chart or the short table that they are of.
fn together(blocks: &[Block]) -> Vec<&[Block]> {
    let mut parts = Vec::new();
    let mut rest = blocks;
    while !rest.is_empty() {
        let words = rest.iter().take_while(|block| matches!(block, Block::Heading(..) | Block::Text(_))).count();
        let of = match rest.get(words) {
            Some(Block::Figure(_)) => 1,
            Some(Block::Table(table)) if table.rows.len() <= SHORT => 1,
            _ => 0,
        };
        let length = if of == 1 { words + 1 } else { 1 };
        let (part, others) = rest.split_at(length);
        parts.push(part);
        rest = others;
    }
    parts
}

fn block(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(text, None) => h3 { (text) },
            Block::Heading(text, Some(anchor)) => h3 id=(anchor) { (text) },
            Block::Text(text) => p { (line(text)) },
            Block::Note(text) => p class="note" { (line(text)) },
            Block::List(lines) => ul { @for text in lines { li { (line(text)) } } },
            Block::Table(rows) => (table(rows)),
            Block::Figure(figure) => (self::figure(figure)),
            Block::Cards(cards) => div class="cards" { @for card in cards { (self::card(card)) } },
            Block::Terms(terms) => dl class="terms" { @for (word, meaning) in terms { dt { (word) } dd { (meaning) } } },
            Block::Commands(lines) => pre tabindex="0" { @for text in lines { code { (text) } "\n" } },
        }
    }
}

fn line(line: &Line) -> Markup {
    html! {
        @for span in &line.0 {
            @match span {
                Span::Plain(text) => (unbroken(text)),
                Span::Strong(text) => strong { (unbroken(text)) },
                Span::Soft(text) => { " " span class="interval" { "[" (unbroken(text)) "]" } },
                Span::Code(text) => code { (text) },
                Span::Loud(text) => strong class="loud" { "⚠ " (unbroken(text)) },
            }
        }
    }
}

/// A narrow column must not part a number from its percent sign.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

fn card(card: &Card) -> Markup {
    html! {
        article class=(format!("card {}", card.verdict.as_str().replace(' ', "-"))) {
            h3 { a href=(format!("#{}", card.anchor)) { (card.title) } }
            p class="badge" { (mark(card.verdict)) " " (card.verdict.as_str()) }
            p class="figure" { (unbroken(&card.figure)) }
            p { (unbroken(&card.text)) }
            dl class="facts" { @for (word, value) in &card.facts { div { dt { (word) } dd { (value) } } } }
        }
    }
}

/// A verdict's shape, so that it reads without colour.
fn mark(verdict: Attainment) -> &'static str {
    match verdict {
        Attainment::Met => "✔",
        Attainment::Missed => "✘",
        Attainment::Undecided => "≈",
        Attainment::NotKnown => "?",
        Attainment::OnCourse => "▲",
        Attainment::OffCourse => "▼",
        Attainment::NoData => "○",
    }
}

/// A chart that scrolls sideways where the screen is too narrow for its labels.
fn figure(figure: &Figure) -> Markup {
    html! {
        figure {
            div class="scroll" tabindex="0" role="group" aria-label=(figure.caption) { (PreEscaped(figure.chart.svg())) }
            figcaption { (figure.caption) @if !figure.marks.is_empty() { " " (figure.marks) } }
        }
    }
}

/// A table that scrolls sideways where the screen is too narrow for it. The first cell of a row is its heading.
fn table(table: &Table) -> Markup {
    let columns: Vec<(&str, Option<&str>)> = table
        .columns
        .iter()
        .map(|column| column.strip_prefix('>').map_or((*column, None), |name| (name, Some("number"))))
        .collect();
    html! {
        @let class = if table.rows.len() <= SHORT { "scroll keep" } else { "scroll" };
        div class=(class) tabindex="0" role="group" aria-label=(table.caption) {
            table {
                caption { (table.caption) }
                thead { tr { @for (name, class) in &columns { th scope="col" class=[*class] { (name) } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @let class = columns.get(index).and_then(|(_, class)| *class);
                                @if index == 0 { th scope="row" { (line(cell)) } } @else { td class=[class] { (line(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
