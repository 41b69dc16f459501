//! Markdown as blocks: each heading, list item, table row and paragraph once, with its line, its words without marks,
//! and the part of the postmortem that it belongs to. Code, comments and addresses are not words.

use std::sync::LazyLock;

use super::finding::Place;
use super::heading::{self, Part};
use super::pattern::{Pattern, compiled};
use super::prose;

/// A line that begins with a date or a time, as one of a timeline does.
static TIMED: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)^[\[(*_~`\s]*(?:at |around |about |circa |on )?(?:\d{1,2}:\d{2}|\d{4}-\d{1,2}-\d{1,2}|\d{4}\s?(?:Z|UTC)\b|\d{1,2}\s?[ap]\.?m\b|\d{1,2}\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}\b)",
    )
});

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Heading(usize),
    /// A list item and how far it is indented.
    Item(usize),
    /// The row that names a table's columns.
    TableHead,
    /// A row, with the names of the columns.
    Row(Vec<String>),
    Paragraph,
}

/// A heading, list item, table row or paragraph.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Its first line, from 1.
    pub(super) line: usize,
    pub(super) shape: Shape,
    /// Its words; lines end as in the file.
    pub(super) text: String,
    /// Whether it holds a link, picture or address.
    pub(super) linked: bool,
    /// What a label such as `**Impact:**` at its beginning says.
    pub(super) label: Option<String>,
    /// Whether the label is set in bold, as headings are by those who write none.
    bold: bool,
    /// The parts it belongs to.
    pub(super) parts: Vec<Part>,
    /// The parts that its words cover, where the document has neither headings nor labels.
    pub(super) covers: Vec<Part>,
}

impl Block {
    /// The line of a place in the text.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.line + self.text.get(..at).map_or(0, |before| before.matches('\n').count())
    }

    /// Words of the block as they are quoted.
    pub(super) fn place(&self, range: &std::ops::Range<usize>) -> Place {
        Place { line: self.line_of(range.start), quote: quoted(self.text.get(range.clone()).unwrap_or_default()) }
    }

    /// The whole block as it is quoted.
    pub(super) fn whole(&self) -> Place {
        Place { line: self.line, quote: quoted(&self.text) }
    }

    /// The sentence around a place.
    pub(super) fn sentence(&self, range: &std::ops::Range<usize>) -> &str {
        let ends = |(at, _): &(usize, &str)| self.text[at + 1..].starts_with(|next: char| next.is_whitespace());
        let dots = || self.text.match_indices(['.', '!', '?', ';']).filter(ends);
        let start = dots().map(|(at, _)| at + 1).take_while(|at| *at <= range.start).last().unwrap_or(0);
        let end = dots().map(|(at, _)| at).find(|at| *at >= range.end).unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or(&self.text)
    }

    pub(super) fn is(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    pub(super) fn cells(&self) -> Vec<&str> {
        self.text.split(CELL).map(str::trim).collect()
    }

    pub(super) fn is_heading(&self) -> bool {
        matches!(self.shape, Shape::Heading(_))
    }
}

/// Stands between the cells of a row.
const CELL: &str = " | ";

/// The longest quotation.
const QUOTED: usize = 90;

fn quoted(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_matches(|c: char| matches!(c, '-' | '–' | ',' | ';' | ' '));
    match words.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{} ...", words[..end].trim_end()),
        None => words.to_owned(),
    }
}

/// All blocks in order.
pub(super) fn blocks(markdown: &str) -> Vec<Block> {
    let visible = without_comments(&markdown.replace("\r\n", "\n").replace('\r', "\n"));
    let mut reader = Reader::default();
    let lines: Vec<&str> = visible.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        reader.take(index + 1, line, lines.get(index + 1).copied().unwrap_or_default());
    }
    assigned(reader.blocks)
}

/// Blanks out `<!-- -->`, keeping the lines.
fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("<!--") {
        kept.push_str(&rest[..start]);
        let end = rest[start..].find("-->").map_or(rest.len(), |end| start + end + 3);
        kept.extend(rest[start..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    kept + rest
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// The mark that ends the code block that is open.
    fence: Option<&'static str>,
    /// The columns of the table that is open.
    columns: Option<Vec<String>>,
    /// Whether the next line may continue the last block.
    open: bool,
}

impl Reader {
    fn take(&mut self, number: usize, line: &str, next: &str) {
        let trimmed = line.trim_start_matches(['>', ' ', '\t']).trim_end();
        if let Some(fence) = self.fence {
            if trimmed.starts_with(fence) {
                self.fence = None;
            }
            return;
        }
        if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| trimmed.starts_with(fence)) {
            self.fence = Some(fence);
            self.open = false;
            return;
        }
        if !trimmed.starts_with('|') {
            self.columns = None;
        }
        if trimmed.is_empty() || is_rule(trimmed) {
            self.underlined(trimmed);
            self.open = false;
        } else if let Some((level, text)) = heading_of(trimmed) {
            self.push(number, Shape::Heading(level), text);
            self.open = false;
        } else if trimmed.starts_with('|') {
            self.row(number, trimmed, next);
        } else if let Some(text) = item_of(trimmed) {
            let indent = line.len() - line.trim_start().len();
            self.push(number, Shape::Item(indent), text);
        } else if let Some(text) = bold_heading(trimmed) {
            self.push(number, Shape::Heading(6), text);
            self.open = false;
        } else if self.open && !self.blocks.is_empty() && !is_labelled(trimmed) && !self.lists_times(trimmed) {
            self.append(trimmed);
        } else {
            self.push(number, Shape::Paragraph, trimmed);
        }
    }

    /// A line of === or --- makes the paragraph above it a heading.
    fn underlined(&mut self, rule: &str) {
        let level = match rule.chars().next() {
            Some('=') => 1,
            Some('-') => 2,
            _ => return,
        };
        if let Some(last) = self.blocks.last_mut().filter(|last| self.open && last.shape == Shape::Paragraph) {
            last.shape = Shape::Heading(level);
        }
    }

    fn row(&mut self, number: usize, line: &str, next: &str) {
        self.open = false;
        let inner = line.strip_prefix('|').unwrap_or(line);
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        let cells: Vec<String> = inner.split('|').map(|cell| plain(cell.trim()).0).collect();
        if cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| matches!(c, '-' | ':' | ' '))) {
            return;
        }
        let heads = next.contains("---") && next.trim_start().starts_with('|');
        let shape = match &self.columns {
            None if heads => Shape::TableHead,
            columns => Shape::Row(columns.clone().unwrap_or_default()),
        };
        if shape == Shape::TableHead {
            self.columns = Some(cells.clone());
        }
        self.blocks.push(Block {
            line: number,
            shape,
            linked: plain(line).1,
            text: cells.join(CELL),
            label: None,
            bold: false,
            parts: Vec::new(),
            covers: Vec::new(),
        });
    }

    fn push(&mut self, line: usize, shape: Shape, text: &str) {
        let strong = text.strip_prefix("**").and_then(|rest| rest.split_once("**")).map(|(strong, _)| plain(strong).0);
        let bold = strong.is_some();
        let (text, linked) = plain(text);
        let label = label_of(&text).or_else(|| strong.filter(|strong| is_short(strong)));
        self.blocks.push(Block { line, shape, text, linked, label, bold, parts: Vec::new(), covers: Vec::new() });
        self.open = true;
    }

    /// Whether a line is the next of a list of times: the open paragraph begins with one too, or announces them.
    fn lists_times(&self, line: &str) -> bool {
        let open = self.blocks.last().filter(|last| last.shape == Shape::Paragraph);
        open.is_some_and(|last| last.text.trim_end().ends_with(':') || TIMED.is_match(&last.text))
            && TIMED.is_match(line)
    }

    fn append(&mut self, text: &str) {
        let (text, linked) = plain(text);
        if let Some(last) = self.blocks.last_mut() {
            last.text.push('\n');
            last.text.push_str(&text);
            last.linked |= linked;
        }
    }
}

/// A line such as `**Impact:** ...` begins a paragraph of its own, as its writer meant it.
fn is_labelled(line: &str) -> bool {
    let label = line.strip_prefix("**").and_then(|rest| rest.split_once("**"));
    let plain = || line.split_once(": ").map_or(line.strip_suffix(':'), |(label, _)| Some(label));
    label.is_some_and(|(label, after)| label.ends_with(':') || after.starts_with(':'))
        || plain().is_some_and(|label| heading::of_label(label).is_some())
}

/// The text of a short line that is bold as a whole: a heading of those who write none.
fn bold_heading(line: &str) -> Option<&str> {
    let text = line.strip_prefix("**")?.strip_suffix("**")?;
    let sentence = text.ends_with(['.', '!', '?', ',']) || text.contains("**") || text.split_whitespace().count() > 6;
    (!sentence && !text.trim().is_empty() && text.split_once(": ").is_none()).then_some(text)
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && ['=', '-', '*', '_'].into_iter().any(|mark| line.chars().all(|c| c == mark))
}

fn heading_of(line: &str) -> Option<(usize, &str)> {
    let level = line.len() - line.trim_start_matches('#').len();
    let text = &line[level..];
    ((1..=6).contains(&level) && text.starts_with([' ', '\t']))
        .then(|| (level, text.trim().trim_end_matches('#').trim()))
}

/// The text of a list item, without its mark and a task's box.
fn item_of(line: &str) -> Option<&str> {
    let number = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let text = if number > 0 && number < 4 {
        line[number..].strip_prefix(". ").or_else(|| line[number..].strip_prefix(") "))?
    } else {
        ["- ", "* ", "+ ", "• "].into_iter().find_map(|mark| line.strip_prefix(mark))?
    };
    let text = text.trim_start();
    Some(["[ ] ", "[x] ", "[X] "].into_iter().find_map(|done| text.strip_prefix(done)).unwrap_or(text))
}

/// The words without marks, and whether they held a link or address.
fn plain(text: &str) -> (String, bool) {
    let mut words = String::new();
    let mut linked = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let next = &rest[first.len_utf8()..];
        if let Some((label, after)) = link_of(rest) {
            words.push_str(&label);
            linked = true;
            rest = after;
        } else if rest.starts_with("http://") || rest.starts_with("https://") {
            linked = true;
            rest =
                &rest[rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | '|')).unwrap_or(rest.len())..];
        } else {
            if !matches!(first, '*' | '`') {
                words.push(first);
            }
            rest = next;
        }
    }
    (words.replace("__", ""), linked)
}

