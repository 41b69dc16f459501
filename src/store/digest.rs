//! Many runs in a moment: outcomes without their runs, and what was counted of compacted days, with the runs themselves
//! only where neither says enough. Whoever adds up all pieces has what reading every run would have given.
//!
//! A partition is digested when each of its runs lies in one compacted file, and each file has a good rollup; runs of
//! hours that the range cuts are read themselves. Every other partition is read run by run.

use std::sync::Arc;

use futures_util::StreamExt;
use jiff::Timestamp;

use super::error::Error;
use super::fetch::{Opened, Source};
use super::filter::RunFilter;
use super::objects::Store;
use super::partition::Partition;
use super::read::{ReadSummary, Tally};
use super::rollup::{self, Block, DAY, HOUR, Wanted, floor};
use super::segment::{Columns, Row, Selection};
use super::stamp::Stamp;
use crate::history::{Ledger, Series};
use crate::model::{FlowName, RunKind};

/// A part of what a range of slots holds. No run is told by two pieces, but for what [`Piece::Note`] says.
#[derive(Debug)]
pub enum Piece {
    /// A run: its outcome, and what it says beside.
    Row(Row),
    /// All outcomes of one series in a part of time.
    Outcomes(Series, Ledger),
    /// What was counted of one series in an hour or a day, beside the outcomes.
    Counted(Box<Block>),
    /// A run whose outcome [`Piece::Outcomes`] tells: only what it says beside.
    Note(Row),
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// Every outcome. Without it, runs are only told where nothing was counted of them.
    pub outcomes: bool,
    /// [`Block::parts`], and the steps and hops of runs.
    pub parts: bool,
    /// [`Block::first_attempt`] and [`Block::best_attempt`].
    pub chosen: bool,
}

/// A range of slots.
type Range = (Timestamp, Timestamp);

