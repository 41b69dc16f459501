//! What is learned of a MariaDB server at each slot. Names follow the server's own variables; absence is `None`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::units::Micros;

/// One row per server and slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MariaFacts {
    /// The server's own clock when it answered.
    pub at: Timestamp,
    /// `VERSION()`: `10.11.19-MariaDB-0+deb12u1-log`.
    pub version: String,
    /// Since when it runs, from `Uptime`, to the second.
    pub started: Timestamp,
    /// `server_id`: unique within the set.
    pub server_id: u64,
    /// `read_only`: error 1290 for all but roles with READ ONLY ADMIN.
    pub read_only: bool,
    /// `tx_read_only`: new sessions get read-only transactions, error 1792 for everybody.
    pub transactions_read_only: bool,
    /// `gtid_binlog_pos`: the last transaction of each domain in this server's binary log, its own and replicated ones.
    pub written: Gtids,
    /// Semi-synchronous replication is switched on at this primary (`rpl_semi_sync_master_enabled`).
    pub semi_sync_wanted: bool,
    /// It is in force now (`Rpl_semi_sync_master_status`): off after a timeout. With no replica left it stays on until
    /// the next commit has waited in vain.
    pub semi_sync_on: bool,
    /// Replicas that acknowledge (`Rpl_semi_sync_master_clients`).
    pub semi_sync_clients: u64,
    /// Commits that nobody acknowledged since the server started (`Rpl_semi_sync_master_no_tx`).
    pub unacknowledged: u64,
    /// After this without acknowledgement a commit goes on alone (`rpl_semi_sync_master_timeout`).
    pub semi_sync_timeout: Micros,
    /// Commits wait for that long also while no replica is connected (`rpl_semi_sync_master_wait_no_slave`).
    pub waits_without_replica: bool,
    /// Sessions that wait for an acknowledgement now. With `AFTER_SYNC` one session waits for its whole group.
    pub waiters: u64,
    /// How long the oldest of them has waited, its statement's own time included.
    pub oldest_wait: Option<Micros>,
    /// Replicas that fetch from here now, semi-synchronous or not (`Binlog Dump` sessions).
    pub streams: u64,
    /// Client sessions (`Threads_connected`), those of replicas included.
    pub clients: u64,
    /// `max_connections`.
    pub limit: u64,
    /// Sessions of the login service's role; `None` when the role is not configured.
    pub login_sessions: Option<u64>,
    /// The link to the primary; `None` on a server that follows nobody. Of several links the one that is worst off.
    pub replica: Option<ReplicaLink>,
}

/// What `SHOW REPLICA STATUS` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaLink {
    /// The thread that fetches: `Yes`, `No`, `Preparing`, `Connecting`.
    pub io_running: String,
    /// The thread that applies: `Yes`, `No`.
    pub sql_running: String,
    /// Number and text of the fetching thread's last error.
    pub io_error: Option<String>,
    /// Number and text of the applying thread's last error, without the data that it may quote.
    pub sql_error: Option<String>,
    /// `Seconds_Behind_Master`, whole seconds: `None` when a thread stands; can be 0 while the link is cut.
    pub behind: Option<Micros>,
    /// `SQL_Delay`: everything is applied this much later on purpose.
    pub delay: Micros,
    /// `gtid_slave_pos`: the last transaction of each domain that was applied; this server's own writes do not count.
    pub applied: Gtids,
    /// The primary's address, as configured.
    pub primary: String,
}

/// A GTID position: the last transaction of each domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gtids(BTreeMap<u32, Gtid>);

/// The last transaction of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gtid {
    /// The server that first wrote it.
    pub server: u64,
    /// Its number within the domain.
    pub sequence: u64,
}

