//! A postmortem as it was read: blocks, the moments in each, what it says once for all its times, the timeline and
//! what it states of start, end and duration.

use jiff::civil::Date;
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
    /// The day of times that name none, outside of the timeline.
    pub(super) day: Option<Date>,
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
        let day = stated.day().or(first_date);
        let timeline = Timeline::of(&blocks, &defaults, day);
        Self { zone: zoned.map(|(place, _)| place), blocks, defaults, stated, timeline, day }
    }

    /// Blocks of a part, without headings.
    pub(super) fn part(&self, part: Part) -> impl Iterator<Item = &Read> {
        self.blocks.iter().filter(move |read| read.block.is(part) && !read.block.is_heading())
    }

    /// Whether the document has a part at all.
    pub(super) fn has(&self, part: Part) -> bool {
        self.blocks.iter().any(|read| read.block.is(part) || read.block.covers.contains(&part))
    }
}

/// Gives zones that a heading, a table's head or "all times in UTC" announces to the times that they speak of.
fn announced_zones(blocks: &mut [Read]) {
    // Said once, it holds for what stands above it too, until something else is said.
    let mut everywhere: Option<Zone> =
        blocks.iter().filter(|read| says_all_times(&read.block.text)).find_map(|read| Zone::within(&read.block.text));
    let mut sections: Vec<(usize, Zone)> = Vec::new();
    let mut columns: Vec<Option<Zone>> = Vec::new();
    for read in blocks {
        let text = &read.block.text;
        match read.block.shape {
            Shape::Heading(level) => {
                sections.retain(|(outer, _)| *outer < level);
                // The zone of a time in a heading is that time's own.
                if let Some(zone) = Zone::within(text).filter(|_| read.moments.iter().all(|m| m.time.is_none())) {
                    sections.push((level, zone));
                }
            }
            Shape::TableHead => columns = read.block.cells().into_iter().map(Zone::within).collect(),
            Shape::Row(_) => {}
            _ if says_all_times(text) || announces_times(read) => everywhere = Zone::within(text).or(everywhere),
            _ => {}
        }
        let section = sections.last().map(|(_, zone)| zone);
        let starts = cell_starts(&read.block);
        for time in read.moments.iter_mut().filter_map(|moment| moment.time.as_mut()).filter(|time| time.zone.is_none())
        {
            let column = starts.iter().rposition(|start| *start <= time.range.start);
            let own = column.and_then(|column| columns.get(column).cloned().flatten());
            time.zone = own.or_else(|| section.cloned()).or_else(|| everywhere.clone());
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

/// "Timeline (CEST):" or "5 June 2024, CEST" before the lines that it is said of.
fn announces_times(read: &Read) -> bool {
    let block = &read.block;
    let day = read.moments.iter().any(|moment| moment.date.is_some()) && block.text.split_whitespace().count() < 8;
    let label = block.text.trim_end().ends_with(':') && block.label.is_some();
    block.is(Part::Timeline)
        && read.moments.iter().all(|m| m.time.is_none())
        && (day || label)
        && Zone::within(&block.text).is_some()
}

fn says_all_times(text: &str) -> bool {
    let text = text.to_lowercase();
    let said = ["all times", "all timestamps", "times are", "times in ", "time zone:", "timezone:"];
    said.iter().any(|words| text.contains(words))
}
