//! The outcomes of a row group that holds one series in order: few columns, straight into a ledger, without a run ever
//! being made.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};

use super::assemble::{micros, small, timestamp, verdict};
use super::columns::{Group, Interner};
use super::read::{Reader, guarded};
use super::sparse::SparseFile;
use crate::history::{Ledger, Outcome, end_of};
use crate::model::{FlowName, Phase, RunKind, StepName, Verdict};
use crate::store::error::SegmentError;

const COLUMNS: [&str; 9] =
    ["slot", "attempt", "started", "elapsed_us", "verdict", "class", "failure_step", "failure_phase", "login_time_us"];

impl Reader {
    /// The flow and kind of each row group; `None` when one holds several, as no compacted day does.
    pub(in crate::store) fn series(&self) -> Option<Vec<(FlowName, RunKind)>> {
        let one = |group: usize| {
            let (flow, kind) = (self.single(group, "flow")?, self.single(group, "kind")?);
            Some((flow.parse().ok()?, RunKind::from_spelling(kind)?))
        };
        (0..self.slots().len()).map(one).collect()
    }

    /// The byte ranges that [`Reader::outcomes`] will need.
    pub(in crate::store) fn outcome_ranges(&self, group: usize) -> Vec<Range<u64>> {
        self.ranges_of(group, &COLUMNS.map(str::to_owned))
    }

    /// The outcomes of one row group with a slot in `from..to`.
    pub(in crate::store) fn outcomes(
        &self,
        file: &Arc<SparseFile>,
        group: usize,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Ledger, SegmentError> {
        guarded(|| match self.group(group) {
            Some(metadata) => read(&Group::new(file, metadata)?, from, to),
            None => Ok(Ledger::default()),
        })
    }
}

fn read(group: &Group<'_>, from: Timestamp, to: Timestamp) -> Result<Ledger, SegmentError> {
    let (slots, attempts) = (group.required::<Int64Type>("slot")?, group.required::<Int32Type>("attempt")?);
    let (started, elapsed) = (group.required::<Int64Type>("started")?, group.required::<Int64Type>("elapsed_us")?);
    let verdicts = group.required::<ByteArrayType>("verdict")?;
    let classes = group.optional::<ByteArrayType>("class")?;
    let login_times = group.optional::<Int64Type>("login_time_us")?;
    let (steps, phases) =
        (group.optional::<ByteArrayType>("failure_step")?, group.optional::<ByteArrayType>("failure_phase")?);
    let mut places = Places::new();
    let mut ledger = Ledger::default();
    let (from, to) = (from.as_microsecond(), to.as_microsecond());
    for row in (0..slots.len()).filter(|&row| (from..to).contains(&slots[row])) {
        let started = timestamp("started", started[row])?;
        let verdict = match verdicts[row].data() {
            b"good" => Verdict::Good,
            _ => verdict(&verdicts[row], classes[row].as_ref())?,
        };
        let outcome = Outcome {
            slot: timestamp("slot", slots[row])?,
            attempt: small("attempt", attempts[row])?,
            started,
            ended: end_of(started, micros(elapsed[row])),
            verdict,
            login: login_times[row].map(micros),
            place: places.index(&mut ledger, steps[row].as_ref(), phases[row].as_ref())?,
        };
        ledger.push(outcome);
    }
    Ok(ledger)
}

/// Where runs failed. Most did not, and most of the others failed where the one before did.
struct Places {
    step: Interner<StepName>,
    phase: Interner<Phase>,
    nowhere: Option<u16>,
}

impl Places {
    fn new() -> Self {
        let step = Interner::new("failure_step", |text| text.parse().ok());
        Self { step, phase: Interner::new("failure_phase", Phase::from_spelling), nowhere: None }
    }

    fn index(
        &mut self,
        ledger: &mut Ledger,
        step: Option<&ByteArray>,
        phase: Option<&ByteArray>,
    ) -> Result<u16, SegmentError> {
        if step.is_none() && phase.is_none() {
            return Ok(*self.nowhere.get_or_insert_with(|| ledger.place_index((None, None))));
        }
        Ok(ledger.place_index((self.step.get_optional(step)?, self.phase.get_optional(phase)?)))
    }
}
