//! The servers as the rules see them: the one that takes writes and those that follow, with readings that say why there
//! is none; and what rules write down.

use jiff::Timestamp;

use crate::model::{AuditRule, AuditTerms, Database, Server, ServerName, ServerRole, Severity};

use super::finding::{Applies, AuditFinding, NotChecked, Value};
use super::setting::Setting;
use super::snapshot::{Part, Round, ServerState, Snapshot};
use super::value;

/// Why a rule has no answer.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) server: Option<ServerName>,
    pub(super) because: String,
}

/// A rule, or a part of one, that was checked, or why not.
pub(super) type Checked = Result<(), Missing>;

impl Missing {
    pub(super) fn of_set(because: impl Into<String>) -> Self {
        Self { server: None, because: because.into() }
    }

    pub(super) fn of(server: &Server, because: impl Into<String>) -> Self {
        Self { server: Some(server.name.clone()), because: because.into() }
    }
}

/// A server that answered.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) server: &'a Server,
    pub(super) state: &'a ServerState,
    pub(super) taken: Timestamp,
}

/// What was kept before the round that is judged.
#[derive(Clone, Copy, Default)]
pub(super) struct Past<'a> {
    /// Oldest first.
    pub(super) rounds: &'a [Round],
    /// Changes that were seen from then on count; `None`: those since each server was last read.
    pub(super) from: Option<Timestamp>,
}

/// All that rules look at.
pub(super) struct Scene<'a> {
    pub(super) database: &'a Database,
    pub(super) terms: &'a AuditTerms,
    pub(super) all: Vec<Seen<'a>>,
    pub(super) unread: Vec<&'a Server>,
    pub(super) past: Past<'a>,
    snapshots: &'a [Snapshot],
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        database: &'a Database,
        snapshots: &'a [Snapshot],
        terms: &'a AuditTerms,
        past: Past<'a>,
    ) -> Self {
        let (mut all, mut unread) = (Vec::new(), Vec::new());
        for server in &database.servers {
            let snapshot = snapshots.iter().find(|snapshot| snapshot.server == server.name);
            match snapshot.and_then(|snapshot| Some((snapshot.state()?, snapshot.taken))) {
                Some((state, taken)) => all.push(Seen { server, state, taken }),
                None => unread.push(server),
            }
        }
        Self { database, terms, all, unread, past, snapshots }
    }

    /// The snapshots of a server, oldest first, the one that is judged last.
    pub(super) fn course(&self, server: &ServerName) -> impl Iterator<Item = &'a Snapshot> {
        let all = self.past.rounds.iter().flat_map(|round| &round.snapshots).chain(self.snapshots);
        all.filter(move |snapshot| snapshot.server == *server)
    }

    /// The server that takes writes: of several, the one that is meant to.
    pub(super) fn primary(&self) -> Result<Seen<'a>, Missing> {
        let writable = || self.all.iter().filter(|seen| !seen.state.in_recovery);
        let meant = writable().find(|seen| seen.server.role == ServerRole::Primary);
        meant.or_else(|| writable().next()).copied().ok_or_else(|| match self.unread.as_slice() {
            [] => Missing::of_set("no server of this set takes writes"),
            _ => Missing::of_set(format!("the primary was not read ({} did not answer)", self.unread_names())),
        })
    }

    /// Servers that follow.
    pub(super) fn standbys(&self) -> Result<Vec<Seen<'a>>, Missing> {
        let standbys: Vec<Seen<'a>> = self.all.iter().filter(|seen| seen.state.in_recovery).copied().collect();
        match (standbys.is_empty(), self.unread.is_empty()) {
            (false, _) => Ok(standbys),
            (true, true) => Err(Missing::of_set("no server of this set is a standby")),
            (true, false) => {
                Err(Missing::of_set(format!("no standby was read ({} did not answer)", self.unread_names())))
            }
        }
    }

    /// The server that a standby streams from: the one that knows it by its name, else the one whose slot it uses, else
    /// the one that its receiver names, else the primary. A relay that is no server of this set is not known.
    pub(super) fn upstream(&self, standby: Seen<'a>) -> Result<Seen<'a>, Missing> {
        let name = &standby.server.application_name;
        let links = |seen: &ServerState| seen.links.iter().any(|link| link.name.eq_ignore_ascii_case(name));
        let slot = standby.text("primary_slot_name").unwrap_or_default();
        let holds = |seen: &ServerState| seen.slots.iter().any(|one| one.active && one.name == slot);
        let receiver = standby.state.receiver.as_ref();
        let address = receiver.and_then(|it| Some((it.host.as_deref()?, it.port?)));
        let others = || self.all.iter().filter(|seen| seen.server.name != standby.server.name);
        let found = others()
            .find(|seen| links(seen.state))
            .or_else(|| others().find(|seen| holds(seen.state)))
            .or_else(|| others().find(|seen| address == Some((seen.server.host.as_str(), seen.server.port))));
        if let Some(seen) = found {
            return Ok(*seen);
        }
        let streams = receiver.is_some_and(|it| it.status.as_deref() == Some("streaming"));
        let seen_by_none = self.unread.is_empty() && self.all.iter().all(|seen| seen.has(Part::Links).is_ok());
        match address {
            Some((host, port)) if streams && seen_by_none => Err(standby
                .missing(format!("it streams from {host}:{port}, which is the address of no server of this set"))),
            _ => self.primary(),
        }
    }

    pub(super) fn unread_names(&self) -> String {
        self.unread.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Seen<'a> {
    pub(super) fn missing(self, because: impl Into<String>) -> Missing {
        Missing { server: Some(self.server.name.clone()), because: because.into() }
    }

    /// The setting as all sessions have it.
    pub(super) fn setting(self, name: &str) -> Result<&'a Setting, Missing> {
        let Some(setting) = self.state.setting(name) else {
            return Err(self.missing(if self.state.sees_all {
                format!("version {} has no setting {name}", self.state.major())
            } else {
                format!("role {} may not read {name}: grant pg_monitor to it", self.state.asked_as)
            }));
        };
        if setting.is_of_the_session() {
            let because = format!(
                "role {} has a value of its own of {name} (from its {}), which hides the server's",
                self.state.asked_as,
                setting.source()
            );
            return Err(self.missing(because));
        }
        Ok(setting)
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, Missing> {
        self.setting(name).map(Setting::value)
    }

    /// Milliseconds, bytes or pieces.
    pub(super) fn number(self, name: &str) -> Result<f64, Missing> {
        let setting = self.setting(name)?;
        let number = value::quantity(setting.value(), setting.unit());
        number.ok_or_else(|| self.missing(format!("{name} is no number: '{}'", setting.value())))
    }

    pub(super) fn is_on(self, name: &str) -> Result<bool, Missing> {
        let text = self.text(name)?;
        value::boolean(text).ok_or_else(|| self.missing(format!("{name} is neither on nor off: '{text}'")))
    }

    /// A part that has its own rights.
    pub(super) fn has(self, part: Part) -> Checked {
        self.state.gap(part).map_or(Ok(()), |because| Err(self.missing(because)))
    }

    /// A setting as a value of a finding, whatever is known of it.
    pub(super) fn shown(self, name: &str) -> Value {
        let known = self.state.setting(name);
        Value {
            server: Some(self.server.name.clone()),
            what: name.to_owned(),
            value: known.map_or_else(|| "unknown".to_owned(), Setting::shown),
            place: known.map(Setting::place),
        }
    }

    /// Something else as a value of a finding.
    pub(super) fn told(self, what: impl Into<String>, value: impl Into<String>) -> Value {
        Value { server: Some(self.server.name.clone()), what: what.into(), value: value.into(), place: None }
    }
}

/// The same setting on several servers, side by side.
pub(super) fn beside<'a>(servers: impl IntoIterator<Item = Seen<'a>>, name: &str) -> Vec<Value> {
    servers.into_iter().map(|seen| seen.shown(name)).collect()
}

