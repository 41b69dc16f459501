//! The table of the rules for PostgreSQL: what each is, how much must be seen before it holds, and who looks.
//! Knows no sample and no time.

use jiff::SignedDuration;

use super::evidence::{Look, Need};
use super::view::View;
use super::{commit, connection, endpoint, identity, lag, peer, slot, standby};
use crate::model::{Nature, PostgresFacts, Rule};

/// Looks at one server's answer.
pub(super) type Looker<F> = fn(&View<'_, F>) -> Look;

/// One rule over what a server of a kind says.
pub(super) struct Check<F> {
    /// The rule.
    pub rule: Rule,
    /// What logins suffer from, or why.
    pub nature: Nature,
    /// How much must be seen.
    pub need: Need,
    /// Looks at one server's answer.
    pub look: Looker<F>,
}

/// Where a standby that restarts, a failover or a burst looks the same for a moment.
pub(super) const MOMENT: Need = Need::Slots { samples: 3, over: SignedDuration::from_secs(2) };

/// Where the value seen has an age of its own, or is a setting: once more, to be sure.
const TWICE: Need = Need::every(2, 500);

/// Where a switch of roles is under way, or each login is a moment's wait.
const SECONDS: Need = Need::every(3, 4_000);

const fn effect(rule: Rule, need: Need, look: Looker<PostgresFacts>) -> Check<PostgresFacts> {
    Check { rule, nature: Nature::Effect, need, look }
}

const fn cause(rule: Rule, need: Need, look: Looker<PostgresFacts>) -> Check<PostgresFacts> {
    Check { rule, nature: Nature::Cause, need, look }
}

/// Every rule but `unknown`, which needs no facts.
pub(super) const CHECKS: &[Check<PostgresFacts>] = &[
    effect(Rule::SyncWait, SECONDS, commit::sync_wait),
    effect(Rule::SyncHang, TWICE, commit::sync_hang),
    cause(Rule::QuorumShort, MOMENT, commit::quorum_short),
    cause(Rule::StaleReply, TWICE, peer::stale_reply),
    cause(Rule::SlowReplay, MOMENT, lag::slow_replay),
    cause(Rule::StandbyAbsent, MOMENT, peer::standby_absent),
    cause(Rule::SlotIdle, MOMENT, slot::slot_idle),
    cause(Rule::SlotLost, TWICE, slot::slot_lost),
    effect(Rule::ConnectionsExhausted, MOMENT, connection::connections_exhausted),
    cause(Rule::NoReceiver, MOMENT, standby::no_receiver),
    cause(Rule::ReplayPaused, TWICE, standby::replay_paused),
    cause(Rule::ReplayBlocked, SECONDS, standby::replay_blocked),
    effect(Rule::LaggingReads, TWICE, lag::lagging_reads),
    effect(Rule::ReplayLag, TWICE, lag::replay_lag),
    cause(Rule::TimelineDiffers, MOMENT, identity::timeline_differs),
    cause(Rule::SystemDiffers, TWICE, identity::system_differs),
    cause(Rule::TwoPrimaries, SECONDS, identity::two_primaries),
    cause(Rule::WrongRole, MOMENT, identity::wrong_role),
    cause(Rule::WrongEndpoint, endpoint::SESSIONS, endpoint::wrong_endpoint),
    cause(Rule::ReadOnly, TWICE, endpoint::read_only),
];
