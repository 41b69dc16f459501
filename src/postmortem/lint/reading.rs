//! A postmortem as it was read: blocks, the moments in each, what it says once for all its times, the timeline and
//! what it states of start, end and duration.

use jiff::tz::TimeZone;

use super::document::{self, Block, Shape};
use super::finding::Place;
use super::heading::Part;
use super::moment::{Defaults, Moment, Zone, moments};
use super::stated::Stated;
use super::timeline::Timeline;

/// A block and the moments in it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) block: Block,
    pub(super) moments: Vec<Moment>,
}

/// A postmortem as it was read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) blocks: Vec<Read>,
    pub(super) defaults: Defaults,
    /// Where the first zone stands.
    pub(super) zone: Option<Place>,
    pub(super) stated: Stated,
    pub(super) timeline: Timeline,
}

impl Reading {
    pub(super) fn of(markdown: &str) -> Self {
        let mut blocks: Vec<Read> =
            document::blocks(markdown).into_iter().map(|block| Read { moments: moments(&block.text), block }).collect();
        announced_zones(&mut blocks);
        let all = || blocks.iter().flat_map(|read| read.moments.iter().map(move |moment| (read, moment)));
        let year = all().filter_map(|(_, moment)| moment.date.as_ref()?.year).next().unwrap_or(1970);
        // Rather where it is written than where it holds.
        let written = |(read, moment): &(&Read, &Moment)| {
            let words = read.block.text.get(moment.range.clone()).unwrap_or_default();
            moment.zone().is_some_and(|zone| words.contains(&zone.written))
        };
        let zoned = all().find(written).or_else(|| all().find(|(_, moment)| moment.zone().is_some()));
        let zoned = zoned.and_then(|(read, m)| Some((read.block.place(&m.range), m.zone()?.clone())));
        let zone = zoned.as_ref().map_or(TimeZone::UTC, |(_, zone)| zone.zone.clone());
        let defaults = Defaults { zone, year };
        let first_date = all().find_map(|(_, moment)| moment.date.as_ref()?.date(year));
        let stated = Stated::of(&blocks, &defaults, first_date);
        let timeline = Timeline::of(&blocks, &defaults, stated.day().or(first_date));
        Self { zone: zoned.map(|(place, _)| place), blocks, defaults, stated, timeline }
    }

    /// Blocks of a part, without headings.
    pub(super) fn part(&self, part: Part) -> impl Iterator<Item = &Read> {
        self.blocks.iter().filter(move |read| read.block.is(part) && !read.block.is_heading())
    }

    /// Whether the document has a part at all.
    pub(super) fn has(&self, part: Part) -> bool {
        self.blocks.iter().any(|read| read.block.is(part))
    }
}

/// Gives zones that a heading, a table's head or "all times in UTC" announces to the times that they speak of.
fn announced_zones(blocks: &mut [Read]) {
    let mut everywhere: Option<Zone> = None;
    let mut section: Option<Zone> = None;
    let mut columns: Vec<Option<Zone>> = Vec::new();
    for read in blocks {
        let text = &read.block.text;
        match read.block.shape {
            Shape::Heading(_) => section = Zone::within(text),
            Shape::TableHead => columns = read.block.cells().into_iter().map(Zone::within).collect(),
            Shape::Row(_) => {}
            _ if says_all_times(text) => everywhere = Zone::within(text),
            _ => {}
        }
        let starts = cell_starts(&read.block);
        for moment in &mut read.moments {
            let column = starts.iter().rposition(|start| *start <= moment.range.start);
            let own = column.and_then(|column| columns.get(column).cloned().flatten());
            if let Some(time) = moment.time.as_mut().filter(|time| time.zone.is_none()) {
                time.zone = own.or_else(|| section.clone()).or_else(|| everywhere.clone());
            }
        }
    }
}

/// Where the cells of a row begin; nothing for what is no row.
fn cell_starts(block: &Block) -> Vec<usize> {
    if !matches!(block.shape, Shape::Row(_)) {
        return Vec::new();
    }
    std::iter::once(0).chain(block.text.match_indices(" | ").map(|(at, bar)| at + bar.len())).collect()
}

fn says_all_times(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("all times")
        || text.contains("times are")
        || text.contains("times in ")
        || text.contains("time zone:")
}
