//! A table whose source is aligned, so that it reads well without being rendered.

/// The side on which a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A table under construction.
pub(super) struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings. A heading that begins with `>` stands over a column of numbers.
    pub(super) fn new(headings: &[&'static str]) -> Self {
        let column = |heading: &&'static str| match heading.strip_prefix('>') {
            Some(heading) => (heading, Side::Right),
            None => (*heading, Side::Left),
        };
        Self { columns: headings.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row of Markdown text that no service wrote, or that went through [`plain`]. Missing cells at its end are
    /// empty.
    pub(super) fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// The Markdown text, with a blank line after it; nothing for a table without rows.
    pub(super) fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let width = |index: usize| {
            let cells = self.rows.iter().map(|row| row[index].chars().count());
            cells.chain([self.columns[index].0.chars().count(), 3]).max().unwrap_or(3)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let headings: Vec<String> = self.columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let mut text = self.line(&headings, &widths);
        for ((_, side), &width) in self.columns.iter().zip(&widths) {
            let rule = match side {
                Side::Left => "-".repeat(width),
                Side::Right => format!("{}:", "-".repeat(width - 1)),
            };
            text.push_str(&format!("| {rule} "));
        }
        text.push_str("|\n");
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
        }
        text.push('\n');
        text
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut text = String::new();
        for ((cell, (_, side)), &width) in cells.iter().zip(&self.columns).zip(widths) {
            match side {
                Side::Left => text.push_str(&format!("| {cell:<width$} ")),
                Side::Right => text.push_str(&format!("| {cell:>width$} ")),
            }
        }
        text.push_str("|\n");
        text
    }
}

/// Text that cannot end a cell, begin a tag or a link, or break a line: it may come from a service.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => safe.push_str("\\|"),
            '<' => safe.push_str("&lt;"),
            '[' => safe.push_str("\\["),
            '`' => safe.push('\''),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_aligned_and_nothing_escapes_its_cell() {
        let mut table = Table::new(&["class", ">runs"]);
        table.row(vec!["http_status".to_owned(), "1,234".to_owned()]);
        table.row(vec![plain("a|b\n<img>`")]);
        let expected = "\
| class          |  runs |
| -------------- | ----: |
| http_status    | 1,234 |
| a\\|b &lt;img>' |       |

";
        assert_eq!(table.text(), expected);
        assert_eq!(Table::new(&["nothing"]).text(), "");
    }
}
