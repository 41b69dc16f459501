//! The table of the rules for MariaDB: each looks at one server's answer and says what it sees; `Watch` does the rest.
//!
//! Semi-synchronous replication waits for a replica to have received a commit, not to have applied it, and by default
//! for ten seconds only: so there is no slow replay here that logins wait for, and a lost replica costs one slow commit
//! instead of all, unless the time limit is set beyond what people wait.

mod commit;
mod replica;
mod role;

use super::evidence::Need;
use super::rules::{Check, MOMENT};
use super::view::View;
use crate::model::{MariaFacts, Nature, Rule, ServerRole};

/// Where the value seen has an age of its own, or is a setting: once more, to be sure.
const TWICE: Need = Need::every(2, 500);

/// Where a switch of roles is under way, or each login is a moment's wait.
const SECONDS: Need = Need::every(3, 4_000);

const fn check(rule: Rule, nature: Nature, need: Need, look: super::rules::Looker<MariaFacts>) -> Check<MariaFacts> {
    Check { rule, nature, need, look }
}

/// Every rule but `unknown`, which needs no facts.
pub(super) const CHECKS: &[Check<MariaFacts>] = &[
    check(Rule::SyncWait, Nature::Effect, SECONDS, commit::sync_wait),
    check(Rule::SyncHang, Nature::Effect, TWICE, commit::sync_hang),
    check(Rule::QuorumShort, Nature::Cause, MOMENT, commit::quorum_short),
    check(Rule::StaleReply, Nature::Cause, TWICE, commit::stale_reply),
    check(Rule::SemiSyncOff, Nature::Cause, MOMENT, commit::semi_sync_off),
    check(Rule::StandbyAbsent, Nature::Cause, MOMENT, replica::standby_absent),
    check(Rule::ReplicaStopped, Nature::Cause, MOMENT, replica::replica_stopped),
    check(Rule::LaggingReads, Nature::Effect, SECONDS, replica::lagging_reads),
    check(Rule::ReplayLag, Nature::Effect, SECONDS, replica::replay_lag),
    check(Rule::ConnectionsExhausted, Nature::Effect, MOMENT, role::connections_exhausted),
    check(Rule::TwoPrimaries, Nature::Cause, SECONDS, role::two_primaries),
    check(Rule::WrongRole, Nature::Cause, MOMENT, role::wrong_role),
    check(Rule::WrongEndpoint, Nature::Cause, super::endpoint::SESSIONS, role::wrong_endpoint),
    check(Rule::ReadOnly, Nature::Cause, TWICE, role::read_only),
];

/// Commits are made here: it takes writes and is the configured primary, or follows nobody.
fn takes_writes(view: &View<'_, MariaFacts>) -> bool {
    !view.facts.read_only && (view.server.role == ServerRole::Primary || view.facts.replica.is_none())
}

impl View<'_, MariaFacts> {
    /// What the configured primary said last, if that is not long ago.
    fn leader(&self) -> Option<&MariaFacts> {
        self.peers.iter().find(|peer| peer.server.role == ServerRole::Primary).map(|peer| peer.facts)
    }
}

#[cfg(test)]
mod tests;
