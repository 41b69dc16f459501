//! HdrHistogram interval logs (`.hlog`, V2 compressed), as the standard HdrHistogram tools read them: one file per flow
//! and vantage, one histogram per interval, step and phase, in microseconds.
//!
//! Tags: `login` for the whole login of good runs, `login:failed` for that of others, `STEP:PHASE` for phases, and
//! `STEP:PHASE:cut` for phases that were cut off and took at least so long.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use jiff::Timestamp;

use crate::model::{FlowName, Run, RunKind, VantageName, Verdict};

/// One value in a thousand is the histograms' error bound.
const DIGITS: u8 = 3;
/// Longer than any run may take; longer values are counted here.
const LONGEST: u64 = 3_600_000_000;

/// The logs of one worker.
#[derive(Debug)]
pub struct IntervalLogs {
    folder: PathBuf,
    vantage: VantageName,
    since: Timestamp,
    flows: BTreeMap<FlowName, Log>,
}

#[derive(Debug, Default)]
struct Log {
    file: Option<File>,
    tags: BTreeMap<String, Histogram<u64>>,
}

impl IntervalLogs {
    /// Logs in `folder`, which is created. The first interval begins now.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(folder: &Path, vantage: VantageName, now: Timestamp) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), vantage, since: now, flows: BTreeMap::new() })
    }

    /// Counts a scheduled login; wrong-password runs are no logins, and extra probes would count bad times twice.
    pub fn observe(&mut self, run: &Run) {
        if run.kind != RunKind::Login || run.attempt > 0 || matches!(run.verdict, Verdict::Lost(_)) {
            return;
        }
        let log = self.flows.entry(run.flow.clone()).or_default();
        if let Some(time) = run.login_time() {
            log.count(if run.verdict == Verdict::Good { "login" } else { "login:failed" }, time.0);
        }
        for hop in &run.hops {
            let Some(step) = run.steps.get(usize::from(hop.step)) else { continue };
            for (phase, time) in hop.phases.iter() {
                let cut = if time.cut { ":cut" } else { "" };
                log.count(&format!("{}:{phase}{cut}", step.name), time.micros.0);
            }
        }
    }

    /// Writes the interval that ends now, and begins the next one.
    ///
    /// # Errors
    /// When a file cannot be written; the interval is lost then, the next one is tried again.
    pub fn flush(&mut self, now: Timestamp) -> io::Result<()> {
        let (since, folder, vantage) = (self.since, &self.folder, &self.vantage);
        self.since = now;
        let mut outcome = Ok(());
        for (flow, log) in &mut self.flows {
            let path = folder.join(format!("{flow}.{vantage}.hlog"));
            let tags = std::mem::take(&mut log.tags);
            if !tags.is_empty()
                && let Err(error) = log.write(&path, &tags, since, now)
            {
                log.file = None;
                outcome = Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
            }
        }
        outcome
    }
}

impl Log {
    fn count(&mut self, tag: &str, micros: u64) {
        if !self.tags.contains_key(tag)
            && let Ok(empty) = Histogram::new_with_bounds(1, LONGEST, DIGITS)
        {
            self.tags.insert(tag.to_owned(), empty);
        }
        if let Some(histogram) = self.tags.get_mut(tag) {
            histogram.saturating_record(micros);
        }
    }

    fn write(
        &mut self,
        path: &Path,
        tags: &BTreeMap<String, Histogram<u64>>,
        since: Timestamp,
        now: Timestamp,
    ) -> io::Result<()> {
        let mut lines = String::new();
        if self.file.is_none() {
            self.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
            lines.push_str(&head(since));
        }
        let length = now.duration_since(since).as_secs_f64().max(0.0);
        for (tag, histogram) in tags {
            let mut encoded = Vec::new();
            V2DeflateSerializer::new()
                .serialize(histogram, &mut encoded)
                .map_err(|error| io::Error::other(error.to_string()))?;
            let (start, max) = (seconds(since), histogram.max() as f64 / 1000.0);
            lines.push_str(&format!("Tag={tag},{start:.3},{length:.3},{max:.3},{}\n", STANDARD.encode(encoded)));
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(lines.as_bytes()))
    }
}

fn head(since: Timestamp) -> String {
    format!(
        "#[Written by doorstep: values in microseconds, Interval_Max in milliseconds]\n\
         #[Histogram log format version 1.3]\n\
         #[StartTime: {:.3} (seconds since epoch), {since}]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        seconds(since)
    )
}

fn seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use jiff::SignedDuration;

    use super::*;
    use crate::model::{Hop, LostClass, Micros, Phase, Phases, Revision, StepName, StepRecord, StepRole};

    fn run(wait: u64) -> Run {
        let slot: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let names = (FlowName::new("shop").unwrap(), VantageName::new("berlin").unwrap());
        let identity = (RunKind::Login, names.0, Revision::of(b"x"), names.1, slot);
        let mut phases = Phases::default();
        phases.finish(Phase::Wait, Micros(wait));
        let name = StepName::new("open").unwrap();
        let step = StepRecord {
            name,
            role: StepRole::Login,
            offset: Micros(0),
            micros: phases.total(),
            done: true,
            evidence: Vec::new(),
        };
        let hop = Hop {
            step: 0,
            method: "GET".to_owned(),
            url: String::new(),
            status: None,
            version: None,
            address: None,
            reused: false,
            offset: Micros(0),
            phases,
            body_bytes: 0,
        };
        let never = Run::never_began(identity, slot, LostClass::Aborted, String::new());
        Run { verdict: Verdict::Good, failure: None, steps: vec![step], hops: vec![hop], ..never }
    }

    #[test]
    fn what_was_counted_is_read_back_by_the_library_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        for life in 0..2 {
            let vantage = VantageName::new("berlin").unwrap();
            let mut logs = IntervalLogs::open(folder.path(), vantage, at(100 * life)).unwrap();
            for wait in [1_000, 2_000, 400_000] {
                logs.observe(&run(wait));
            }
            logs.flush(at(100 * life + 10)).unwrap();
            logs.flush(at(100 * life + 20)).unwrap();
        }
        let bytes = std::fs::read(folder.path().join("shop.berlin.hlog")).unwrap();
        let mut read = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            let encoded = STANDARD.decode(interval.encoded_histogram()).unwrap();
            let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut encoded.as_slice()).unwrap();
            let tag = interval.tag().unwrap().as_str().to_owned();
            read.push((tag, interval.start_timestamp().as_secs(), histogram.len(), histogram.max() / 1000));
            assert_eq!(interval.duration().as_secs(), 10);
        }
        let begin = u64::try_from(start.as_second()).unwrap();
        let expected = |tag: &str, life: u64| (tag.to_owned(), begin + 100 * life, 3, 400);
        let expected = [expected("login", 0), expected("open:wait", 0), expected("login", 1), expected("open:wait", 1)];
        assert_eq!(read, expected, "an interval without runs is not written");
    }
}
