//! The report: one model of everything that is said, and its renderings. Knows no store and computes no number that
//! [`crate::slo`] could.

pub mod build;
pub mod chart;
mod content;
pub mod csv;
pub mod format;
pub mod html;
pub mod impact;
pub mod json;
pub mod markdown;
pub mod model;
pub mod revision;
pub mod run_json;
pub mod states;
pub mod summary;
pub mod waterfall;
pub mod words;

pub use content::ticks;
pub use model::{ReportModel, SCHEMA_VERSION};
