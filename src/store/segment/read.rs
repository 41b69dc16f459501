//! The bytes of a segment into runs, reading no column that is not asked for.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::data_type::FixedLenByteArrayType;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::assemble::{read_hops, read_runs, read_steps};
use super::columns::{Group, find};
use super::sparse::SparseFile;
use super::{Columns, schema};
use crate::model::{Micros, Phase, Run, RunId};
use crate::store::error::SegmentError;
use crate::store::filter::RunFilter;

/// A run as it was read: with those of its parts that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The run.
    pub run: Run,
    /// Its login time, which [`Run::login_time`] can only tell when the steps were read.
    pub login_time: Option<Micros>,
}

impl Row {
    /// The row that reading `run` from a segment would give.
    pub(in crate::store) fn of(mut run: Run, columns: Columns) -> Self {
        let login_time = run.login_time();
        if columns < Columns::Steps {
            run.steps.clear();
        }
        if columns < Columns::Timings {
            run.hops.clear();
        }
        if columns < Columns::Everything {
            run.steps.iter_mut().for_each(|step| step.evidence.clear());
            for hop in &mut run.hops {
                hop.method.clear();
                hop.url.clear();
                (hop.version, hop.address) = (None, None);
            }
        }
        Self { run, login_time }
    }
}

/// Which runs are wanted.
#[derive(Debug, Clone)]
pub(in crate::store) struct Selection {
    pub(in crate::store) filter: RunFilter,
    /// Only the run with this id.
    pub(in crate::store) id: Option<RunId>,
}

impl Selection {
    /// Whether a run is wanted.
    pub(in crate::store) fn admits(&self, run: &Run) -> bool {
        self.id.is_none_or(|id| id == run.id) && self.filter.admits(run)
    }
}

/// A segment's footer, read and checked.
#[derive(Debug)]
pub(in crate::store) struct Reader {
    metadata: ParquetMetaData,
}

impl Reader {
    /// Reads the footer, which must be among the parts of `file`.
    pub(in crate::store) fn open(file: &SparseFile) -> Result<Self, SegmentError> {
        let metadata = guarded(|| Ok(ParquetMetaDataReader::new().parse_and_finish(file)?))?;
        let pairs = metadata.file_metadata().key_value_metadata();
        let version =
            pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == schema::VERSION_KEY)?.value.as_deref());
        match version.map(str::parse::<u32>) {
            Some(Ok(version)) if version <= schema::VERSION => Ok(Self { metadata }),
            Some(_) => {
                Err(SegmentError::Newer { found: version.unwrap_or_default().to_owned(), known: schema::VERSION })
            }
            None => Err(SegmentError::MissingColumn(schema::VERSION_KEY.to_owned())),
        }
    }

    /// The row groups that may hold wanted rows, in the order of the file.
    pub(in crate::store) fn groups(&self, selection: &Selection) -> Vec<usize> {
        let all = self.metadata.row_groups().iter().enumerate();
        all.filter(|(_, group)| may_hold(group, &selection.filter)).map(|(index, _)| index).collect()
    }

    /// The slots of each row group, first and last, as its statistics tell them, and its rows.
    pub(in crate::store) fn slots(&self) -> Vec<(Option<(i64, i64)>, u64)> {
        let rows = |group: &RowGroupMetaData| u64::try_from(group.num_rows()).unwrap_or(0);
        self.metadata.row_groups().iter().map(|group| (slots_of(group), rows(group))).collect()
    }

    /// The byte ranges that [`Reader::rows`] will need of a row group.
    pub(in crate::store) fn ranges(&self, group: usize, columns: Columns) -> Vec<Range<u64>> {
        self.ranges_of(group, &wanted(columns))
    }

    /// The byte ranges of these columns of a row group.
    pub(super) fn ranges_of(&self, group: usize, paths: &[String]) -> Vec<Range<u64>> {
        let Some(group) = self.metadata.row_groups().get(group) else { return Vec::new() };
        let columns = paths.iter().filter_map(|path| find(group, path));
        let ranges = columns.map(|column| {
            let (start, length) = column.byte_range();
            start..start.saturating_add(length)
        });
        ranges.collect()
    }

    pub(super) fn group(&self, group: usize) -> Option<&RowGroupMetaData> {
        self.metadata.row_groups().get(group)
    }

    /// The value that a text column has in all rows of a row group, when its statistics say so.
    pub(super) fn single(&self, group: usize, column: &str) -> Option<&str> {
        single_text(self.group(group)?, column)
    }

    /// The wanted rows of one row group, in the segment's order.
    pub(in crate::store) fn rows(
        &self,
        file: &Arc<SparseFile>,
        group: usize,
        selection: &Selection,
        columns: Columns,
    ) -> Result<Vec<Row>, SegmentError> {
        guarded(|| {
            let mut rows = Vec::new();
            if let Some(group) = self.metadata.row_groups().get(group) {
                read_group(&Group::new(file, group)?, selection, columns, &mut rows)?;
            }
            Ok(rows)
        })
    }

    /// The wanted rows of a file that is here whole.
    pub(in crate::store) fn all_rows(
        &self,
        file: SparseFile,
        selection: &Selection,
        columns: Columns,
    ) -> Result<Vec<Row>, SegmentError> {
        let file = Arc::new(file);
        let mut rows = Vec::new();
        for group in self.groups(selection) {
            rows.extend(self.rows(&file, group, selection, columns)?);
        }
        Ok(rows)
    }
}

