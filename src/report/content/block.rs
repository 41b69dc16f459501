//! The parts of a page, without a format: text with emphasis, tables, figures, cards. A rendering knows how each kind
//! looks; none knows what the report says.

use crate::report::chart::Chart;
use crate::slo::Attainment;

/// A stretch of text within a line.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) enum Span {
    Plain(String),
    Strong(String),
    /// Small print beside a number: its interval.
    Soft(String),
    /// A command or an identity, to be typed as it is.
    Code(String),
    /// An alarm.
    Loud(String),
}

/// A line of text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::report) struct Line(pub(in crate::report) Vec<Span>);

impl Line {
    pub(super) fn plain(self, text: impl Into<String>) -> Self {
        self.with(Span::Plain(text.into()))
    }

    pub(super) fn strong(self, text: impl Into<String>) -> Self {
        self.with(Span::Strong(text.into()))
    }

    pub(super) fn soft(self, text: impl Into<String>) -> Self {
        self.with(Span::Soft(text.into()))
    }

    pub(super) fn code(self, text: impl Into<String>) -> Self {
        self.with(Span::Code(text.into()))
    }

    pub(super) fn loud(self, text: impl Into<String>) -> Self {
        self.with(Span::Loud(text.into()))
    }

    fn with(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::default().plain(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::default().plain(text)
    }
}

/// A table. The first cell of a row is its heading.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Table {
    pub(in crate::report) caption: String,
    /// A heading that begins with `>` stands over a column of numbers.
    pub(in crate::report) columns: Vec<&'static str>,
    pub(in crate::report) rows: Vec<Vec<Line>>,
}

impl Table {
    pub(super) fn new(caption: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { caption: caption.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Line>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// A chart with the sentence below it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Figure {
    pub(in crate::report) chart: Chart,
    pub(in crate::report) caption: String,
    /// What the marks of the drawn chart mean; the one in letters explains its own.
    pub(in crate::report) marks: String,
    /// The chart in letters, for a rendering without pictures; the chart's description when `None`.
    pub(in crate::report) letters: Option<String>,
}

/// One objective at a glance.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Card {
    pub(in crate::report) title: String,
    pub(in crate::report) anchor: String,
    pub(in crate::report) verdict: Attainment,
    pub(in crate::report) figure: String,
    pub(in crate::report) text: String,
    /// Numbers beside it.
    pub(in crate::report) facts: Vec<(String, String)>,
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) enum Block {
    /// A heading within the section, with an anchor when something links to it.
    Heading(String, Option<String>),
    Text(Line),
    /// Small print.
    Note(Line),
    List(Vec<Line>),
    Table(Table),
    Figure(Box<Figure>),
    Cards(Vec<Card>),
    /// Words and what they mean.
    Terms(Vec<(String, String)>),
    /// What is to be typed, one command a line.
    Commands(Vec<String>),
}

impl Block {
    pub(super) fn heading(text: impl Into<String>) -> Self {
        Self::Heading(text.into(), None)
    }

    pub(super) fn text(line: impl Into<Line>) -> Self {
        Self::Text(line.into())
    }

    pub(super) fn note(line: impl Into<Line>) -> Self {
        Self::Note(line.into())
    }

    pub(super) fn figure(chart: impl Into<Chart>, caption: impl Into<String>) -> Self {
        let figure = Figure { chart: chart.into(), caption: caption.into(), marks: String::new(), letters: None };
        Self::Figure(Box::new(figure))
    }
}

/// One of the thirteen parts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Section {
    pub(in crate::report) anchor: &'static str,
    pub(in crate::report) title: &'static str,
    /// The title in the contents line.
    pub(in crate::report) short: &'static str,
    pub(in crate::report) blocks: Vec<Block>,
}
