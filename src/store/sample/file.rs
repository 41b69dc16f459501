//! One object of samples: the gzip of JSON lines. Knows no store.
//!
//! ```text
//! file    = header *section
//! header  = {"doorstep":"samples","version":1,"vantage":..,"sections":[{"database":..,"server":..,"first":..,"last":..,
//!            "samples":..},..]}
//! section = a line for each sample of one server, in the order of slots: the first one whole, as [sample]; each further
//!           one as what differs from the line before it (grammar: `patch`)
//! ```
//! A sample of a busy pair takes 41 bytes, which is 880 as plain JSON. The same samples give the same bytes. A section
//! tells its slots, so that a reader of a few minutes passes over the rest.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::patch;
use crate::model::{DatabaseName, Sample, ServerName, VantageName};
use crate::store::error::SegmentError;

/// The newest version of the format.
const VERSION: u32 = 1;
const FORMAT: &str = "samples";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    doorstep: String,
    version: u32,
    vantage: Option<VantageName>,
    sections: Vec<Section>,
}

#[derive(Deserialize)]
struct Version {
    doorstep: String,
    version: u32,
}

/// The samples of one server within a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Section {
    pub(super) database: DatabaseName,
    pub(super) server: ServerName,
    /// The slot of its first sample.
    pub(super) first: Timestamp,
    /// The slot of its last sample.
    pub(super) last: Timestamp,
    samples: u64,
}

impl Section {
    /// Whether it may hold samples of a slot in `from..to`.
    pub(super) fn meets(&self, from: Timestamp, to: Timestamp) -> bool {
        self.first < to && from <= self.last
    }
}

/// Encodes samples of one vantage, each once, sorted by database, server and slot.
pub(in crate::store) fn pack(samples: &[Sample]) -> Result<Bytes, SegmentError> {
    let sections: Vec<&[Sample]> =
        samples.chunk_by(|a, b| (&a.database, &a.server) == (&b.database, &b.server)).collect();
    let header = Header {
        doorstep: FORMAT.to_owned(),
        version: VERSION,
        vantage: samples.first().map(|sample| sample.vantage.clone()),
        sections: sections.iter().filter_map(|samples| described(samples)).collect(),
    };
    let mut lines = line(&header)?;
    for samples in sections {
        let mut before = None;
        for sample in samples {
            let after = serde_json::to_value(sample).map_err(bad(0))?;
            let told = match &before {
                None => patch::whole(&after),
                Some(before) => {
                    patch::difference(before, &after).unwrap_or_else(|| Value::Object(serde_json::Map::new()))
                }
            };
            lines.extend(line(&told)?);
            before = Some(after);
        }
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(&lines).and_then(|()| encoder.finish());
    packed.map(Bytes::from).map_err(|source| SegmentError::Gzip(Arc::new(source)))
}

fn described(samples: &[Sample]) -> Option<Section> {
    let (first, last) = (samples.first()?, samples.last()?);
    Some(Section {
        database: first.database.clone(),
        server: first.server.clone(),
        first: first.slot,
        last: last.slot,
        samples: samples.len() as u64,
    })
}

fn line(content: &impl Serialize) -> Result<Vec<u8>, SegmentError> {
    let mut line = serde_json::to_vec(content).map_err(bad(0))?;
    line.push(b'\n');
    Ok(line)
}

/// An object whose header is known.
#[derive(Debug, Clone)]
pub(super) struct SampleFile {
    pub(super) sections: Vec<Section>,
    content: Bytes,
}

impl SampleFile {
    /// Reads the header.
    pub(super) fn open(content: Bytes) -> Result<Self, SegmentError> {
        let mut lines = Lines::of(&content);
        let header = lines.next()?;
        let Version { doorstep, version } = serde_json::from_slice(header).map_err(bad(1))?;
        if doorstep != FORMAT {
            return Err(SegmentError::Value { column: "doorstep", value: doorstep });
        }
        if version > VERSION {
            return Err(SegmentError::Newer { found: version.to_string(), known: VERSION });
        }
        let header: Header = serde_json::from_slice(header).map_err(bad(1))?;
        Ok(Self { sections: header.sections, content })
    }

    /// Hands out the samples with a slot in `from..to` of the sections that are wanted, in their order.
    pub(super) fn read(
        &self,
        wanted: impl Fn(&Section) -> bool,
        (from, to): (Timestamp, Timestamp),
        each: &mut impl FnMut(Sample),
    ) -> Result<(), SegmentError> {
        let mut lines = Lines::of(&self.content);
        lines.next()?;
        for section in &self.sections {
            let reads = section.meets(from, to) && wanted(section);
            let mut value = Value::Null;
            for _ in 0..section.samples {
                let line = lines.next()?;
                if !reads {
                    continue;
                }
                let told = serde_json::from_slice(line).map_err(bad(lines.number))?;
                patch::amend(&mut value, told).ok_or(SegmentError::Patch { line: lines.number })?;
                let slot = Timestamp::deserialize(&value["slot"]).map_err(bad(lines.number))?;
                if from <= slot && slot < to {
                    each(Sample::deserialize(&value).map_err(bad(lines.number))?);
                }
            }
        }
        // The end of the gzip holds its checksum.
        if lines.next()?.is_empty() { Ok(()) } else { Err(SegmentError::Length("samples".to_owned())) }
    }
}

/// All samples of a file.
pub(in crate::store) fn unpack(content: Bytes) -> Result<Vec<Sample>, SegmentError> {
    let mut samples = Vec::new();
    let everything = (Timestamp::MIN, Timestamp::MAX);
    SampleFile::open(content)?.read(|_| true, everything, &mut |sample| samples.push(sample))?;
    Ok(samples)
}

/// The lines of a file, one at a time.
struct Lines<'a> {
    text: BufReader<GzDecoder<&'a [u8]>>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    fn of(content: &'a [u8]) -> Self {
        Self { text: BufReader::new(GzDecoder::new(content)), line: Vec::new(), number: 0 }
    }

    /// The next line; one that is missing is empty, which is no JSON.
    fn next(&mut self) -> Result<&[u8], SegmentError> {
        self.line.clear();
        self.number += 1;
        let read = self.text.read_until(b'\n', &mut self.line);
        read.map_err(|source| SegmentError::Gzip(Arc::new(source)))?;
        Ok(&self.line)
    }
}

fn bad(line: u64) -> impl Fn(serde_json::Error) -> SegmentError {
    move |source| SegmentError::Line { line, source: Arc::new(source) }
}