/// Something that the prober's configuration says, as a value of a finding.
pub(super) fn configured(what: &str, value: impl Into<String>) -> Value {
    Value { server: None, what: what.to_owned(), value: value.into(), place: Some("doorstep.yaml".to_owned()) }
}

/// What a rule writes down.
pub(super) struct Notes {
    rule: AuditRule,
    pub(super) findings: Vec<AuditFinding>,
    pub(super) not_checked: Vec<NotChecked>,
}

/// What is said of a rule that does not hold.
pub(super) struct Said {
    pub(super) severity: Severity,
    pub(super) seen: String,
    pub(super) values: Vec<Value>,
    pub(super) effect: &'static str,
    pub(super) fix: String,
    pub(super) applies: Applies,
}

impl Notes {
    pub(super) fn new(rule: AuditRule) -> Self {
        Self { rule, findings: Vec::new(), not_checked: Vec::new() }
    }

    pub(super) fn say(&mut self, said: Said) {
        let Said { severity, seen, values, effect, fix, applies } = said;
        let effect = effect.to_owned();
        self.findings.push(AuditFinding { rule: self.rule, severity, seen, values, effect, fix, applies, since: None });
    }

    pub(super) fn not_checked(&mut self, missing: Missing) {
        let Missing { server, because } = missing;
        let note = NotChecked { rule: self.rule, server, because };
        if !self.not_checked.contains(&note) {
            self.not_checked.push(note);
        }
    }

    /// Checks servers one by one, so that what is not known of one does not hide another.
    pub(super) fn each<'a>(
        &mut self,
        servers: impl IntoIterator<Item = Seen<'a>>,
        mut check: impl FnMut(Seen<'a>, &mut Self) -> Checked,
    ) {
        for seen in servers {
            if let Err(missing) = check(seen, self) {
                self.not_checked(missing);
            }
        }
    }

    /// Notes each server that did not answer, for a rule that looks at all.
    pub(super) fn unread(&mut self, scene: &Scene<'_>) {
        for server in &scene.unread {
            self.not_checked(Missing::of(server, format!("{} did not answer", server.name)));
        }
    }
}
