//! Runs into the bytes of a segment. The same set of runs gives the same bytes, in whatever order it comes.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::schema;
use crate::model::{Hop, Micros, Phase, Run, StepRecord};

/// Rows of one row group: few enough to decode in a moment, many enough to compress.
const ROWS_PER_GROUP: usize = 65_536;

/// Encodes runs as one segment. Runs with the same id are written once.
pub(in crate::store) fn encode(runs: &[Run]) -> Result<Bytes, ParquetError> {
    let mut rows: Vec<&Run> = runs.iter().collect();
    rows.sort_by_key(|run| (run.slot, run.id));
    rows.dedup_by_key(|run| run.id);
    encode_groups(rows.chunks(ROWS_PER_GROUP))
}

/// Sorts runs as a compacted day holds them: by flow, kind, slot and attempt.
pub(in crate::store) fn sort_as_day(runs: &mut [Run]) {
    runs.sort_unstable_by(|a, b| (&a.flow, a.kind, a.slot, a.attempt).cmp(&(&b.flow, b.kind, b.slot, b.attempt)));
}

/// Encodes runs, each once and sorted as [`sort_as_day`] does, as a compacted day: each row group of one flow and kind.
pub(in crate::store) fn encode_day(runs: &[Run]) -> Result<Bytes, ParquetError> {
    let rows: Vec<&Run> = runs.iter().collect();
    let series = rows.chunk_by(|a, b| a.flow == b.flow && a.kind == b.kind);
    encode_groups(series.flat_map(|rows| rows.chunks(ROWS_PER_GROUP)))
}

fn encode_groups<'a>(groups: impl Iterator<Item = &'a [&'a Run]>) -> Result<Bytes, ParquetError> {
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::clone(&schema::SCHEMA), Arc::new(schema::properties()))?;
    for rows in groups {
        let mut group = writer.next_row_group()?;
        let mut sink = Sink { group: &mut group, rows };
        write_run_columns(&mut sink)?;
        write_step_columns(&mut sink)?;
        write_hop_columns(&mut sink)?;
        group.close()?;
    }
    Ok(Bytes::from(writer.into_inner()?))
}

/// In the order of the schema.
fn write_run_columns<W: Write + Send>(sink: &mut Sink<'_, '_, W>) -> Result<(), ParquetError> {
    sink.required::<FixedLenByteArrayType>(|run| FixedLenByteArray::from(run.id.as_bytes().to_vec()))?;
    sink.required::<ByteArrayType>(|run| text(run.kind.as_str()))?;
    sink.required::<ByteArrayType>(|run| text(run.flow.as_str()))?;
    sink.required::<ByteArrayType>(|run| text(run.revision.as_str()))?;
    sink.required::<ByteArrayType>(|run| text(run.vantage.as_str()))?;
    sink.required::<Int64Type>(|run| run.slot.as_microsecond())?;
    sink.required::<Int32Type>(|run| i32::from(run.attempt))?;
    sink.required::<Int64Type>(|run| run.started.as_microsecond())?;
    sink.required::<Int64Type>(|run| micros(run.elapsed))?;
    sink.required::<Int64Type>(|run| micros(run.lag))?;
    sink.required::<ByteArrayType>(|run| text(run.verdict.as_str()))?;
    sink.optional::<ByteArrayType>(|run| run.verdict.class().map(text))?;
    sink.optional::<ByteArrayType>(|run| run.failure.as_ref()?.step.as_ref().map(|step| text(step.as_str())))?;
    sink.optional::<ByteArrayType>(|run| run.failure.as_ref()?.phase.map(|phase| text(phase.as_str())))?;
    sink.optional::<ByteArrayType>(|run| run.failure.as_ref().map(|failure| text(&failure.message)))?;
    sink.optional::<ByteArrayType>(|run| run.account.as_ref().map(|account| text(account.as_str())))?;
    sink.optional::<Int64Type>(|run| run.login_time().map(micros))
}

fn write_step_columns<W: Write + Send>(sink: &mut Sink<'_, '_, W>) -> Result<(), ParquetError> {
    sink.of_steps::<ByteArrayType>(|step| text(step.name.as_str()))?;
    sink.of_steps::<ByteArrayType>(|step| text(step.role.as_str()))?;
    sink.of_steps::<Int64Type>(|step| micros(step.offset))?;
    sink.of_steps::<Int64Type>(|step| micros(step.micros))?;
    sink.of_steps::<BoolType>(|step| step.done)?;
    sink.of_steps::<ByteArrayType>(|step| text(&serde_json::Value::from(step.evidence.clone()).to_string()))
}

