//! Segments: what goes in comes out, and nothing else is taken for one.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use proptest::prelude::*;

use super::*;
use crate::model::{Run, RunId};
use crate::store::error::SegmentError;
use crate::store::filter::RunFilter;
use crate::store::{arbitrary, record};

fn everything() -> Selection {
    Selection { filter: RunFilter::everything(), id: None }
}

fn decode(bytes: &Bytes, selection: &Selection, columns: Columns) -> Result<Vec<Row>, SegmentError> {
    let file = SparseFile::whole(bytes.clone());
    Reader::open(&file)?.all_rows(file, selection, columns)
}

fn by_id(runs: &[Run]) -> BTreeMap<RunId, Run> {
    let mut all = BTreeMap::new();
    for run in runs {
        all.entry(run.id).or_insert_with(|| run.clone());
    }
    all
}

fn distinct(runs: &[Run]) -> Vec<Run> {
    by_id(runs).into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn runs_survive_the_journal(run in arbitrary::run()) {
        prop_assert_eq!(record::decode(&record::encode(&run).unwrap()).unwrap(), run);
    }

    #[test]
    fn runs_survive_a_segment(runs in prop::collection::vec(arbitrary::run(), 0..20)) {
        let runs = distinct(&runs);
        let bytes = encode(&runs).unwrap();
        for columns in [Columns::Summary, Columns::Steps, Columns::Timings, Columns::Everything] {
            let rows = decode(&bytes, &everything(), columns).unwrap();
            let slots: Vec<_> = rows.iter().map(|row| row.run.slot).collect();
            prop_assert!(slots.is_sorted());
            let read: BTreeMap<_, _> = rows.into_iter().map(|row| (row.run.id, row)).collect();
            let expected: BTreeMap<_, _> = runs.iter().map(|run| (run.id, Row::of(run.clone(), columns))).collect();
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn the_same_runs_give_the_same_bytes(
        (runs, shuffled) in prop::collection::vec(arbitrary::run(), 0..10).prop_map(|runs| distinct(&runs))
            .prop_flat_map(|runs| (Just(runs.clone()), Just(runs).prop_shuffle())),
    ) {
        prop_assert_eq!(encode(&runs).unwrap(), encode(&shuffled).unwrap());
    }

    #[test]
    fn a_selection_keeps_each_run_whole(runs in prop::collection::vec(arbitrary::run(), 1..20), pick: prop::sample::Index) {
        let runs = distinct(&runs);
        let wanted = pick.get(&runs);
        let filter = RunFilter {
            from: wanted.slot,
            flows: vec![wanted.flow.clone()],
            vantages: vec![wanted.vantage.clone()],
            kinds: vec![wanted.kind],
            ..RunFilter::everything()
        };
        let bytes = encode(&runs).unwrap();
        let rows = decode(&bytes, &Selection { filter: filter.clone(), id: None }, Columns::Everything).unwrap();
        let read: BTreeMap<_, _> = rows.into_iter().map(|row| (row.run.id, row.run)).collect();
        let expected: Vec<Run> = runs.iter().filter(|run| filter.admits(run)).cloned().collect();
        prop_assert_eq!(read, by_id(&expected));
        let one = Selection { filter: RunFilter::everything(), id: Some(wanted.id) };
        let found = decode(&bytes, &one, Columns::Everything).unwrap();
        prop_assert_eq!(found.into_iter().map(|row| row.run).collect::<Vec<_>>(), vec![wanted.clone()]);
    }

    #[test]
    fn the_wanted_parts_of_a_file_are_enough(runs in prop::collection::vec(arbitrary::run(), 1..20)) {
        let bytes = encode(&distinct(&runs)).unwrap();
        for columns in [Columns::Summary, Columns::Timings] {
            let size = bytes.len() as u64;
            let mut file = SparseFile::empty(size);
            file.add(size - 8, bytes.slice(bytes.len() - 8..));
            let footer = file.footer(size).unwrap();
            file.add(footer.start, bytes.slice(footer.start as usize..));
            let reader = Reader::open(&SparseFile::whole(bytes.clone())).unwrap();
            for range in reader.groups(&everything()).into_iter().flat_map(|group| reader.ranges(group, columns)) {
                file.add(range.start, bytes.slice(range.start as usize..range.end as usize));
            }
            prop_assert_eq!(reader.all_rows(file, &everything(), columns).unwrap(), decode(&bytes, &everything(), columns).unwrap());
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_or_the_truth(
        runs in prop::collection::vec(arbitrary::run(), 1..5), place: prop::sample::Index, bit in 0..8_u8,
    ) {
        let runs = distinct(&runs);
        let mut bytes = encode(&runs).unwrap().to_vec();
        let cut = place.index(bytes.len());
        prop_assert!(decode(&Bytes::copy_from_slice(&bytes[..cut]), &everything(), Columns::Everything).is_err());
        bytes[cut] ^= 1 << bit;
        // Pages carry no checksum that the reader could hold them to; what must not happen is a panic.
        if let Err(error) = decode(&Bytes::from(bytes), &everything(), Columns::Everything) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

fn foreign(version: Option<&str>, message: &str) -> Bytes {
    let pairs = version.map(|version| vec![KeyValue::new("doorstep.format".to_owned(), version.to_owned())]);
    let properties = WriterProperties::builder().set_key_value_metadata(pairs).build();
    let schema = Arc::new(parquet::schema::parser::parse_message_type(message).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<parquet::data_type::Int32Type>().write_batch(&[1], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let message =
        |version, schema| decode(&foreign(version, schema), &everything(), Columns::Summary).unwrap_err().to_string();
    let other = "message other { required int32 run_id; }";
    assert_eq!(
        message(Some("2"), other),
        "the segment has format version 2, and this version of Doorstep reads up to 1; upgrade Doorstep"
    );
    assert_eq!(message(None, other), "the column 'doorstep.format' is missing");
    assert_eq!(message(Some("1"), other), "the column 'run_id' has another type or nesting than this format says");
    assert_eq!(message(Some("1"), "message other { required int32 x; }"), "the column 'run_id' is missing");
}
