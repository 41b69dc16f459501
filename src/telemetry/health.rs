//! Whether a worker does what it is for, and why not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Something that can be wrong with a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Runs cannot be recorded: the worker is blind.
    Spool,
    /// Samples of databases cannot be recorded: the worker is blind to them.
    Samples,
    /// The worker is stopping.
    Stopping,
    /// Runs are recorded here but do not reach the store.
    Store,
    /// A changed configuration was refused; the old one keeps running.
    Config,
}

impl Condition {
    /// Whether the worker no longer does what it is for. The others are for people to look at.
    fn is_failure(self) -> bool {
        matches!(self, Self::Spool | Self::Samples | Self::Stopping)
    }
}

/// The conditions that hold now.
#[derive(Debug, Default)]
pub struct Health {
    reasons: Mutex<BTreeMap<Condition, String>>,
}

#[derive(Serialize)]
struct Told<'a> {
    status: &'static str,
    reasons: &'a BTreeMap<Condition, String>,
}

impl Health {
    /// Something is wrong; says whether it was not before.
    pub fn raise(&self, condition: Condition, reason: &str) -> bool {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.insert(condition, reason.to_owned()).is_none()
    }

    /// It is right again; says whether it was wrong before.
    pub fn clear(&self, condition: Condition) -> bool {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).remove(&condition).is_some()
    }

    /// Whether the worker does what it is for, and a JSON document that says why not and what else to look at.
    #[must_use]
    pub fn tell(&self) -> (bool, String) {
        let reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let ok = !reasons.keys().any(|condition| condition.is_failure());
        let status = match (ok, reasons.is_empty()) {
            (true, true) => "ok",
            (true, false) => "ok, but",
            (false, _) => "failing",
        };
        let told = serde_json::to_string(&Told { status, reasons: &reasons });
        (ok, told.unwrap_or_else(|error| format!("{{\"status\":\"failing: {error}\"}}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_reload_is_shown_but_no_failure_and_a_full_disk_is_one() {
        let health = Health::default();
        assert_eq!(health.tell(), (true, r#"{"status":"ok","reasons":{}}"#.to_owned()));
        assert!(health.raise(Condition::Config, "refused: 2 mistakes"));
        assert_eq!(
            health.tell(),
            (true, r#"{"status":"ok, but","reasons":{"config":"refused: 2 mistakes"}}"#.to_owned())
        );
        assert!(health.raise(Condition::Spool, "no space") && !health.raise(Condition::Spool, "no space"));
        assert!(!health.tell().0);
        assert!(health.clear(Condition::Spool) && !health.clear(Condition::Spool));
        assert!(health.tell().0);
    }
}
