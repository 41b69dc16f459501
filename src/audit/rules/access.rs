//! Who may replicate, from where, and how the standby connects: what a live link does not need until it is dropped.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::super::Conninfo;
use super::super::finding::Applies;
use super::super::host_access::{Admission, Protection, admission};
use super::super::scene::{Checked, Missing, Notes, Said, Scene, Seen};
use super::super::snapshot::{Part, Role};
use super::super::sql::{identifier, unhung};
use crate::model::Severity;

/// A role that ends sooner than this is a finding.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The connection string of a standby.
fn conninfo(standby: Seen<'_>) -> Result<Conninfo, Missing> {
    let reduced = Conninfo::reduce(standby.text("primary_conninfo")?);
    if reduced.is_empty() {
        Err(standby.missing("primary_conninfo is empty: it streams from nowhere"))
    } else {
        Ok(reduced)
    }
}

/// The role that a standby connects as.
fn replicates_as(standby: Seen<'_>) -> Result<String, Missing> {
    let user = conninfo(standby)?.get("user").map(str::to_owned);
    let of_receiver = || standby.state.receiver.as_ref()?.conninfo.get("user").map(str::to_owned);
    user.or_else(of_receiver).ok_or_else(|| standby.missing("primary_conninfo names no user that can be read"))
}

pub(super) fn replication_role(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    primary.has(Part::Roles)?;
    notes.each(scene.standbys()?, |standby, notes| {
        let name = replicates_as(standby)?;
        let role = primary.state.roles.iter().find(|role| role.name == name);
        let does = if role.is_some() { "alter" } else { "create" };
        for wrong in wrongs(role, primary.taken) {
            let state = role.map_or_else(|| "absent".to_owned(), ToString::to_string);
            notes.say(Said {
                severity: Severity::Critical,
                seen: format!("role {name}, by which {} replicates, {wrong}", standby.server.name),
                values: vec![primary.told(format!("role {name}"), state), standby.shown("primary_conninfo")],
                effect: "the link that is open lives on; after its next break the standby is refused: with synchronous \
                         commits every login hangs then",
                fix: unhung(&format!("{does} role {} login replication valid until 'infinity'", identifier(&name))),
                applies: Applies::None,
            });
        }
        notes.not_checked(standby.missing(
            "whether the password that it would use for a new link is right cannot be seen by any statement: only a new \
             link shows it",
        ));
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

fn wrongs(role: Option<&Role>, now: Timestamp) -> Vec<String> {
    let Some(role) = role else { return vec!["does not exist on the primary".to_owned()] };
    let mut wrongs = Vec::new();
    if !role.login {
        wrongs.push("may not log in".to_owned());
    }
    if !role.replication && !role.superuser {
        wrongs.push("may not replicate".to_owned());
    }
    match role.valid_until {
        Some(end) if end <= now => wrongs.push(format!("has a password that expired at {end}")),
        Some(end) if end.duration_since(now) < SOON => wrongs.push(format!("has a password that expires at {end}")),
        _ => {}
    }
    wrongs
}

/// Each server must let each other in, since any may become the primary.
pub(super) fn host_access(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    let standbys = scene.standbys()?;
    let user = standbys.iter().find_map(|standby| replicates_as(*standby).ok());
    let Some(user) = user else { return Err(Missing::of_set("no standby says which role it replicates as")) };
    for standby in standbys {
        for (host, guest) in [(primary, standby), (standby, primary)] {
            if let Err(missing) = lets_in(host, guest, &user, notes) {
                notes.not_checked(missing);
            }
        }
    }
    notes.unread(scene);
    Ok(())
}

/// How the guest would connect: by its connection string, where it has one, and by what the host offers.
fn protection(host: Seen<'_>, guest: Seen<'_>) -> Protection {
    let conninfo = guest.text("primary_conninfo").map(Conninfo::reduce).unwrap_or_default();
    Protection::of(conninfo.get("sslmode"), conninfo.get("gssencmode"), host.is_on("ssl").ok())
}

fn lets_in(host: Seen<'_>, guest: Seen<'_>, user: &str, notes: &mut Notes) -> Checked {
    host.has(Part::HostAccess)?;
    let link = host.state.links.iter().find(|link| link.name.eq_ignore_ascii_case(&guest.server.application_name));
    let said = link.and_then(|link| link.address.as_deref()).unwrap_or(&guest.server.host);
    let Ok(address) = said.parse::<IpAddr>() else {
        let because = format!("the address of {} is not known here, only its name {said}", guest.server.name);
        return Err(host.missing(because));
    };
    let way = protection(host, guest);
    let (state, wrong) = match admission(&host.state.host_access, user, address, way) {
        Admission::Granted(_) => return Ok(()),
        Admission::Unsure(line) => {
            let because = format!("line {line} of pg_hba.conf depends on a name, a group, a pattern or Kerberos");
            return Err(host.missing(because));
        }
        Admission::Refused(line) => (format!("refused by line {line}"), "refuses"),
        Admission::Absent => ("no line".to_owned(), "has no line for"),
    };
    notes.say(Said {
        severity: Severity::Critical,
        seen: format!("pg_hba.conf of {} {wrong} replication by {user} from {}", host.server.name, guest.server.name),
        values: vec![
            host.told(format!("pg_hba.conf for replication by {user} from {address}"), state),
            guest.shown("primary_conninfo"),
        ],
        effect: "the link that is open lives on; after its next break, or after a failover, the standby is refused: with \
                 synchronous commits every login hangs then",
        fix: format!("add 'host replication {user} {address}/{} scram-sha-256' to pg_hba.conf of {}, above any line that \
                      refuses it",
            if address.is_ipv4() { 32 } else { 128 }, host.server.name),
        applies: Applies::Reload,
    });
    Ok(())
}

/// Whether a link goes to one address, or to nothing that is named. What is hidden is not known.
fn names_by_address(conninfo: &Conninfo) -> bool {
    let numeric = |host: &str| !host.contains(',') && host.parse::<IpAddr>().is_ok();
    match ["host", "hostaddr"].into_iter().find(|key| conninfo.has(key)) {
        Some(key) => conninfo.get(key).is_some_and(|host| host.is_empty() || numeric(host)),
        None => !conninfo.is_garbled(),
    }
}

pub(super) fn conninfo_hygiene(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.standbys()?, |standby, notes| {
        let conninfo = conninfo(standby)?;
        let mut wrongs = Vec::new();
        if conninfo.is_garbled() {
            wrongs.push(
                "holds what is no key=value with spaces in between, and is hidden here since it may be a password",
            );
        }
        if conninfo.has("password") {
            wrongs.push("holds a password in the clear, which each member of pg_monitor reads");
        }
        if names_by_address(&conninfo) {
            wrongs.push("names its primary by an address, which does not move with a failover");
        }
        if !["keepalives_idle", "tcp_user_timeout"].iter().any(|key| conninfo.has(key)) {
            wrongs.push("sets no keepalives_idle or tcp_user_timeout, so that a cut is noticed late");
        }
        if !wrongs.is_empty() {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("the connection string of {} {}", standby.server.name, wrongs.join("; it ")),
                values: vec![standby.shown("primary_conninfo")],
                effect: "a leaked password opens a copy of all accounts; a standby that does not follow a failover, or \
                         does not notice a cut, makes logins that wait for it hang longer",
                fix: "use passfile, a host name that moves with the primary, keepalives_idle=5 and tcp_user_timeout=10000"
                    .to_owned(),
                applies: Applies::Reload,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}
