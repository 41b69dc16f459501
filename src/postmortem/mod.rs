//! Postmortems: a draft of the measured half, and a check of a written one against itself and the data. Knows no
//! store.

pub mod draft;
pub mod evidence;
pub mod lint;
pub mod people;
pub mod surroundings;
