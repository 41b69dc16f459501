//! The report: one model of everything that is said, and its renderings. Knows no store and computes no number that
//! [`crate::slo`] could.

pub mod waterfall;
