//! Wiring, one file per long-running role.

mod config_watch;
mod disk_files;

pub use config_watch::WatchedFiles;
pub use disk_files::DiskFiles;
