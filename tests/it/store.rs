//! The store as its users see it: what is recorded is read once, whatever happens in between.

mod contract;
mod spool;
mod support;
