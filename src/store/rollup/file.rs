//! Rollups as Parquet, which other tools read too.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use jiff::Timestamp;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use super::{Block, DAY, json};
use crate::history::{Chosen, Parts, Series};
use crate::model::{FlowName, RunKind, VantageName};
use crate::store::segment::{Group, SparseFile, guarded};
use crate::store::stamp::Stamp;

const VERSION: &str = "1";
const VERSION_KEY: &str = "doorstep.rollup";

const MESSAGE: &str = "message doorstep_rollup {
  required int64 start (TIMESTAMP(MICROS,true));
  required int32 seconds;
  required binary flow (STRING);
  required binary kind (STRING);
  required int64 runs;
  required binary stamp (STRING);
  required binary first_attempt (JSON);
  required binary best_attempt (JSON);
  required binary parts (JSON);
}";

static SCHEMA: LazyLock<TypePtr> =
    LazyLock::new(|| Arc::new(parse_message_type(MESSAGE).expect("the schema is a constant that tests parse")));

/// What is read of a rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Wanted {
    /// Also hours, not only days.
    pub(in crate::store) hours: bool,
    /// What was counted of slots.
    pub(in crate::store) chosen: bool,
    /// What runs said beside their outcomes.
    pub(in crate::store) parts: bool,
}

/// Writes blocks: days first, then hours. The same blocks give the same bytes.
pub(in crate::store) fn encode(blocks: &[Block]) -> Result<Bytes, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by("doorstep".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(vec![KeyValue::new(VERSION_KEY.to_owned(), VERSION.to_owned())]));
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::clone(&SCHEMA), Arc::new(properties.build()))?;
    for blocks in blocks.chunk_by(|a, b| a.length == b.length) {
        let mut group = writer.next_row_group()?;
        write_group(&mut group, blocks)?;
        group.close()?;
    }
    Ok(Bytes::from(writer.into_inner()?))
}

fn write_group(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, blocks: &[Block]) -> Result<(), ParquetError> {
    let failed = |error: serde_json::Error| ParquetError::General(error.to_string());
    let json = |of: &dyn Fn(&Block) -> Result<String, serde_json::Error>| {
        blocks.iter().map(|block| of(block).map(|json| text(&json)).map_err(failed)).collect::<Result<Vec<_>, _>>()
    };
    column::<Int64Type>(group, &blocks.iter().map(|block| block.start.as_microsecond()).collect::<Vec<_>>())?;
    column::<Int32Type>(group, &blocks.iter().map(|block| (block.length / 1_000_000) as i32).collect::<Vec<_>>())?;
    column::<ByteArrayType>(group, &blocks.iter().map(|block| text(block.series.flow.as_str())).collect::<Vec<_>>())?;
    column::<ByteArrayType>(group, &blocks.iter().map(|block| text(block.series.kind.as_str())).collect::<Vec<_>>())?;
    column::<Int64Type>(group, &blocks.iter().map(|block| block.stamp.runs().cast_signed()).collect::<Vec<_>>())?;
    column::<ByteArrayType>(group, &blocks.iter().map(|block| text(&block.stamp.sum())).collect::<Vec<_>>())?;
    column::<ByteArrayType>(group, &json(&|block| json::chosen(&block.first_attempt))?)?;
    // Where nobody tried again, which is mostly so, it is the same.
    column::<ByteArrayType>(
        group,
        &json(&|block| match block.best_attempt == block.first_attempt {
            true => Ok("null".to_owned()),
            false => json::chosen(&block.best_attempt),
        })?,
    )?;
    column::<ByteArrayType>(group, &json(&|block| json::parts(&block.parts))?)
}

fn column<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[T::T]) -> Result<(), ParquetError> {
    let next = group.next_column()?;
    let mut column = next.ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

fn text(text: &str) -> ByteArray {
    ByteArray::from(text)
}

/// Reads blocks back, with those of their parts that are wanted, and empty ones for the others. `None` for anything that
/// is no good rollup of `runs` runs: then the runs themselves are read.
pub(in crate::store) fn decode(content: Bytes, vantage: &VantageName, runs: u64, wanted: Wanted) -> Option<Vec<Block>> {
    let file = Arc::new(SparseFile::whole(content));
    let read = guarded(|| {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&*file)?;
        let pairs = metadata.file_metadata().key_value_metadata();
        let version = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == VERSION_KEY)?.value.as_deref());
        if version != Some(VERSION) {
            return Ok(None);
        }
        let mut blocks = Vec::new();
        for (index, group) in metadata.row_groups().iter().enumerate() {
            if index == 0 || wanted.hours {
                let group = Group::new(&file, group)?;
                let Some(read) = read_group(&group, vantage, wanted)? else { return Ok(None) };
                blocks.extend(read);
            }
        }
        Ok(Some(blocks))
    });
    let blocks = read.ok().flatten()?;
    let whole = |length: i64| {
        let of_length = blocks.iter().filter(|block| block.length == length);
        of_length.map(|block| block.stamp.runs()).sum::<u64>() == runs
    };
    (whole(DAY) && (!wanted.hours || whole(super::HOUR))).then_some(blocks)
}

fn read_group(
    group: &Group<'_>,
    vantage: &VantageName,
    wanted: Wanted,
) -> Result<Option<Vec<Block>>, crate::store::SegmentError> {
    let (starts, seconds) = (group.required::<Int64Type>("start")?, group.required::<Int32Type>("seconds")?);
    let (flows, kinds) = (group.required::<ByteArrayType>("flow")?, group.required::<ByteArrayType>("kind")?);
    let (runs, stamps) = (group.required::<Int64Type>("runs")?, group.required::<ByteArrayType>("stamp")?);
    let texts = |path: &str, wanted: bool| {
        if wanted { group.required::<ByteArrayType>(path) } else { Ok(vec![ByteArray::from("null"); starts.len()]) }
    };
    let (first, best) = (texts("first_attempt", wanted.chosen)?, texts("best_attempt", wanted.chosen)?);
    let parts = texts("parts", wanted.parts)?;
    let block = |row: usize| {
        let series = Series {
            flow: FlowName::new(utf8(&flows[row])?).ok()?,
            kind: RunKind::from_spelling(utf8(&kinds[row])?)?,
            vantage: vantage.clone(),
        };
        let first_attempt = if wanted.chosen { json::read_chosen(utf8(&first[row])?)? } else { Chosen::default() };
        let best_attempt = match utf8(&best[row])? {
            "null" => first_attempt.clone(),
            text => json::read_chosen(text)?,
        };
        Some(Block {
            series,
            start: Timestamp::from_microsecond(starts[row]).ok()?,
            length: i64::from(seconds[row]) * 1_000_000,
            first_attempt,
            best_attempt,
            parts: if wanted.parts { json::read_parts(utf8(&parts[row])?)? } else { Parts::default() },
            stamp: Stamp::from_parts(runs[row].cast_unsigned(), utf8(&stamps[row])?)?,
        })
    };
    Ok((0..starts.len()).map(block).collect())
}

fn utf8(text: &ByteArray) -> Option<&str> {
    std::str::from_utf8(text.data()).ok()
}
