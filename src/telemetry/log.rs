//! Logs: to standard error, for people or as JSON lines.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("'{other}' is no log format: write text or json")),
        }
    }
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is none.
    #[error("'{0}' is no log level: write error, warn, info, debug or trace")]
    Level(String),
    /// Something else logs already.
    #[error("logging was started before: {0}")]
    Started(String),
}

/// Starts logging for the whole process. The level is Doorstep's own: libraries speak at `warn` whatever it is, since
/// what they say below that holds requests, and requests hold secrets.
///
/// # Errors
/// [`LogError`] when `level` is none, or when logging was started before.
pub fn start_logging(format: LogFormat, level: &str) -> Result<(), LogError> {
    let filter = filter(level)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| LogError::Started(error.to_string()))
}

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let known = ["error", "warn", "info", "debug", "trace"].contains(&level);
    let directives = format!("{},doorstep={level}", if level == "error" { "error" } else { "warn" });
    EnvFilter::try_new(directives).ok().filter(|_| known).ok_or_else(|| LogError::Level(level.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_doorstep_itself_speaks_below_warn() {
        assert_eq!(filter("trace").unwrap().to_string(), "doorstep=trace,warn");
        assert_eq!(filter("error").unwrap().to_string(), "doorstep=error,error");
        for bad in ["loud", "hyper=trace", "info,h2=trace", ""] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
