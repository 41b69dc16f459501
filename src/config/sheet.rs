//! CSV text to cells that know their place, row by row. Knows nothing of what a sheet means.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::diagnostic::{Findings, Origin, Place, Problem};
use super::suggest::{quote, suggest};
use super::view::read_text;

/// A cell and its place.
#[derive(Debug, Clone)]
pub(super) struct Cell<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) place: Place,
}

/// A sheet with a header.
pub(super) struct Sheet<'t> {
    file: Arc<Path>,
    text: &'t str,
    header: Vec<String>,
}

impl<'t> Sheet<'t> {
    /// Reads the header, which must have one of each group of `needed` columns; other names than those and `optional`
    /// ones are mistakes.
    pub(super) fn new(
        file: &Arc<Path>,
        text: &'t str,
        needed: &[&[&str]],
        optional: &[&str],
        findings: &mut Findings,
    ) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let sheet = Self { file: Arc::clone(file), text, header: Vec::new() };
        let Some((_, first)) = sheet.lines().next() else {
            findings.error(&sheet.place(0, 0), "the file is empty: its first line must name the columns");
            return None;
        };
        let cells = sheet.cells(1, first);
        let header: Vec<String> = cells.iter().map(|cell| cell.text.trim().to_lowercase()).collect();
        let known: Vec<&str> = needed.iter().flat_map(|group| group.iter()).chain(optional).copied().collect();
        let mut right = true;
        for (cell, name) in cells.iter().zip(&header) {
            if !known.contains(&name.as_str()) {
                let problem = Problem::new(format!("unknown column {}", quote(name)));
                findings.error(&cell.place, problem.maybe_help(suggest(name, known.iter().copied())));
                right = false;
            }
        }
        for group in needed.iter().filter(|group| !group.iter().any(|name| header.iter().any(|one| one == name))) {
            let problem = Problem::new(format!("there is no column '{}'", group.join("' or '")))
                .help(format!("the first line names the columns: {}", known.join(",")));
            findings.error(&sheet.place(1, 1), problem);
            right = false;
        }
        right.then_some(Self { header, ..sheet })
    }

    /// The place of the whole sheet.
    pub(super) fn whole(&self) -> Place {
        self.place(0, 0)
    }

    /// Each row after the header, with its place. Rows of another number of cells are mistakes.
    pub(super) fn rows(&self, findings: &mut Findings, mut each: impl FnMut(&Row<'_, 't>, &mut Findings)) {
        for (line, text) in self.lines().skip(1) {
            let cells = self.cells(line, text);
            if cells.len() != self.header.len() {
                let problem = Problem::new(format!("the row has {} cells", cells.len())).help(format!(
                    "the header has {}: {}",
                    self.header.len(),
                    self.header.join(",")
                ));
                findings.error(&self.place(line, 1), problem);
                continue;
            }
            each(&Row { header: &self.header, place: self.place(line, 1), cells }, findings);
        }
    }

    /// Lines with something on them, numbered from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &'t str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim().is_empty())
    }

    fn place(&self, line: usize, column: usize) -> Place {
        Place { origin: Origin::File(Arc::clone(&self.file)), line, column }
    }

    /// The cells of a line, by RFC 4180; a cell may not reach over its line.
    fn cells(&self, line: usize, text: &'t str) -> Vec<Cell<'t>> {
        let mut cells = Vec::new();
        let (mut rest, mut column) = (text, 1);
        loop {
            let (cell, taken) = match rest.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
                    let end = rest.find(',').unwrap_or(rest.len());
                    (Cow::Borrowed(rest[..end].trim()), end)
                }
            };
            cells.push(Cell { text: cell, place: self.place(line, column) });
            column += rest[..taken].chars().count() + 1;
            match rest.get(taken..).and_then(|after| after.strip_prefix(',')) {
                Some(after) => rest = after,
                None => return cells,
            }
        }
    }
}

/// The text of a quoted cell, whose first quote was taken, and how much of the line it took with both quotes and what
/// stands before the next comma.
fn unquoted(text: &str) -> (Cow<'static, str>, usize) {
    let (mut cell, mut at) = (String::new(), 0);
    while let Some(quote) = text[at..].find('"') {
        cell.push_str(&text[at..at + quote]);
        at += quote + 1;
        if !text[at..].starts_with('"') {
            let end = text[at..].find(',').map_or(text.len(), |comma| at + comma);
            return (Cow::Owned(cell), end + 1);
        }
        cell.push('"');
        at += 1;
    }
    cell.push_str(&text[at..]);
    (Cow::Owned(cell), text.len() + 1)
}

/// One row.
pub(super) struct Row<'s, 't> {
    header: &'s [String],
    pub(super) place: Place,
    cells: Vec<Cell<'t>>,
}

impl<'t> Row<'_, 't> {
    /// A cell by its column; `None` when there is no such column, or nothing in it.
    pub(super) fn get(&self, name: &str) -> Option<&Cell<'t>> {
        let index = self.header.iter().position(|one| one == name)?;
        self.cells.get(index).filter(|cell| !cell.text.is_empty())
    }

    /// A value that must be there; a mistake is noted at its place.
    pub(super) fn read<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        findings: &mut Findings,
    ) -> Option<T> {
        if self.get(name).is_none() {
            findings.error(&self.place, format!("the row says nothing in the column '{name}'"));
            return None;
        }
        self.maybe(name, parse, findings)
    }

    /// A value that may be left out; a mistake is noted at its place.
    pub(super) fn maybe<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        findings: &mut Findings,
    ) -> Option<T> {
        let cell = self.get(name)?;
        read_text(&cell.text, &cell.place, false, parse, findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_know_their_column() {
        let file: Arc<Path> = Arc::from(Path::new("a.csv"));
        let mut findings = Findings::default();
        let text = "\u{feff}a,b\r\n\"x, \"\"y\"\"\" , z\r\n\r\né,\r\n";
        let sheet = Sheet::new(&file, text, &[&["a"], &["b"]], &[], &mut findings).unwrap();
        let mut seen = Vec::new();
        sheet.rows(&mut findings, |row, _| {
            let cells = row.cells.iter().map(|cell| (cell.text.to_string(), cell.place.line, cell.place.column));
            seen.push(cells.collect::<Vec<_>>());
        });
        let cell = |text: &str, line, column| (text.to_owned(), line, column);
        assert_eq!(seen, [vec![cell("x, \"y\"", 2, 1), cell("z", 2, 13)], vec![cell("é", 4, 1), cell("", 4, 3)]]);
        assert!(findings.no_errors());
    }
}
