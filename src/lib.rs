//! The map of Doorstep, in reading order. Arrows point down only: a module may use those above it in this list
//! (`tests/it/tidy.rs` holds the exact table). No code here.
//!
//! Doorstep stands where users stand and tries the door: workers at many vantage points perform whole logins,
//! measure every phase of every hop, and record every run; the reporter turns runs into numbers that say how sure
//! they are.
//!
//! Ground floor (no IO, no async, no clock): [`model`], [`script`].
//! Pure logic (the time is an argument): [`config`], [`slo`], [`history`], [`incident`], [`impact`],
//! [`replication`], [`audit`], [`diagnosis`], [`report`], [`postmortem`], [`interchange`], [`simulate`].
//! Edges (the only modules that touch the world): [`clock`], [`secrets`], [`telemetry`], [`net`], [`login`],
//! [`store`], [`sentinel`].
//! Processes: [`worker`], [`query`], [`serve`], [`sandbox`], [`app`], [`cli`].

pub mod model;
pub mod script;

pub mod audit;
pub mod config;
pub mod diagnosis;
pub mod history;
pub mod impact;
pub mod incident;
pub mod interchange;
pub mod postmortem;
pub mod replication;
pub mod report;
pub mod simulate;
pub mod slo;

pub mod clock;
pub mod login;
pub mod net;
pub mod secrets;
pub mod sentinel;
pub mod store;
pub mod telemetry;

pub mod app;
pub mod cli;
pub mod query;
pub mod sandbox;
pub mod serve;
pub mod worker;
