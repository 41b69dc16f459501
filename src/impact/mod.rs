//! Impact: how many people an outage met, how sure that is, and from which inputs. Knows incidents, demand and
//! the population; knows no store and no rendering.
//!
//! Formulas, each with its source: `weighted` (F10, over `slices` of time), `uptime` (F11), `windowed` (F12), `retries`
//! (F13), `curve` and `stretch` (F14: bounds of duration and demand), `people` (F14: multiplied with those of the failing
//! share). `sums` and `estimate` put them together into an [`Impact`], in which each number has its bounds, its formula
//! and its inputs, or the reason why there is none; `adjusted` says the same with exclusions (F20), and `notes` what a
//! reader must know.

mod adjusted;
mod curve;
mod estimate;
mod figure;
mod model;
mod notes;
mod people;
mod retries;
mod slices;
mod stretch;
mod sums;
mod surroundings;
mod uptime;
mod weighted;
mod windowed;

pub use curve::Curve;
pub use estimate::{Question, affected_by, of_incident, of_span, sign_ins_of_span};
pub use figure::{Estimate, Figure, Input};
pub use model::{
    Adjusted, AffectedPeople, BudgetShare, Impact, LostInIt, NotCovered, PlainAndWeighted, SegmentFigures,
    WindowFigures, Windowed,
};
pub use retries::{Attempts, distinct, distinct_by_activity, most_delayed_at, sessions_met, with_retries};
pub use uptime::{Event, active_time, user_uptime, usual_cutoff};
pub use windowed::{Cells, Knee, WorstWindow, knee};
