//! One small function per rule, in files by meaning; here, which is which.

mod access;
mod capacity;
mod evidence;
mod expect;
mod hygiene;
mod names;
mod quorum;
mod recovery;
mod replay;
mod service;
mod slots;
mod timeouts;

use super::scene::{Checked, Notes, Scene};
use crate::model::AuditRule;

/// Checks one rule.
pub(super) fn check(rule: AuditRule, scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let check: fn(&Scene<'_>, &mut Notes) -> Checked = match rule {
        AuditRule::SyncNames => names::sync_names,
        AuditRule::SyncCount => quorum::sync_count,
        AuditRule::SyncStar => names::sync_star,
        AuditRule::SyncIntent => quorum::sync_intent,
        AuditRule::RemoteApply => replay::remote_apply,
        AuditRule::Overrides => quorum::overrides,
        AuditRule::ReadOnlyDefault => quorum::read_only_default,
        AuditRule::StandbyCapacity => capacity::standby_capacity,
        AuditRule::WalLevel => capacity::wal_level,
        AuditRule::SenderRoom => capacity::sender_room,
        AuditRule::StandbySlot => slots::standby_slot,
        AuditRule::SlotLimit => slots::slot_limit,
        AuditRule::WalKeep => slots::wal_keep,
        AuditRule::ForeignSlots => slots::foreign_slots,
        AuditRule::SenderTimeout => timeouts::sender_timeout,
        AuditRule::ReceiverTimeout => timeouts::receiver_timeout,
        AuditRule::ApplyDelay => replay::apply_delay,
        AuditRule::StreamingDelay => replay::streaming_delay,
        AuditRule::HotStandby => replay::hot_standby,
        AuditRule::RecoveryTarget => recovery::recovery_target,
        AuditRule::Copies => recovery::copies,
        AuditRule::Versions => recovery::versions,
        AuditRule::DurableWrites => recovery::durable_writes,
        AuditRule::Rewind => recovery::rewind,
        AuditRule::Archive => recovery::archive,
        AuditRule::PendingRestart => hygiene::pending_restart,
        AuditRule::LoadedFiles => hygiene::loaded_files,
        AuditRule::ManagedFiles => hygiene::managed_files,
        AuditRule::ReplicationRole => access::replication_role,
        AuditRule::HostAccess => access::host_access,
        AuditRule::Conninfo => access::conninfo_hygiene,
        AuditRule::ReservedConnections => capacity::reserved_connections,
        AuditRule::ServicePool => service::pool,
        AuditRule::ServiceTarget => service::target,
        AuditRule::ServiceDeadline => service::deadline,
        AuditRule::SessionTimeouts => hygiene::session_timeouts,
        AuditRule::LogEvidence => evidence::log_evidence,
        AuditRule::ClockOffset => evidence::clock_offset,
        AuditRule::Expectation => expect::expectations,
    };
    check(scene, notes)
}
