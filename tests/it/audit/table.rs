//! Which rule was shown how: the test fills a ledger as it goes, and the ledger must be this table.

use std::collections::{BTreeMap, BTreeSet};

use doorstep::audit::{Applies, Audit, AuditFinding, Round, Setting, Value};
use doorstep::model::{AuditRule, Severity};

/// How a case was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// On real servers that were set so.
    Real,
    /// On snapshots of real servers, changed: one machine and one version cannot be set so.
    Recorded,
    /// On real servers, with other facts of the service.
    Stated,
}

use How::{Real, Recorded, Stated};

/// Each rule, how it was broken, and how it held.
const TABLE: &[(AuditRule, &[How], &[How])] = &[
    (AuditRule::SyncNames, &[Real], &[Real]),
    (AuditRule::SyncCount, &[Real], &[Real]),
    (AuditRule::SyncStar, &[Real], &[Real]),
    (AuditRule::SyncIntent, &[Real, Stated], &[Real]),
    (AuditRule::RemoteApply, &[Real], &[Real]),
    (AuditRule::Overrides, &[Real], &[Real]),
    (AuditRule::ReadOnlyDefault, &[Real], &[Real]),
    (AuditRule::StandbyCapacity, &[Real], &[Real]),
    (AuditRule::WalLevel, &[Real], &[Real]),
    (AuditRule::SenderRoom, &[Real], &[Real]),
    (AuditRule::StandbySlot, &[Real, Recorded], &[Real]),
    (AuditRule::SlotLimit, &[Real, Stated], &[Real]),
    (AuditRule::WalKeep, &[Real], &[Real]),
    (AuditRule::ForeignSlots, &[Real], &[Real]),
    (AuditRule::SenderTimeout, &[Real], &[Real]),
    (AuditRule::ReceiverTimeout, &[Real], &[Real]),
    (AuditRule::ApplyDelay, &[Real, Recorded], &[Real]),
    (AuditRule::StreamingDelay, &[Real, Recorded], &[Real]),
    (AuditRule::HotStandby, &[Real], &[Real]),
    (AuditRule::RecoveryTarget, &[Real], &[Real]),
    (AuditRule::Copies, &[Real, Recorded], &[Real]),
    (AuditRule::Versions, &[Recorded], &[Real]),
    (AuditRule::DurableWrites, &[Real], &[Real]),
    (AuditRule::Rewind, &[Real], &[Real]),
    (AuditRule::Archive, &[Real], &[Real]),
    (AuditRule::PendingRestart, &[Real], &[Real]),
    (AuditRule::LoadedFiles, &[Real], &[Real]),
    (AuditRule::ManagedFiles, &[Real], &[Real]),
    (AuditRule::ReplicationRole, &[Real], &[Real]),
    (AuditRule::HostAccess, &[Real], &[Real]),
    (AuditRule::Conninfo, &[Real], &[Real]),
    (AuditRule::ReservedConnections, &[Real, Recorded], &[Real, Recorded]),
    (AuditRule::ServicePool, &[Stated], &[Real]),
    (AuditRule::ServiceTarget, &[Stated], &[Real]),
    (AuditRule::ServiceDeadline, &[Stated], &[Real]),
    (AuditRule::SessionTimeouts, &[Real], &[Real]),
    (AuditRule::LogEvidence, &[Real], &[Real]),
    (AuditRule::ClockOffset, &[Recorded], &[Real]),
    (AuditRule::Expectation, &[Real], &[Real]),
];

/// A round, and what the audit says of it.
pub(super) struct Judged {
    pub(super) round: Round,
    pub(super) audit: Audit,
}

impl std::ops::Deref for Judged {
    type Target = Audit;

    fn deref(&self) -> &Audit {
        &self.audit
    }
}

impl Judged {
    /// The setting that a finding's value is one of, as its server has it.
    fn setting(&self, value: &Value) -> Option<&Setting> {
        let server = value.server.as_ref()?;
        let snapshot = self.round.snapshots.iter().find(|snapshot| snapshot.server == *server)?;
        snapshot.state()?.setting(&value.what)
    }
}

