//! The service that logs in: what no server can say, from the configuration of the prober.

use super::super::finding::{Applies, many};
use super::super::scene::{Checked, Missing, Notes, Said, Scene, configured};
use super::capacity;
use crate::model::Severity;

/// Connections that are left for people and tools.
const HELPERS: f64 = 5.0;

/// Why a fact of the service is not known.
fn unsaid(key: &str) -> Missing {
    Missing::of_set(format!("it lies outside of the database: write service.{key} at this database in doorstep.yaml"))
}

pub(super) fn pool(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let connections = scene.terms.service.connections.ok_or_else(|| unsaid("connections"))?;
    let (primary, room) = (scene.primary()?, capacity::room(scene)?);
    if f64::from(connections) >= room - HELPERS {
        notes.say(Said {
            severity: Severity::Warning,
            seen: format!(
                "the service can open {} and the primary has room for {room}",
                many(connections as usize, "connection", "connections")
            ),
            values: vec![
                configured("service.connections", connections.to_string()),
                primary.shown("max_connections"),
                primary.shown("superuser_reserved_connections"),
            ],
            effect: "when commits wait, the service uses up all connections within seconds: logins fail at once, and \
                     helpers are refused",
            fix: format!("bound the pool below {}, or raise max_connections, on the standbys first", room - HELPERS),
            applies: Applies::Restart,
        });
    }
    Ok(())
}

pub(super) fn target(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let service = &scene.terms.service;
    let hosts = service.hosts.ok_or_else(|| unsaid("hosts"))?;
    let attributes = service.target_session_attrs.as_deref().unwrap_or("any");
    if hosts > 1 && !matches!(attributes, "read-write" | "primary") {
        notes.say(Said {
            severity: Severity::Critical,
            seen: format!("the service lists {hosts} hosts and takes the first that answers"),
            values: vec![
                configured("service.hosts", hosts.to_string()),
                configured("service.target_session_attrs", attributes),
            ],
            effect: "processes that meet the standby first fail every login at once, and health checks that only read \
                     stay green",
            fix: "set target_session_attrs=read-write in the service's connection string".to_owned(),
            applies: Applies::None,
        });
    }
    Ok(())
}

pub(super) fn deadline(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let service = &scene.terms.service;
    let deadline = service.deadline.ok_or_else(|| unsaid("deadline (none: it has none)"))?;
    let balancer = service.balancer_timeout;
    let (late, none) = (balancer.is_some_and(|balancer| deadline >= balancer), deadline.is_zero());
    if late || none {
        let seconds = |duration: std::time::Duration| format!("{} s", duration.as_secs_f64());
        let mut values = vec![configured("service.deadline", if none { "none".to_owned() } else { seconds(deadline) })];
        values.extend(balancer.map(|balancer| configured("service.balancer_timeout", seconds(balancer))));
        notes.say(Said {
            severity: Severity::Warning,
            seen: if none {
                "the service waits for a commit for ever".to_owned()
            } else {
                "the service gives up after the load balancer".to_owned()
            },
            values,
            effect: "no time limit of the server ends a commit that waits for a standby: without one of \
                         the service, a hanging login lasts as long as the browser or the load balancer bears \
                         it, and processes stay stuck",
            fix: "give the service a deadline of its own, below the load balancer's".to_owned(),
            applies: Applies::None,
        });
    }
    if balancer.is_none() {
        return Err(unsaid("balancer_timeout"));
    }
    Ok(())
}
