//! Wiring, one file per long-running role.

mod config_watch;
pub mod demo;
mod disk_files;
mod login_prober;
pub mod run;
pub mod supervise;

pub use config_watch::WatchedFiles;
pub use disk_files::DiskFiles;
pub use login_prober::{LoginProber, ProberError};

/// An error with its whole chain of causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
