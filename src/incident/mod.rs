//! Incidents: when did it break, until when, for how large a share of logins, and who saw it first. Pure and
//! replayable: the same history and rules give the same incidents. Knows no store, no objective and no people.
//!
//! The way of a probe: `block` cuts the calendar into weeks, in each of which charts begin anew; `events` lines a flow's
//! probes up in time; `background` says what fails while nothing is wrong, and which thresholds hold the wanted rate;
//! `chart` finds stretches of failures; `course` follows them from week to week; `bounds` and `measure` say when they
//! began and ended and how large they were; `detect` makes incidents of them.

mod background;
mod block;
mod bounds;
mod chart;
mod course;
mod detect;
mod events;
mod measure;
mod model;
mod rivals;
mod rules;
mod shadow;
mod trial;
mod walk;

pub use background::{Background, Basis, Exceeded};
pub use block::Block;
pub use detect::{Detection, detect, detect_since};
pub use model::{
    Bounds, Incident, IncidentId, IncidentIdError, Minute, Peak, Scope, Share, ShareSplit, SlowLimit, Splits, Symptom,
};
pub use rivals::RuleName;
pub use rules::Rules;
pub use shadow::{DetectionQuality, IncidentDelay, Page, RuleQuality, quality};
pub use trial::{CutOff, Delays, Extra, FalsePages, Layout, Spacing, Trial};
