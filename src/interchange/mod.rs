//! Other tools' formats, in and out: OpenSLO, Prometheus rules, runs of other probers. What cannot be expressed is
//! said. Knows no store and does no IO.

mod measure;
pub mod openslo;
pub mod rules;
pub mod runs;
mod words;
mod yaml;

pub use words::counted;
