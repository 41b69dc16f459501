//! Samples of databases in the store. Reading order: `patch` (one sample told by the one before it), `file` (one object),
//! `read` (all of a span, each once).

mod file;
mod patch;
mod read;
#[cfg(test)]
mod tests;

pub(super) use file::{pack, unpack};
