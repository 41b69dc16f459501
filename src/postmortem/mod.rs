//! Postmortems: a draft of the measured half, and a check of a written one against itself and the data. Knows no
//! store.

pub mod lint;
