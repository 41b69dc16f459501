//! Counts, histograms, windows, budgets and confidence: the arithmetic of honest numbers. Knows no store and no
//! rendering; the time is an argument.

mod interval;
mod period;
mod verdict;

pub use interval::Interval;
pub use period::Period;
pub use verdict::Attainment;
