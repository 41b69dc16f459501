//! Wiring, one file per long-running role.

mod config_watch;
mod database_sessions;
pub mod demo;
mod disk_files;
pub mod import;
mod login_prober;
pub mod prometheus;
pub mod run;
pub mod simulation;
pub mod supervise;

pub use config_watch::WatchedFiles;
pub use database_sessions::DatabaseSessions;
pub use disk_files::DiskFiles;
pub use login_prober::{LoginProber, ProberError};