/// Runs a decoder. The Parquet layer checks what it reads, but not all of it: some damaged bytes make it panic, which is
/// an error of this segment and nothing more.
pub(in crate::store) fn guarded<T>(decode: impl FnOnce() -> Result<T, SegmentError>) -> Result<T, SegmentError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(SegmentError::Decoder(text.unwrap_or("it panicked").to_owned()))
    })
}

/// The paths of all columns that are read for `columns`.
fn wanted(columns: Columns) -> Vec<String> {
    const RUN: [&str; 17] = [
        "run_id",
        "kind",
        "flow",
        "revision",
        "vantage",
        "slot",
        "attempt",
        "started",
        "elapsed_us",
        "lag_us",
        "verdict",
        "class",
        "failure_step",
        "failure_phase",
        "failure_message",
        "account",
        "login_time_us",
    ];
    let mut paths: Vec<String> = RUN.map(str::to_owned).to_vec();
    if columns >= Columns::Steps {
        paths.extend(["name", "role", "offset_us", "network_us", "done"].map(schema::step_path));
    }
    if columns >= Columns::Timings {
        paths.extend(["step", "status", "reused", "offset_us", "body_bytes", "cut"].map(schema::hop_path));
        paths.extend(Phase::ALL.iter().map(|&phase| phase_path(phase)));
    }
    if columns >= Columns::Everything {
        paths.push(schema::step_path("evidence"));
        paths.extend(["method", "url", "version", "address"].map(schema::hop_path));
    }
    paths
}

/// The dotted path of a phase's column.
pub(super) fn phase_path(phase: Phase) -> String {
    schema::hop_path(&format!("{phase}_us"))
}

/// Whether the statistics allow a row group to hold a chosen run.
fn may_hold(group: &RowGroupMetaData, filter: &RunFilter) -> bool {
    let in_range = slots_of(group)
        .is_none_or(|(first, last)| first < filter.to.as_microsecond() && last >= filter.from.as_microsecond());
    let flow = single_text(group, "flow").and_then(|flow| flow.parse().ok());
    in_range && flow.is_none_or(|flow| filter.flows.is_empty() || filter.flows.contains(&flow))
}

/// The first and the last slot of a row group, as its statistics tell them.
fn slots_of(group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let Some(Statistics::Int64(slots)) = find(group, "slot").and_then(|column| column.statistics()) else {
        return None;
    };
    Some((*slots.min_opt()?, *slots.max_opt()?))
}

/// The value that a text column has in all rows of a row group, when its statistics say so.
fn single_text<'a>(group: &'a RowGroupMetaData, column: &str) -> Option<&'a str> {
    let Some(Statistics::ByteArray(texts)) = find(group, column).and_then(|column| column.statistics()) else {
        return None;
    };
    let exact = texts.min_is_exact() && texts.max_is_exact();
    let (min, max) = (texts.min_opt()?.data(), texts.max_opt()?.data());
    if exact && min == max { std::str::from_utf8(min).ok() } else { None }
}

fn read_group(
    group: &Group<'_>,
    selection: &Selection,
    columns: Columns,
    rows: &mut Vec<Row>,
) -> Result<(), SegmentError> {
    let ids = group
        .required::<FixedLenByteArrayType>("run_id")?
        .iter()
        .map(|id| {
            id.data().try_into().map(RunId::from_bytes).map_err(|_| SegmentError::ColumnType("run_id".to_owned()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if selection.id.is_some_and(|id| !ids.contains(&id)) {
        return Ok(());
    }
    let first = rows.len();
    let mut places = Vec::new();
    for (place, row) in read_runs(group, &ids)?.into_iter().enumerate() {
        if selection.admits(&row.run) {
            places.push(place);
            rows.push(row);
        }
    }
    let kept = &mut rows[first..];
    if columns >= Columns::Steps && !kept.is_empty() {
        let (counts, steps) = read_steps(group, columns)?;
        distribute(&counts, steps, &places, kept, |run| &mut run.steps);
    }
    if columns >= Columns::Timings && !kept.is_empty() {
        let (counts, hops) = read_hops(group, columns)?;
        distribute(&counts, hops, &places, kept, |run| &mut run.hops);
    }
    Ok(())
}

/// Gives each kept row, which stands at `places` in its group, the elements that are its own.
fn distribute<E>(
    counts: &[usize],
    elements: Vec<E>,
    places: &[usize],
    kept: &mut [Row],
    part: impl Fn(&mut Run) -> &mut Vec<E>,
) {
    let mut elements = elements.into_iter();
    let mut kept = places.iter().zip(kept).peekable();
    for (place, &count) in counts.iter().enumerate() {
        let own = elements.by_ref().take(count);
        match kept.next_if(|(wanted, _)| **wanted == place) {
            Some((_, row)) => *part(&mut row.run) = own.collect(),
            None => own.for_each(drop),
        }
    }
}
