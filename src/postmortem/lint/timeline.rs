//! The timeline: its entries resolved to instants one after the other, as a reader would. Where the writing leaves the
//! day open, what was assumed is kept.

use jiff::Timestamp;
use jiff::civil::Date;

use super::claim;
use super::document::Shape;
use super::finding::Place;
use super::heading::Part;
use super::moment::{Defaults, Moment};
use super::reading::Read;
use super::stated::{day_of, seconds};

/// An entry of the timeline.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// The words of its time.
    pub(super) time: Place,
    pub(super) text: String,
    pub(super) at: Timestamp,
    pub(super) moment: Moment,
    /// The clock went back without a date, so that another day was assumed.
    pub(super) assumed_day: bool,
}

/// The timeline.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    pub(super) entries: Vec<Entry>,
    /// Entries without a time that can be read.
    pub(super) unread: Vec<Place>,
    /// Whether no date stands anywhere before or in it.
    pub(super) dateless: bool,
}

impl Timeline {
    pub(super) fn of(blocks: &[Read], defaults: &Defaults, start: Option<Date>) -> Self {
        let mut timeline = Self { dateless: start.is_none(), ..Self::default() };
        let mut day = start.unwrap_or(Date::constant(1970, 1, 1));
        // Below an entry that is a heading, and below a day that is a list item, indented lines are told otherwise.
        let (mut below_entry, mut below_day) = (false, false);
        for read in blocks.iter().filter(|read| read.block.is(Part::Timeline)) {
            let moment = beginning(read);
            if read.block.is_heading() {
                below_entry = moment.is_some_and(|moment| moment.time.is_some());
            } else if matches!(read.block.shape, Shape::Item(indent) if indent < 2) {
                below_day = moment.is_some_and(|moment| moment.time.is_none());
            }
            if let Some(own) = read.moments.first().filter(|moment| moment.date.is_some() && moment.time.is_none())
                && (read.block.is_heading() || moment.is_some())
            {
                day = own.day(Some(day), defaults).unwrap_or(day);
                let exists = own.date.as_ref().is_some_and(super::moment::WrittenDate::exists);
                if exists {
                    continue;
                }
            }
            let entry = match read.block.shape {
                Shape::Item(indent) => indent < 2 || below_day,
                Shape::Row(_) => true,
                Shape::Paragraph | Shape::Heading(_) => moment.is_some(),
                Shape::TableHead => false,
            };
            if !entry || read.block.text.to_lowercase().contains("all times") {
                continue;
            }
            match moment.filter(|m| m.time.is_some()).and_then(|m| timeline.resolved(read, m, day, defaults)) {
                Some((entry, new_day)) => {
                    timeline.entries.push(entry);
                    day = new_day;
                }
                None if below_entry && moment.is_none() => {}
                None => timeline.unread.push(read.block.whole()),
            }
        }
        timeline
    }

    /// The entry, and the day that entries after it lie on unless they say otherwise.
    fn resolved(&self, read: &Read, moment: &Moment, day: Date, defaults: &Defaults) -> Option<(Entry, Date)> {
        let mut own = moment.day(Some(day), defaults)?;
        let mut at = moment.on(own, defaults)?;
        let back = self.entries.last().is_some_and(|last| at < last.at);
        let assumed_day = back && moment.date.is_none();
        if assumed_day {
            own = own.tomorrow().ok()?;
            at = moment.on(own, defaults)?;
        }
        let text = read.block.text.get(moment.range.end..).unwrap_or_default();
        let text = text.trim_start_matches([':', ' ', '-', '–', '—', '|', ']']).to_owned();
        let entry = Entry {
            place: read.block.whole(),
            time: read.block.place(&moment.range),
            text,
            at,
            moment: moment.clone(),
            assumed_day,
        };
        Some((entry, own))
    }

    /// The entry that says that the service worked again for good: the first one after the last relapse. What only tells
    /// others that it was over comes later, and counts where nothing else says it.
    pub(super) fn restored(&self) -> Option<&Entry> {
        let (mut told, mut restored) = (None, None);
        for entry in &self.entries {
            if claim::relapsed(&entry.text) {
                (told, restored) = (None, None);
            } else if claim::restored(&entry.text) {
                let kept = if claim::announced(&entry.text) { &mut told } else { &mut restored };
                kept.get_or_insert(entry);
            }
        }
        restored.or(told)
    }

    /// The first entry that may tell of the beginning.
    pub(super) fn began(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| claim::began(&entry.text))
    }

    /// The first entry that says that it was noticed.
    pub(super) fn detected(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| claim::detected(&entry.text))
    }

    /// Pairs of neighbours with the seconds between them.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&Entry, &Entry, f64)> {
        self.entries.windows(2).map(|pair| (&pair[0], &pair[1], seconds(pair[0].at, pair[1].at)))
    }

    /// The day of an entry as its own zone, or the document's, counts it.
    pub(super) fn day(entry: &Entry, defaults: &Defaults) -> Date {
        day_of(entry.at, entry.moment.zone().map_or(&defaults.zone, |zone| &zone.zone))
    }
}

/// The moment with which a block begins; in a row, that of its first cells.
fn beginning(read: &Read) -> Option<&Moment> {
    let latest = match read.block.shape {
        Shape::Row(_) => read.block.text.match_indices(" | ").nth(FIRST_CELLS - 1).map_or(usize::MAX, |(at, _)| at),
        _ => LATEST_START,
    };
    read.moments.first().filter(|moment| moment.range.start < latest)
}

/// An entry begins with its time: at most a word and a bracket stand before it.
const LATEST_START: usize = 12;

/// Numbers, days and times stand in the first cells of a row.
const FIRST_CELLS: usize = 2;
