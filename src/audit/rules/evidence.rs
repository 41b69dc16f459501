//! What is needed to tell afterwards what happened: log lines in one zone, and clocks that agree.

use super::super::finding::Applies;
use super::super::scene::{Checked, Notes, Said, Scene};
use crate::model::Severity;

pub(super) fn log_evidence(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        let mut wrong = Vec::new();
        if seen.state.major() >= 14 && !seen.is_on("log_recovery_conflict_waits")? {
            wrong.push("log_recovery_conflict_waits");
        }
        if !seen.is_on("log_replication_commands")? {
            wrong.push("log_replication_commands");
        }
        if !matches!(seen.text("log_timezone")?, "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT" | "Etc/UCT" | "UCT" | "Zulu") {
            wrong.push("log_timezone");
        }
        if !wrong.is_empty() {
            notes.say(Said {
                severity: Severity::Info,
                seen: format!("the log of {} will not say all that is needed: {}", seen.server.name, wrong.join(", ")),
                values: wrong.iter().map(|name| seen.shown(name)).collect(),
                effect: "logins are not touched; after an outage it cannot be told when the link broke and \
                         what held up replay",
                fix: "set log_recovery_conflict_waits = on, log_replication_commands = on and log_timezone = 'UTC'"
                    .to_owned(),
                applies: Applies::Reload,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

/// Every time lag is a difference of two clocks.
const FARTHEST_MICROS: u64 = 1_000_000;

pub(super) fn clock_offset(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        let (offset, uncertain) = (seen.state.clock_offset, seen.state.clock_uncertainty);
        let seconds = |micros: f64| format!("{:.3} s", micros / 1e6);
        if offset.unsigned_abs().saturating_sub(uncertain) >= FARTHEST_MICROS {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("the clock of {} is not that of this machine", seen.server.name),
                values: vec![seen.told(
                    "server's clock less this machine's",
                    format!("{} (within {})", seconds(offset as f64), seconds(uncertain as f64)),
                )],
                effect: "times of logins, logs and replication lag cannot be held against each other",
                fix: "let one time service set all clocks".to_owned(),
                applies: Applies::None,
            });
        } else if uncertain >= FARTHEST_MICROS {
            return Err(seen.missing("its answer took too long to compare clocks"));
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}