/// A link or picture at the beginning: its words, and what follows it.
fn link_of(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('!').unwrap_or(text).strip_prefix('[')?;
    let (label, after) = inner.split_once(']')?;
    let (_, after) = after.strip_prefix('(')?.split_once(')')?;
    (!label.contains('\n')).then(|| (label.replace(['*', '`'], ""), after))
}

/// The words before a colon at the beginning, when they may be a label.
fn label_of(text: &str) -> Option<String> {
    let (label, _) = text.split_once(':')?;
    is_short(label).then(|| label.trim().to_owned())
}

/// Whether words may be a label: few, and none of them a number.
fn is_short(label: &str) -> bool {
    let words = label.split_whitespace().count();
    (1..=4).contains(&words) && !label.contains(|c: char| c.is_ascii_digit())
}

/// Gives each block the parts that the headings above it and its own label announce; without any, those of which its
/// words speak.
fn assigned(mut blocks: Vec<Block>) -> Vec<Block> {
    let mut above: Vec<(usize, Vec<Part>)> = Vec::new();
    let mut labelled: Vec<Part> = Vec::new();
    for block in &mut blocks {
        if let Shape::Heading(level) = block.shape {
            above.retain(|(outer, _)| *outer < level);
            let own = heading::of_heading(&block.text);
            let inherited = above.last().map(|(_, parts)| parts.clone()).unwrap_or_default();
            above.push((level, if own.is_empty() { inherited } else { own }));
            labelled.clear();
        }
        block.parts = above.last().map(|(_, parts)| parts.clone()).unwrap_or_default();
        if !block.is_heading() {
            let own = labels(block);
            // A label alone on its line announces what follows it.
            let alone = !own.is_empty() && block.text.trim_end().ends_with(':');
            let goes_on = own.is_empty() && (block.shape != Shape::Paragraph || TIMED.is_match(&block.text));
            if alone {
                labelled.clone_from(&own);
            } else if !goes_on {
                labelled.clear();
            }
            let parts = if own.is_empty() { &labelled } else { &own };
            block.parts.extend(parts);
        }
    }
    let timed: Vec<bool> = blocks.iter().map(|block| TIMED.is_match(&block.text)).collect();
    let headed = blocks.iter().any(|block| block.is_heading() && !block.parts.is_empty());
    let announced: std::collections::BTreeSet<Part> = blocks.iter().flat_map(|block| block.parts.clone()).collect();
    if !headed && announced.len() < prose::ENOUGH {
        prose::assign(&mut blocks, &timed);
    }
    blocks
}

