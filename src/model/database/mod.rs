//! The database behind a login: its servers, when they are asked, what they answered, and what that means.

mod audit;
mod facts;
mod finding;
mod mariadb;
mod sample;
mod server;

pub use audit::{AuditRule, AuditTerms, Must, ServiceFacts, SettingExpectation};
pub use facts::{Connection, Link, Lsn, PostgresFacts, Receiver, Replay, Slot};
pub use finding::{Finding, Nature, Rule, Severity};
pub use mariadb::{Gtid, Gtids, MariaFacts, ReplicaLink};
pub use sample::{Answer, Facts, Sample, Unknown};
pub use server::{Database, DatabaseSchedule, Engine, Server, ServerRole, TlsMode};
