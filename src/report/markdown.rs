//! The report as Markdown: readable as it is, in a terminal or a mail, and rendered.
//!
//! It knows how each kind of block looks, and nothing of what the report says.

mod table;

use super::ReportModel;
use super::content::{self, Block, Card, Figure, Line, Section, Span};
use table::{Table, plain};

/// Renders the report. The same model gives the same bytes.
#[must_use]
pub fn render(model: &ReportModel) -> String {
    let sections = content::sections(model);
    let mut text = format!("# {}\n\n{}\n\n", plain(&content::title(model)), content::subtitle(model));
    for (word, value) in content::facts(model) {
        text.push_str(&format!("- {word}: {}\n", line(&value)));
    }
    text.push('\n');
    text.push_str(&alarms(&content::alarms(model)));
    let links: Vec<String> =
        sections.iter().map(|section| format!("[{}](#{})", section.short, section.anchor)).collect();
    text.push_str(&format!("{}\n\n", links.join(" · ")));
    for (index, section) in sections.iter().enumerate() {
        text.push_str(&part(index + 1, section));
    }
    text
}

fn alarms(lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|said| format!("> - {}\n", line(said))).collect();
    format!("> **SECURITY: somebody was let in who must not be.**\n>\n{lines}\n")
}

fn part(number: usize, section: &Section) -> String {
    let blocks: String = section.blocks.iter().map(block).collect();
    format!("<a id=\"{}\"></a>\n\n## {number}. {}\n\n{blocks}", section.anchor, section.title)
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(text, None) => format!("### {}\n\n", plain(text)),
        Block::Heading(text, Some(anchor)) => format!("<a id=\"{anchor}\"></a>\n\n### {}\n\n", plain(text)),
        Block::Text(text) | Block::Note(text) => format!("{}\n\n", line(text)),
        Block::List(lines) => {
            let items: String = lines.iter().map(|text| format!("- {}\n", line(text))).collect();
            format!("{items}\n")
        }
        Block::Table(rows) => table(rows),
        Block::Figure(figure) => self::figure(figure),
        Block::Cards(cards) => {
            let cards: String = cards.iter().map(card).collect();
            format!("{cards}\n")
        }
        Block::Terms(terms) => {
            let items: String = terms.iter().map(|(word, meaning)| format!("- **{word}**: {meaning}\n")).collect();
            format!("{items}\n")
        }
        Block::Commands(lines) => format!("```sh\n{}\n```\n\n", lines.join("\n")),
    }
}

fn line(line: &Line) -> String {
    let mut text = String::new();
    for span in &line.0 {
        match span {
            Span::Plain(words) => text.push_str(&plain(words)),
            Span::Strong(words) => text.push_str(&format!("**{}**", plain(words))),
            Span::Soft(words) => text.push_str(&format!(" ({})", plain(words))),
            Span::Code(words) => text.push_str(&format!("`{}`", words.replace(['`', '|'], "'"))),
            Span::Loud(words) => text.push_str(&format!("**⚠ {}**", plain(words))),
        }
    }
    text
}

fn card(card: &Card) -> String {
    let mut text = format!("- **{}: {}.** {}\n", card.title, card.verdict.as_str().to_uppercase(), plain(&card.text));
    for (word, value) in &card.facts {
        text.push_str(&format!("  - {word}: {}\n", plain(value)));
    }
    text
}

/// A chart in letters where it has them, else in one sentence.
fn figure(figure: &Figure) -> String {
    let caption = plain(&figure.caption);
    match &figure.letters {
        Some(letters) => format!("{caption}\n\n```text\n{letters}```\n\n"),
        None => format!("*Chart: {}.* {caption}\n\n", plain(figure.chart.description())),
    }
}

fn table(rows: &content::Table) -> String {
    let mut aligned = Table::new(&rows.columns);
    for row in &rows.rows {
        aligned.row(row.iter().map(line).collect());
    }
    let text = aligned.text();
    if text.is_empty() { text } else { format!("{}:\n\n{text}", plain(&rows.caption)) }
}