/// The parts that a label announces: a plain one by its exact word, a bold one as a heading does.
fn labels(block: &Block) -> Vec<Part> {
    let Some(label) = block.label.as_deref() else { return Vec::new() };
    let exact: Vec<Part> = heading::of_label(label).into_iter().collect();
    if exact.is_empty() && block.bold && block.shape == Shape::Paragraph { heading::of_heading(label) } else { exact }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_labelled_line_is_a_paragraph() {
        let all = blocks("**Impact:** large\nand long\n**Trigger**: a deploy\n");
        let seen: Vec<_> = all.iter().map(|block| (block.line, block.parts.clone())).collect();
        assert_eq!(seen, [(1, vec![Part::Impact]), (3, vec![Part::Trigger])]);
    }

    #[test]
    fn blocks_know_their_lines_words_and_parts() {
        let text = "# Postmortem\n\n## Summary\n- **Impact:** - 80 %\n  of [logins](a.csv)\n\n```\n12:61\n```\n<!-- a\nb -->\n\
                    | Time (UTC) | What |\n|---|---|\n| 09:00 | `x` |\n";
        let all = blocks(text);
        let seen: Vec<_> = all.iter().map(|b| (b.line, b.text.as_str())).collect();
        let expected = [
            (1, "Postmortem"),
            (3, "Summary"),
            (4, "Impact: - 80 %\nof logins"),
            (12, "Time (UTC) | What"),
            (14, "09:00 | x"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(all[2].parts, [Part::Summary, Part::Impact]);
        assert!(all[2].linked && all[2].line_of(16) == 5);
        assert_eq!(all[4].shape, Shape::Row(vec!["Time (UTC)".to_owned(), "What".to_owned()]));
    }
}
