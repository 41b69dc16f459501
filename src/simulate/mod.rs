//! Runs with a known truth, and what a way of probing could detect. Seeded: the same script gives the same runs.
//! Knows no store.
//!
//! The way of a run: `read` turns YAML into a [`Script`]; `world` says what holds at an instant (which outage, how
//! slow, what the prober suffers); `walk` draws the login step by step; `probing` goes through a vantage's slots;
//! `truth` and `demand` write down what was injected, so that reports can be held against it.

mod demand;
mod probing;
mod read;
mod script;
mod tally;
mod truth;
mod walk;
mod world;
mod written;

pub use probing::{Probing, Simulation};
pub use read::Given;
pub use script::{
    Demand, Draw, Outage, ProberFault, ProberTrouble, Reach, Reprobe, Script, SegmentOfDemand, SimulatedFlow,
    SimulatedStep, SimulatedVantage, Slow,
};
pub use tally::{MinuteTruth, Tally};
pub use truth::{OutageTruth, ProberTruth, SignIns, Truth};
