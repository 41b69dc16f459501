//! Whole columns of one row group, decoded into vectors, with every shape checked: a segment may come from anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use parquet::column::reader::{get_column_reader, get_typed_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::sparse::SparseFile;
use crate::store::error::SegmentError;

/// The columns of one row group.
pub(in crate::store) struct Group<'a> {
    file: &'a Arc<SparseFile>,
    metadata: &'a RowGroupMetaData,
    rows: usize,
}

/// A list column: how many elements each row has, and all elements.
pub(super) struct List<V> {
    /// Per row.
    pub(super) counts: Vec<usize>,
    /// Of all rows.
    pub(super) values: Vec<V>,
}

struct Levelled<V> {
    values: Vec<V>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

/// The column with this dotted path.
pub(super) fn find<'a>(metadata: &'a RowGroupMetaData, path: &str) -> Option<&'a ColumnChunkMetaData> {
    let matches =
        |column: &&ColumnChunkMetaData| path.split('.').eq(column.column_path().parts().iter().map(String::as_str));
    metadata.columns().iter().find(matches)
}

impl<'a> Group<'a> {
    pub(in crate::store) fn new(
        file: &'a Arc<SparseFile>,
        metadata: &'a RowGroupMetaData,
    ) -> Result<Self, SegmentError> {
        let rows = usize::try_from(metadata.num_rows()).map_err(|_| SegmentError::Length("run_id".to_owned()))?;
        Ok(Self { file, metadata, rows })
    }

    /// One value per row.
    pub(in crate::store) fn required<T: DataType>(&self, path: &str) -> Result<Vec<T::T>, SegmentError> {
        let column = self.read::<T>(path, 0, 0)?;
        if column.values.len() != self.rows {
            return Err(SegmentError::Length(path.to_owned()));
        }
        Ok(column.values)
    }

    /// One value or null per row.
    pub(super) fn optional<T: DataType>(&self, path: &str) -> Result<Vec<Option<T::T>>, SegmentError> {
        let column = self.read::<T>(path, 1, 0)?;
        if column.definitions.len() != self.rows {
            return Err(SegmentError::Length(path.to_owned()));
        }
        let mut values = column.values.into_iter();
        Ok(column.definitions.iter().map(|&level| if level == 1 { values.next() } else { None }).collect())
    }

    /// Any number of values per row.
    pub(super) fn list<T: DataType>(&self, path: &str) -> Result<List<T::T>, SegmentError> {
        let column = self.read::<T>(path, 1, 1)?;
        let counts = self.counts(path, &column)?;
        if counts.iter().sum::<usize>() != column.values.len() {
            return Err(SegmentError::Length(path.to_owned()));
        }
        Ok(List { counts, values: column.values })
    }

    /// Any number of values or nulls per row.
    pub(super) fn nullable_list<T: DataType>(&self, path: &str) -> Result<List<Option<T::T>>, SegmentError> {
        let column = self.read::<T>(path, 2, 1)?;
        let counts = self.counts(path, &column)?;
        let mut values = column.values.into_iter();
        let elements = column.definitions.iter().filter(|&&level| level > 0);
        let values = elements.map(|&level| if level == 2 { values.next() } else { None }).collect();
        Ok(List { counts, values })
    }

    /// How many elements each row has.
    fn counts<V>(&self, path: &str, column: &Levelled<V>) -> Result<Vec<usize>, SegmentError> {
        let mut counts = Vec::with_capacity(self.rows);
        for (&definition, &repetition) in column.definitions.iter().zip(&column.repetitions) {
            if repetition == 0 {
                counts.push(0);
            }
            if let (true, Some(count)) = (definition > 0, counts.last_mut()) {
                *count += 1;
            }
        }
        if counts.len() == self.rows { Ok(counts) } else { Err(SegmentError::Length(path.to_owned())) }
    }

    fn read<T: DataType>(&self, path: &str, definition: i16, repetition: i16) -> Result<Levelled<T::T>, SegmentError> {
        let column = find(self.metadata, path).ok_or_else(|| SegmentError::MissingColumn(path.to_owned()))?;
        let described = column.column_descr();
        let as_described = described.physical_type() == T::get_physical_type()
            && described.max_def_level() == definition
            && described.max_rep_level() == repetition;
        if !as_described {
            return Err(SegmentError::ColumnType(path.to_owned()));
        }
        let pages = SerializedPageReader::new(Arc::clone(self.file), column, self.rows, None)?;
        let mut reader = get_typed_column_reader::<T>(get_column_reader(column.column_descr_ptr(), Box::new(pages)));
        let mut read = Levelled { values: Vec::new(), definitions: Vec::new(), repetitions: Vec::new() };
        let mut records = 0;
        while records < self.rows {
            let (more, _, levels) = reader.read_records(
                self.rows - records,
                Some(&mut read.definitions),
                Some(&mut read.repetitions),
                &mut read.values,
            )?;
            if more == 0 && levels == 0 {
                break;
            }
            records += more;
        }
        Ok(read)
    }
}

/// Texts that repeat, each turned into its value once.
pub(super) struct Interner<V> {
    column: &'static str,
    parse: fn(&str) -> Option<V>,
    known: HashMap<Vec<u8>, V>,
    last: Option<(ByteArray, V)>,
}

impl<V: Clone> Interner<V> {
    pub(super) fn new(column: &'static str, parse: fn(&str) -> Option<V>) -> Self {
        Self { column, parse, known: HashMap::new(), last: None }
    }

    /// The value of a text.
    pub(super) fn get(&mut self, text: &ByteArray) -> Result<V, SegmentError> {
        if let Some((last, value)) = &self.last
            && last.data() == text.data()
        {
            return Ok(value.clone());
        }
        let value = match self.known.get(text.data()) {
            Some(value) => value.clone(),
            None => {
                let value =
                    std::str::from_utf8(text.data()).ok().and_then(self.parse).ok_or_else(|| self.refuse(text))?;
                self.known.insert(text.data().to_vec(), value.clone());
                value
            }
        };
        self.last = Some((text.clone(), value.clone()));
        Ok(value)
    }

    /// The value of a text that may be absent.
    pub(super) fn get_optional(&mut self, text: Option<&ByteArray>) -> Result<Option<V>, SegmentError> {
        text.map(|text| self.get(text)).transpose()
    }

    fn refuse(&self, text: &ByteArray) -> SegmentError {
        SegmentError::Value { column: self.column, value: String::from_utf8_lossy(text.data()).into_owned() }
    }
}
