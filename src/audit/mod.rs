//! The audit of a database's configuration: what single servers cannot see of themselves, held against rules that were
//! measured. Pure: what the servers say is an argument, and so is the time.
//!
//! `snapshot` and `setting` are what a server says, without secrets; `scene` is how rules see the servers; `rules`
//! holds one function per rule; `judge` runs them; `drift` says what changed and when.

mod conninfo;
mod drift;
mod files;
mod finding;
mod host_access;
mod judge;
mod rules;
mod scene;
mod setting;
mod snapshot;
mod sql;
mod value;

#[cfg(test)]
mod tests;

pub use conninfo::{Conninfo, HIDDEN};
pub use drift::{Drift, between, drift};
pub use files::{RawFileLine, not_in_force};
pub use finding::{Applies, Audit, AuditFinding, AuditedServer, NotChecked, Value};
pub use judge::{audit, audit_history};
pub use setting::{RawSetting, Setting, reduced};
pub use snapshot::{
    Archiver, Content, DatabaseFacts, FileSetting, Gap, HostAccess, LinkFacts, Override, Part, ReceiverFacts, Role,
    Round, ServerState, SlotFacts, Snapshot, WalRate,
};
