//! Wiring, one file per long-running role.

mod disk_files;

pub use disk_files::DiskFiles;
