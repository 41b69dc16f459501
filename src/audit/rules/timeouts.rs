//! Time limits of links: how soon a peer that went away is noticed.

use super::super::finding::Applies;
use super::super::scene::{Checked, Notes, Said, Scene, beside};
use crate::model::Severity;

/// A synchronous peer that froze blocks every commit for as long as this setting says.
const SOON: std::ops::RangeInclusive<f64> = 5_000.0..=20_000.0;
/// Waiters are freed at a standby's next report.
const OFTEN: f64 = 10_000.0;

pub(super) fn sender_timeout(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let (primary, name) = (scene.primary()?, "wal_sender_timeout");
    let limit = primary.number(name)?;
    let synchronous = !primary.text("synchronous_standby_names")?.is_empty();
    let (severity, seen) = if limit == 0.0 {
        (Severity::Critical, "the primary never gives up a standby that went silent".to_owned())
    } else if synchronous && !SOON.contains(&limit) {
        let bound = if limit > *SOON.end() { "later than 20 s" } else { "sooner than 5 s" };
        let after = primary.setting(name)?.shown();
        let seen = format!("the primary gives up a silent synchronous standby after {after}, which is {bound}");
        (Severity::Warning, seen)
    } else {
        return Ok(());
    };
    notes.say(Said {
        severity,
        seen,
        values: [beside(scene.all.iter().copied(), name), vec![primary.shown("synchronous_standby_names")]].concat(),
        effect: "while a standby is frozen or cut off, every login hangs and the primary's views look healthy for as \
                 long as this",
        fix: "set wal_sender_timeout = 10s".to_owned(),
        applies: Applies::Reload,
    });
    Ok(())
}

pub(super) fn receiver_timeout(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.standbys()?, |standby, notes| {
        let (limit, interval) = ("wal_receiver_timeout", "wal_receiver_status_interval");
        let (waits, reports) = (standby.number(limit)?, standby.number(interval)?);
        let (severity, seen) = if waits == 0.0 {
            (Severity::Critical, "never gives up a primary that went silent")
        } else if reports == 0.0 {
            (Severity::Critical, "reports nothing while nobody asks")
        } else if reports > OFTEN {
            (Severity::Warning, "reports more seldom than every 10 s")
        } else {
            return Ok(());
        };
        notes.say(Said {
            severity,
            seen: format!("{} {seen}", standby.server.name),
            values: vec![standby.shown(limit), standby.shown(interval)],
            effect: "a dead link is taken for a live one, and logins that wait for the standby are freed late after a fix",
            fix: "set wal_receiver_timeout = 60s and wal_receiver_status_interval = 1s (1 to 10 s)".to_owned(),
            applies: Applies::Reload,
        });
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}