/// What is to be found.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) how: How,
    pub(super) rule: AuditRule,
    pub(super) severity: Severity,
    /// The server that it is found on; `None`: the service's facts alone show it.
    pub(super) server: Option<&'static str>,
    /// What brings the fix about.
    pub(super) applies: Applies,
}

impl Case {
    pub(super) const fn real(rule: AuditRule, severity: Severity, server: &'static str, applies: Applies) -> Self {
        Self { how: How::Real, rule, severity, server: Some(server), applies }
    }

    pub(super) const fn recorded(rule: AuditRule, severity: Severity, server: &'static str, applies: Applies) -> Self {
        Self { how: How::Recorded, rule, severity, server: Some(server), applies }
    }

    pub(super) const fn stated(rule: AuditRule, severity: Severity, applies: Applies) -> Self {
        Self { how: How::Stated, rule, severity, server: None, applies }
    }
}

/// What was shown.
#[derive(Default)]
pub(super) struct Ledger {
    broken: BTreeMap<AuditRule, BTreeSet<How>>,
    held: BTreeMap<AuditRule, BTreeSet<How>>,
}

impl Ledger {
    /// The rule found what it should, and says all that a finding has to: the server, each value as the server has it
    /// and where it is set, what it means for logins, the fix, and what brings that about.
    pub(super) fn breaks<'a>(&mut self, judged: &'a Judged, case: &Case) -> &'a AuditFinding {
        let Case { how, rule, severity, server, applies } = *case;
        let of = |value: &Value, server: &str| value.server.as_ref().is_some_and(|name| name.as_str() == server);
        let rests_on =
            |finding: &AuditFinding| server.is_none_or(|server| finding.values.iter().any(|value| of(value, server)));
        let mut found = judged.audit.findings.iter();
        let found = found.find(|finding| finding.rule == rule && finding.severity == severity && rests_on(finding));
        let finding = found.unwrap_or_else(|| panic!("no {severity} {rule} of {server:?} in {:#?}", judged.audit));
        assert!(!finding.values.is_empty() && !finding.effect.is_empty() && !finding.fix.is_empty(), "{finding:#?}");
        assert!(finding.effect.contains("login"), "{rule} does not say what it means for logins: {}", finding.effect);
        assert_eq!(finding.applies, applies, "{finding:#?}");
        for value in &finding.values {
            // What is fixed when a server is built is no setting to its readers.
            let Some(setting) = judged.setting(value).filter(|setting| !setting.is_fixed()) else { continue };
            let shown = (value.value.clone(), value.place.clone());
            // What stands in a file has a value and a place of its own, beside those of what is in force.
            let in_file = rule == AuditRule::LoadedFiles && value.place.is_some();
            assert!(in_file || shown == (setting.shown(), Some(setting.place())), "{value:?} in {finding:#?}");
        }
        self.broken.entry(rule).or_default().insert(how);
        finding
    }

    /// The rule was checked, and found nothing.
    pub(super) fn holds(&mut self, how: How, judged: &Judged, rule: AuditRule) {
        let audit = &judged.audit;
        let found: Vec<_> = audit.findings.iter().filter(|finding| finding.rule == rule).collect();
        assert!(found.is_empty(), "{found:#?}");
        // One thing about the standby's role is seen by nobody, and always said.
        let unseen: Vec<_> = audit
            .not_checked
            .iter()
            .filter(|note| note.rule == rule && !note.because.contains("cannot be seen by any statement"))
            .collect();
        assert!(unseen.is_empty(), "{unseen:#?}");
        self.held.entry(rule).or_default().insert(how);
    }

    /// All rules were shown, and as the table says.
    pub(super) fn is_the_table(&self) {
        let shown = |of: &BTreeMap<AuditRule, BTreeSet<How>>, rule: &AuditRule| -> Vec<How> {
            of.get(rule).map(|how| how.iter().copied().collect()).unwrap_or_default()
        };
        for (rule, broken, held) in TABLE {
            assert_eq!(
                (shown(&self.broken, rule), shown(&self.held, rule)),
                (broken.to_vec(), held.to_vec()),
                "{rule}"
            );
        }
        let listed: Vec<AuditRule> = TABLE.iter().map(|(rule, ..)| *rule).collect();
        assert_eq!(listed, AuditRule::ALL, "each rule has its row");
    }
}
