//! Runs one flow once and returns a [`crate::model::Run`], never an error: failure is data. Knows no schedule, no
//! store and no report.
