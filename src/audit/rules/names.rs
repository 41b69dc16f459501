//! `synchronous_standby_names` against the standbys that there are.

use super::super::conninfo::{Conninfo, HIDDEN};
use super::super::finding::{Applies, Value};
use super::super::scene::{Checked, Missing, Notes, Said, Scene, Seen};
use super::super::snapshot::Part;
use crate::model::Severity;
use crate::replication::SyncNames;

const NAMES: &str = "synchronous_standby_names";

/// What a commit on the primary waits for, and the standbys that stream from it.
pub(super) struct Quorum<'a> {
    pub(super) primary: Seen<'a>,
    pub(super) names: SyncNames,
    /// `application_name` of each streaming link; a base backup is no standby.
    pub(super) connected: Vec<&'a str>,
}

impl<'a> Quorum<'a> {
    pub(super) fn of(scene: &Scene<'a>) -> Result<Self, Missing> {
        let primary = scene.primary()?;
        let names = SyncNames::parse(primary.text(NAMES)?).map_err(|error| primary.missing(error.to_string()))?;
        primary.has(Part::Links)?;
        let streams = |state: Option<&str>| matches!(state, Some("streaming" | "catchup"));
        let links = primary.state.links.iter().filter(|link| streams(link.state.as_deref()));
        Ok(Self { primary, names, connected: links.map(|link| link.name.as_str()).collect() })
    }

    /// How many of the connected standbys count.
    pub(super) fn counting(&self) -> usize {
        self.connected.iter().filter(|name| self.names.matches(name)).count()
    }

    /// Both sides: what is named, who is connected, and the name that each standby that was read gives itself.
    pub(super) fn values(&self, scene: &Scene<'_>) -> Vec<Value> {
        let connected = if self.connected.is_empty() { "none".to_owned() } else { self.connected.join(", ") };
        let mut values = vec![self.primary.shown(NAMES), self.primary.told("connected standbys", connected)];
        for standby in scene.standbys().unwrap_or_default() {
            let (name, from) = own_name(standby);
            let name = name.unwrap_or_else(|| HIDDEN.to_owned());
            values
                .push(Value { place: standby.shown(from).place, ..standby.told(format!("name (from {from})"), name) });
        }
        values
    }
}

/// The name that a standby gives itself, and the setting it comes from; `None` where it is hidden.
fn own_name(standby: Seen<'_>) -> (Option<String>, &'static str) {
    let conninfo = standby.text("primary_conninfo").map(Conninfo::reduce).unwrap_or_default();
    if conninfo.has("application_name") || conninfo.is_garbled() {
        return (conninfo.get("application_name").map(str::to_owned), "primary_conninfo");
    }
    match standby.text("cluster_name") {
        Ok(name) if !name.is_empty() => (Some(name.to_owned()), "cluster_name"),
        _ => (Some("walreceiver".to_owned()), "primary_conninfo"),
    }
}

pub(super) fn sync_names(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let quorum = Quorum::of(scene)?;
    let absent = quorum.names.absent(&quorum.connected);
    if absent.is_empty() {
        return Ok(());
    }
    let short = quorum.counting() < quorum.names.required();
    let own: Vec<String> =
        scene.standbys().unwrap_or_default().into_iter().filter_map(|standby| own_name(standby).0).collect();
    let fix = match own.iter().find(|name| !quorum.names.matches(name)) {
        Some(name) => format!(
            "name a standby that there is: set {NAMES} = '{name}' and reload, or give the standby its name again \
             (application_name in primary_conninfo)"
        ),
        None => format!("bring {} back, or take it out of {NAMES} and reload", absent.join(", ")),
    };
    notes.say(Said {
        severity: if short { Severity::Critical } else { Severity::Warning },
        seen: format!("no connected standby is called {}", absent.join(", ")),
        values: quorum.values(scene),
        effect: if short {
            "each commit waits for a standby that does not answer: every login hangs until its deadline"
        } else {
            "the standby that was named as a spare is none: the next one that is lost stops every login"
        },
        fix,
        applies: Applies::Reload,
    });
    Ok(())
}

pub(super) fn sync_star(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let quorum = Quorum::of(scene)?;
    if quorum.names.takes_any_name() {
        notes.say(Said {
            severity: Severity::Warning,
            seen: "any standby counts as a synchronous one".to_owned(),
            values: quorum.values(scene),
            effect: "a tool that streams the log can be taken for the standby: committed logins are then not on any \
                     server that could take over",
            fix: format!("list the standbys by name in {NAMES}"),
            applies: Applies::Reload,
        });
    }
    Ok(())
}
