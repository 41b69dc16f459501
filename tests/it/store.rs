//! The store as its users see it: what is recorded is read once, whatever happens in between.

mod contract;
mod crash;
mod disk_full;
mod readers;
mod s3;
mod samples;
mod server;
mod spool;
mod support;
