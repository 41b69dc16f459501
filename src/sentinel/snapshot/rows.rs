//! Rows as the server answers them, where they differ from what is kept.

use jiff::Timestamp;
use serde::Deserialize;

use crate::audit::{Override, reduced};

/// What decides which questions can be asked.
#[derive(Deserialize)]
pub(super) struct BasicRow {
    pub(super) at_micros: i64,
    pub(super) version: u32,
    pub(super) started: Timestamp,
    pub(super) loaded: Timestamp,
    pub(super) in_recovery: bool,
    pub(super) system: u64,
    pub(super) timeline: u32,
    pub(super) asked_as: String,
    pub(super) sees_all: bool,
    pub(super) has_reserved: bool,
    pub(super) reads_host_access: bool,
    pub(super) reads_files: bool,
}

impl BasicRow {
    /// The server's clock less ours, and how far that may be wrong, in microseconds: it answered at some instant
    /// between the two.
    pub(super) fn offset(&self, asked: Timestamp, answered: Timestamp) -> (i64, u64) {
        let (asked, answered) = (asked.as_microsecond(), answered.as_microsecond());
        let middle = asked + (answered - asked) / 2;
        (self.at_micros - middle, (answered - asked).unsigned_abs() / 2)
    }
}

/// A row of `pg_db_role_setting`.
#[derive(Deserialize)]
pub(super) struct OverrideRow {
    database: Option<String>,
    role: Option<String>,
    settings: Vec<String>,
}

impl OverrideRow {
    /// One per setting, without secrets.
    pub(super) fn reduced(&self) -> Vec<Override> {
        let split = |pair: &String| {
            let (setting, value) = pair.split_once('=')?;
            let (database, role) = (self.database.clone(), self.role.clone());
            Some(Override { database, role, setting: setting.to_owned(), value: reduced(setting, value) })
        };
        self.settings.iter().filter_map(split).collect()
    }
}

/// A row of `pg_extension`.
#[derive(Deserialize)]
pub(super) struct ExtensionRow {
    pub(super) name: String,
    pub(super) version: String,
}

/// The row of `pg_stat_wal_receiver`.
#[derive(Deserialize)]
pub(super) struct ReceiverRow {
    pub(super) status: Option<String>,
    pub(super) slot: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) conninfo: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_at_the_middle_of_the_round_trip() {
        let row = |at_micros| BasicRow {
            at_micros,
            version: 150_018,
            started: Timestamp::UNIX_EPOCH,
            loaded: Timestamp::UNIX_EPOCH,
            in_recovery: false,
            system: 1,
            timeline: 1,
            asked_as: String::new(),
            sees_all: true,
            has_reserved: false,
            reads_host_access: false,
            reads_files: false,
        };
        let at = |micros| Timestamp::from_microsecond(micros).unwrap();
        assert_eq!(row(2_000_050).offset(at(0), at(100)), (2_000_000, 50));
        assert_eq!(row(0).offset(at(1_000_000), at(1_000_000)), (-1_000_000, 0));
    }
}