impl Store {
    /// Hands the pieces of all runs with a slot in `from..to` to `each`.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn digest(
        &self,
        (from, to): Range,
        want: Digest,
        each: &mut (dyn FnMut(Piece) + Send),
    ) -> Result<ReadSummary, Error> {
        let selection = Selection { filter: RunFilter::between(from, to), id: None };
        let columns = if want.parts { Columns::Timings } else { Columns::Summary };
        let mut spooled = self.read_spools(&selection, columns).await?;
        let mut partitions = self.partitions(&selection.filter).await?;
        partitions.extend(spooled.keys().cloned());
        let mut tally = Tally::default();
        let work = partitions.into_iter().map(|partition| {
            let rows = spooled.remove(&partition).unwrap_or_default();
            async move {
                let digested =
                    if rows.is_empty() { self.digest_partition(&partition, (from, to), want).await? } else { None };
                Ok::<_, Error>((partition, rows, digested))
            }
        });
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut digested = std::pin::pin!(futures_util::stream::iter(work).buffered(cores));
        while let Some(next) = digested.next().await {
            let (partition, rows, digested) = next?;
            if let Some((pieces, stamp)) = digested {
                tally.add(stamp);
                pieces.into_iter().for_each(&mut *each);
            } else {
                let each_row = &mut |row| each(Piece::Row(row));
                let count = &mut |told| tally.count(told, each_row);
                self.read_partition(&partition, rows, &selection, columns, count).await?;
                tally.partition_done();
            }
        }
        Ok(tally.summary())
    }

    /// The pieces of a partition and their stamp; `None` when it has to be read run by run.
    async fn digest_partition(
        &self,
        partition: &Partition,
        range: Range,
        want: Digest,
    ) -> Result<Option<(Vec<Piece>, Stamp)>, Error> {
        match self.try_digest(partition, range, want).await {
            // Somebody compacts the day at this moment.
            Err(error) if error.is_gone() => Ok(None),
            done => done,
        }
    }

    async fn try_digest(
        &self,
        partition: &Partition,
        (from, to): Range,
        want: Digest,
    ) -> Result<Option<(Vec<Piece>, Stamp)>, Error> {
        let listing = self.listing(partition).await?;
        if !listing.is_settled() {
            return Ok(None);
        }
        let (mut pieces, mut stamp) = (Vec::new(), Stamp::default());
        for (key, object) in listing.days.iter().filter(|(key, _)| key.first_slot() < to && from <= key.last_slot()) {
            let midnight = floor(key.first_slot(), DAY);
            let cut = midnight < from || to < rollup::moved(midnight, DAY);
            let wanted = Wanted { hours: cut, chosen: want.chosen, parts: want.parts };
            let opened = Arc::new(self.open_file(object).await?);
            let Some(series) = opened.reader.series() else { return Ok(None) };
            let Some(blocks) = self.rollup_of(&key.rollup(), &opened, partition, wanted).await? else {
                return Ok(None);
            };
            // A day that is not cut is told by its own rows, a cut one by its whole hours.
            let length = if cut { HOUR } else { DAY };
            let whole = |block: &Block| block.length == length && from <= block.start && block.end() <= to;
            for block in blocks.into_iter().filter(whole) {
                stamp.merge(block.stamp);
                pieces.push(Piece::Counted(Box::new(block)));
            }
            if want.outcomes {
                pieces.extend(self.outcomes_of(&opened, series, partition, (from, to)).await?);
            }
            for range in cut_hours(from, to).filter(|_| cut) {
                self.read_cut(&opened, range, want, &mut pieces, &mut stamp).await?;
            }
        }
        Ok(Some((pieces, stamp)))
    }

    /// What was counted of a file; `None` when that is not there or no good.
    async fn rollup_of(
        &self,
        key: &str,
        opened: &Arc<Opened>,
        (vantage, _): &Partition,
        wanted: Wanted,
    ) -> Result<Option<Vec<Block>>, Error> {
        let content = match self.get(key).await {
            Ok(content) => content,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error),
        };
        let vantage = vantage.clone();
        let decode = move |opened: &Opened| {
            let runs = opened.reader.slots().into_iter().map(|(_, runs)| runs).sum();
            Ok(rollup::decode(content, &vantage, runs, wanted))
        };
        self.decode(Arc::clone(opened), decode).await
    }

    /// The outcomes of a file, by series.
    async fn outcomes_of(
        &self,
        opened: &Arc<Opened>,
        series: Vec<(FlowName, RunKind)>,
        (vantage, _): &Partition,
        (from, to): Range,
    ) -> Result<Vec<Piece>, Error> {
        let everything = Selection { filter: RunFilter::between(from, to), id: None };
        let groups = opened.reader.groups(&everything);
        let ranges = groups.iter().flat_map(|&group| opened.reader.outcome_ranges(group)).collect();
        let file = self.with_ranges(opened, ranges).await?;
        let vantage = vantage.clone();
        let decode = move |opened: &Opened| {
            let of_group = |&group: &usize| {
                let (flow, kind) = series[group].clone();
                let runs = opened.reader.outcomes(&file, group, from, to)?;
                Ok(Piece::Outcomes(Series { flow, kind, vantage: vantage.clone() }, runs))
            };
            groups.iter().map(of_group).collect()
        };
        self.decode(Arc::clone(opened), decode).await
    }

    /// The runs of an hour that the range cuts.
    async fn read_cut(
        &self,
        opened: &Arc<Opened>,
        (from, to): Range,
        want: Digest,
        pieces: &mut Vec<Piece>,
        stamp: &mut Stamp,
    ) -> Result<(), Error> {
        let selection = Selection { filter: RunFilter::between(from, to), id: None };
        let columns = if want.parts { Columns::Timings } else { Columns::Summary };
        for group in opened.reader.groups(&selection) {
            for row in self.load(&Source::Group(Arc::clone(opened), group), &selection, columns).await? {
                stamp.add(&row.run, row.login_time);
                pieces.push(if want.outcomes { Piece::Note(row) } else { Piece::Row(row) });
            }
        }
        Ok(())
    }
}

/// The parts of a range at its ends that are no whole hours.
fn cut_hours(from: Timestamp, to: Timestamp) -> impl Iterator<Item = Range> {
    let (first_whole, last_whole) = (ceiling(from), floor(to, HOUR));
    let ranges = if first_whole <= last_whole {
        vec![(from, first_whole), (last_whole, to)]
    } else {
        // All of it lies within one hour.
        vec![(from, to)]
    };
    ranges.into_iter().filter(|(from, to)| from < to)
}

/// The first whole hour at or after an instant.
fn ceiling(instant: Timestamp) -> Timestamp {
    let below = floor(instant, HOUR);
    if below == instant { instant } else { rollup::moved(below, HOUR) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_and_what_is_whole_are_all() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let cut = |from: &str, to: &str| cut_hours(time(from), time(to)).collect::<Vec<_>>();
        let [one, two, half, last] =
            ["2026-11-23T01:00:00Z", "2026-11-23T02:00:00Z", "2026-11-23T01:30:00Z", "2026-11-23T01:59:59Z"];
        assert_eq!(cut(one, two), []);
        assert_eq!(cut(half, last), [(time(half), time(last))]);
        assert_eq!(cut(half, two), [(time(half), time(two))]);
        assert_eq!(cut(one, half), [(time(one), time(half))]);
        let next = "2026-11-24T05:10:00Z";
        assert_eq!(cut(half, next), [(time(half), time(two)), (time("2026-11-24T05:00:00Z"), time(next))]);
        assert_eq!(cut("1969-12-31T23:30:00Z", "1970-01-01T00:00:00Z").len(), 1);
    }
}
