//! Part five: when logins failed, were slow, or were not seen, one row per vantage and step.

use super::block::{Block, Figure, Section};
use super::charts;
use crate::model::Micros;
use crate::report::ReportModel;
use crate::report::format::{instant, span};
use crate::report::model::{CellState, FlowReport, FlowSeries, Head, TimelineRow};

/// Columns of the strip in letters at most.
const STRIP: usize = 96;

/// What each mark of the strip means, for who cannot tell its colours.
const MARKS: &str = "A low bar: all good. A bar of half the height: good but slow. From the top down, with a tooth: \
                     failed, the longer the larger the share. Dots: due, and nothing known. Blank: not due.";

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    for flow in &model.flows {
        blocks.push(Block::heading(flow.name.as_str()));
        blocks.push(Block::text(revisions(flow)));
        blocks.push(Block::Figure(Box::new(Figure {
            chart: charts::strip(flow, &model.head).into(),
            caption: format!("{}{}", flow.series.slow_rule, charts::zone_of(&model.head.period.zone)),
            marks: format!("One cell is {}. {MARKS}", span(flow.series.bins.width)),
            letters: letters(&flow.series, &model.head),
        })));
    }
    if blocks.is_empty() {
        blocks.push(Block::text("No flow was declared or run in this period."));
    }
    Section { anchor: "timeline", title: "When it failed", short: "Timeline", blocks }
}

fn revisions(flow: &FlowReport) -> super::Line {
    let mut line = super::Line::default();
    if let Some(interval) = flow.interval {
        line = line.plain(format!("Every {} from each vantage", span(interval)));
    } else {
        line = line.plain("No schedule was declared");
    }
    for (index, revision) in flow.revisions.iter().enumerate() {
        line = line.plain(if index == 0 { "; revision " } else { ", then " }).code(revision.as_str());
    }
    line.plain(".")
}

/// The strip in letters: the worst of the cells that share a column.
fn letters(series: &FlowSeries, head: &Head) -> Option<String> {
    let cells = series.bins.count as usize;
    let merged = cells.div_ceil(STRIP).max(1);
    let logins: Vec<&TimelineRow> = series.timeline.iter().filter(|row| row.step.is_none()).collect();
    let width = logins.iter().map(|row| row.vantage.as_str().len()).max()?;
    let letter = |cells: &[CellState]| {
        let any = |state| cells.contains(&state);
        match () {
            () if any(CellState::Failed) => 'X',
            () if any(CellState::Slow) => '~',
            () if any(CellState::Ok) => '.',
            () if any(CellState::NoData) => '?',
            () => ' ',
        }
    };
    let line = |row: &&TimelineRow| {
        let letters: String = row.cells.chunks(merged).map(letter).collect();
        format!("{:<width$} |{letters}|\n", row.vantage)
    };
    let lines: String = logins.iter().map(line).collect();
    let column = span(Micros(series.bins.width.0 * merged as u64));
    Some(format!(
        "Each column is {column} from {}: '.' all good, '~' slow, 'X' at least one failed, '?' due and nothing known, blank \
         not due.\n\n{lines}",
        instant(series.bins.start, &head.period.zone)
    ))
}