impl Gtids {
    /// Reads `0-1-57,1-2-3` as the server writes it; empty is the position before any transaction.
    ///
    /// # Errors
    /// A text that is no GTID position.
    pub fn parse(text: &str) -> Result<Self, String> {
        let one = |part: &str| -> Option<(u32, Gtid)> {
            let mut numbers = part.trim().split('-');
            let (domain, server, sequence) = (numbers.next()?, numbers.next()?, numbers.next()?);
            let gtid = Gtid { server: server.parse().ok()?, sequence: sequence.parse().ok()? };
            if numbers.next().is_some() { None } else { Some((domain.parse().ok()?, gtid)) }
        };
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        let all: Option<BTreeMap<u32, Gtid>> = parts.map(one).collect();
        all.map(Self).ok_or_else(|| format!("{text} is not a GTID position like 0-1-57"))
    }

    /// The last transaction of a domain.
    #[must_use]
    pub fn last(&self, domain: u32) -> Option<Gtid> {
        self.0.get(&domain).copied()
    }

    /// Transactions of `other`'s domains that are not here yet; 0 when this is as far or farther.
    #[must_use]
    pub fn behind(&self, other: &Self) -> u64 {
        let missing = |(domain, gtid): (&u32, &Gtid)| {
            gtid.sequence.saturating_sub(self.last(*domain).map_or(0, |own| own.sequence))
        };
        other.0.iter().map(missing).fold(0, u64::saturating_add)
    }

    /// The transactions in this binary log that its own server wrote after what it has applied of others: writes that
    /// no primary knows. Only domains in which something was applied say that.
    #[must_use]
    pub fn own_beyond(&self, server: u64, applied: &Self) -> Vec<String> {
        let own = |(domain, gtid): (&u32, &Gtid)| {
            let before = applied.last(*domain)?;
            let astray = gtid.server == server && gtid.sequence > before.sequence;
            astray.then(|| format!("{domain}-{}-{}", gtid.server, gtid.sequence))
        };
        self.0.iter().filter_map(own).collect()
    }
}

impl fmt::Display for Gtids {
    /// As the server writes it: `0-1-57,1-2-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (domain, gtid)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{domain}-{}-{}", gtid.server, gtid.sequence)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Gtids {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Gtids> for String {
    fn from(gtids: Gtids) -> Self {
        gtids.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gtids(text: &str) -> Gtids {
        Gtids::parse(text).unwrap()
    }

    #[test]
    fn positions_are_read_as_the_server_writes_them() {
        for text in ["", "0-1-57", "0-1-57,1-2-3", "0-4294967295-18446744073709551615"] {
            assert_eq!(gtids(text).to_string(), text);
        }
        assert_eq!(gtids(" 0-1-5,\n1-1-7 ").to_string(), "0-1-5,1-1-7", "SHOW REPLICA STATUS breaks lines");
        for text in ["0-1", "0-1-5-6", "a-1-5", "0-1-", "0-1--5"] {
            assert!(Gtids::parse(text).is_err(), "{text}");
        }
        let json = serde_json::to_string(&gtids("0-1-57")).unwrap();
        assert_eq!((json.as_str(), serde_json::from_str::<Gtids>(&json).unwrap()), ("\"0-1-57\"", gtids("0-1-57")));
    }

    #[test]
    fn what_is_missing_is_counted_in_the_others_domains() {
        assert_eq!(gtids("0-1-50").behind(&gtids("0-1-57")), 7);
        assert_eq!(gtids("0-1-50").behind(&gtids("0-1-57,1-2-3")), 10);
        assert_eq!(gtids("0-1-57,9-9-9").behind(&gtids("0-1-57")), 0);
        assert_eq!(gtids("0-2-60").behind(&gtids("0-1-57")), 0);
    }

    #[test]
    fn own_writes_are_those_after_what_was_applied() {
        assert_eq!(gtids("0-2-41").own_beyond(2, &gtids("0-1-40")), ["0-2-41"], "as measured on two primaries");
        assert!(gtids("0-1-41").own_beyond(2, &gtids("0-1-41")).is_empty());
        assert!(gtids("0-2-41").own_beyond(2, &gtids("0-2-41")).is_empty(), "an old primary that follows now");
        assert!(gtids("0-2-41").own_beyond(2, &gtids("")).is_empty(), "one that has applied nothing yet");
    }
}