fn write_hop_columns<W: Write + Send>(sink: &mut Sink<'_, '_, W>) -> Result<(), ParquetError> {
    sink.of_hops::<Int32Type>(|hop| i32::from(hop.step))?;
    sink.of_hops::<ByteArrayType>(|hop| text(&hop.method))?;
    sink.of_hops::<ByteArrayType>(|hop| text(&hop.url))?;
    sink.of_hops_optional::<Int32Type>(|hop| hop.status.map(i32::from))?;
    sink.of_hops_optional::<ByteArrayType>(|hop| hop.version.map(|version| text(version.as_str())))?;
    sink.of_hops_optional::<ByteArrayType>(|hop| hop.address.map(|address| text(&address.to_string())))?;
    sink.of_hops::<BoolType>(|hop| hop.reused)?;
    sink.of_hops::<Int64Type>(|hop| micros(hop.offset))?;
    sink.of_hops::<Int64Type>(|hop| hop.body_bytes.cast_signed())?;
    for &phase in Phase::ALL {
        sink.of_hops_optional::<Int64Type>(|hop| hop.phases.get(phase).map(|time| micros(time.micros)))?;
    }
    sink.of_hops_optional::<ByteArrayType>(cut_phases)
}

fn cut_phases(hop: &Hop) -> Option<ByteArray> {
    let cut: Vec<&str> = hop.phases.iter().filter(|(_, time)| time.cut).map(|(phase, _)| phase.as_str()).collect();
    (!cut.is_empty()).then(|| text(&cut.join(",")))
}

fn text(text: &str) -> ByteArray {
    ByteArray::from(text)
}

/// Parquet's unsigned 64-bit integers are stored in the bits of signed ones.
fn micros(micros: Micros) -> i64 {
    micros.0.cast_signed()
}

/// Writes one column after the other, each from a function of the run or of its parts.
struct Sink<'a, 'g, W: Write + Send> {
    group: &'a mut SerializedRowGroupWriter<'g, W>,
    rows: &'a [&'a Run],
}

impl<W: Write + Send> Sink<'_, '_, W> {
    fn required<T: DataType>(&mut self, value: impl Fn(&Run) -> T::T) -> Result<(), ParquetError> {
        let values: Vec<T::T> = self.rows.iter().map(|run| value(run)).collect();
        self.column::<T>(&values, None, None)
    }

    fn optional<T: DataType>(&mut self, value: impl Fn(&Run) -> Option<T::T>) -> Result<(), ParquetError> {
        let mut values = Vec::new();
        let mut definitions = Vec::with_capacity(self.rows.len());
        for run in self.rows {
            let value = value(run);
            definitions.push(i16::from(value.is_some()));
            values.extend(value);
        }
        self.column::<T>(&values, Some(&definitions), None)
    }

    fn of_steps<T: DataType>(&mut self, value: impl Fn(&StepRecord) -> T::T) -> Result<(), ParquetError> {
        self.list::<T, _>(|run| &run.steps, |step| Some(value(step)))
    }

    fn of_hops<T: DataType>(&mut self, value: impl Fn(&Hop) -> T::T) -> Result<(), ParquetError> {
        self.list::<T, _>(|run| &run.hops, |hop| Some(value(hop)))
    }

    fn of_hops_optional<T: DataType>(&mut self, value: impl Fn(&Hop) -> Option<T::T>) -> Result<(), ParquetError> {
        self.nullable_list::<T, _>(|run| &run.hops, value)
    }

    /// A list of required values: definition level 0 is an empty list, 1 a value.
    fn list<T: DataType, E>(
        &mut self,
        elements: impl Fn(&Run) -> &[E],
        value: impl Fn(&E) -> Option<T::T>,
    ) -> Result<(), ParquetError> {
        self.levelled::<T, E>(elements, value, 1)
    }

    /// A list of optional values: definition level 0 is an empty list, 1 a null, 2 a value.
    fn nullable_list<T: DataType, E>(
        &mut self,
        elements: impl Fn(&Run) -> &[E],
        value: impl Fn(&E) -> Option<T::T>,
    ) -> Result<(), ParquetError> {
        self.levelled::<T, E>(elements, value, 2)
    }

    fn levelled<T: DataType, E>(
        &mut self,
        elements: impl Fn(&Run) -> &[E],
        value: impl Fn(&E) -> Option<T::T>,
        present: i16,
    ) -> Result<(), ParquetError> {
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        for run in self.rows {
            let elements = elements(run);
            if elements.is_empty() {
                definitions.push(0);
                repetitions.push(0);
            }
            for (index, element) in elements.iter().enumerate() {
                let value = value(element);
                definitions.push(if value.is_some() { present } else { 1 });
                repetitions.push(i16::from(index > 0));
                values.extend(value);
            }
        }
        self.column::<T>(&values, Some(&definitions), Some(&repetitions))
    }

    fn column<T: DataType>(
        &mut self,
        values: &[T::T],
        definitions: Option<&[i16]>,
        repetitions: Option<&[i16]>,
    ) -> Result<(), ParquetError> {
        let mut column = self
            .group
            .next_column()?
            .ok_or_else(|| ParquetError::General("more columns written than the schema has".to_owned()))?;
        column.typed::<T>().write_batch(values, definitions, repetitions)?;
        column.close()
    }
}
