//! The statements that ask a MariaDB server, and what their rows say. Knows the server's names, no connection.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::super::failure::Failure;
use super::refusal::{applying_error, fetching_error};
use crate::model::{Gtids, MariaFacts, Micros, ReplicaLink, Unknown};

/// The oldest version whose words and rights are those used here: REPLICA MONITOR came with 10.5.9.
const OLDEST: (u32, u32, u32) = (10, 5, 9);

/// For each session: it only reads, and the server itself ends what takes too long.
pub(super) fn preparation(limit: std::time::Duration) -> [String; 2] {
    [
        "SET SESSION TRANSACTION READ ONLY".to_owned(),
        format!("SET SESSION max_statement_time = {:.3}", limit.as_secs_f64()),
    ]
}

/// The question of each slot: one row of the server, then a row for each primary that it follows.
///
/// `INNODB_CMP` is asked only because the server refuses it to roles without PROCESS: without that right the list of
/// sessions would be silently short, and a hang would look like health.
pub(super) fn question(login_role: Option<&str>) -> String {
    let login = login_role.map_or_else(
        || "NULL".to_owned(),
        |role| format!("SUM(USER = X'{}')", role.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()),
    );
    let status = |name: &str| format!("MAX(IF(VARIABLE_NAME = '{name}', VARIABLE_VALUE, NULL))");
    let waits = "STATE LIKE 'Waiting for semi-sync ACK from %'";
    format!(
        "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR) AS clock, VERSION() AS version, server.*, session.*, \
         @@global.server_id AS server_id, @@global.read_only AS read_only, @@global.tx_read_only AS tx_read_only, \
         @@global.gtid_binlog_pos AS written, \
         @@global.gtid_slave_pos AS applied, @@global.max_connections AS max_connections, \
         @@global.rpl_semi_sync_master_enabled AS enabled, @@global.rpl_semi_sync_master_timeout AS timeout, \
         @@global.rpl_semi_sync_master_wait_no_slave AS wait_no_slave, \
         (SELECT COUNT(*) FROM information_schema.INNODB_CMP) AS sees_all \
         FROM (SELECT {uptime} AS uptime, {connected} AS connected, {on} AS semi_sync, {clients} AS clients, \
         {no_tx} AS no_tx FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('UPTIME', \
         'THREADS_CONNECTED', 'RPL_SEMI_SYNC_MASTER_STATUS', 'RPL_SEMI_SYNC_MASTER_CLIENTS', \
         'RPL_SEMI_SYNC_MASTER_NO_TX')) AS server, \
         (SELECT SUM({waits}) AS waiters, MAX(IF({waits}, TIME_MS, NULL)) AS oldest, \
         SUM(COMMAND = 'Binlog Dump') AS streams, {login} AS login_sessions \
         FROM information_schema.PROCESSLIST) AS session; \
         SHOW ALL REPLICAS STATUS",
        uptime = status("UPTIME"),
        connected = status("THREADS_CONNECTED"),
        on = status("RPL_SEMI_SYNC_MASTER_STATUS"),
        clients = status("RPL_SEMI_SYNC_MASTER_CLIENTS"),
        no_tx = status("RPL_SEMI_SYNC_MASTER_NO_TX"),
    )
}

/// One row by its columns' names.
#[derive(Debug, Clone, Default)]
pub(super) struct Record(pub(super) Vec<(String, Option<String>)>);

impl Record {
    fn get(&self, column: &str) -> Result<Option<&str>, Failure> {
        let found = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
        found.map(|(_, value)| value.as_deref()).ok_or_else(|| garbled(column, "is missing"))
    }

    fn text(&self, column: &str) -> Result<&str, Failure> {
        self.get(column)?.ok_or_else(|| garbled(column, "is NULL"))
    }

    fn number<T: std::str::FromStr>(&self, column: &str) -> Result<T, Failure> {
        self.perhaps(column)?.ok_or_else(|| garbled(column, "is NULL"))
    }

    fn perhaps<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>, Failure> {
        let read = |text: &str| text.parse().map_err(|_| garbled(column, "is not the number that it should be"));
        self.get(column)?.map(read).transpose()
    }

    fn switch(&self, column: &str) -> Result<bool, Failure> {
        match self.text(column)? {
            "1" | "ON" => Ok(true),
            "0" | "OFF" => Ok(false),
            _ => Err(garbled(column, "is neither on nor off")),
        }
    }

    fn gtids(&self, column: &str) -> Result<Gtids, Failure> {
        Gtids::parse(self.text(column)?).map_err(|reason| garbled(column, &reason))
    }
}

fn garbled(column: &str, what: &str) -> Failure {
    Failure::new(Unknown::Garbled, format!("the server's answer cannot be understood: {column} {what}"))
}

/// What the answers to [`question`] say.
pub(super) fn facts(answers: &[Vec<Record>]) -> Result<MariaFacts, Failure> {
    let [server, links] = answers else { return Err(garbled("the number of answers", "is not two")) };
    let [row] = server.as_slice() else { return Err(garbled("the number of rows", "is not one")) };
    let at = instant(row)?;
    let uptime: i64 = row.number("uptime")?;
    let started = at.checked_sub(jiff::SignedDuration::from_secs(uptime)).map_err(|_| garbled("uptime", "is huge"))?;
    let oldest: Option<f64> = row.perhaps("oldest")?;
    let applied = row.gtids("applied")?;
    let links = links.iter().map(|row| link(row, &applied)).collect::<Result<Vec<_>, _>>()?;
    Ok(MariaFacts {
        at,
        version: row.text("version")?.to_owned(),
        started,
        server_id: row.number("server_id")?,
        read_only: row.switch("read_only")?,
        transactions_read_only: row.switch("tx_read_only")?,
        written: row.gtids("written")?,
        semi_sync_wanted: row.switch("enabled")?,
        semi_sync_on: row.switch("semi_sync")?,
        semi_sync_clients: row.number("clients")?,
        unacknowledged: row.number("no_tx")?,
        semi_sync_timeout: Micros(row.number::<u64>("timeout")?.saturating_mul(1000)),
        waits_without_replica: row.switch("wait_no_slave")?,
        waiters: row.number("waiters")?,
        oldest_wait: oldest.map(|millis| Micros((millis.max(0.0) * 1000.0) as u64)),
        streams: row.number("streams")?,
        clients: row.number("connected")?,
        limit: row.number("max_connections")?,
        login_sessions: row.perhaps("login_sessions")?,
        replica: links.into_iter().max_by_key(trouble),
    })
}

fn instant(row: &Record) -> Result<Timestamp, Failure> {
    let civil: DateTime = row.text("clock")?.parse().map_err(|_| garbled("clock", "is no time"))?;
    TimeZone::UTC.to_timestamp(civil).map_err(|_| garbled("clock", "is no time"))
}

/// One link. What was applied comes from the server: `Gtid_Slave_Pos` of this row counts the server's own writes too.
fn link(row: &Record, applied: &Gtids) -> Result<ReplicaLink, Failure> {
    let error = |number: &str, text: &str, say: fn(u32, &str) -> Option<String>| -> Result<Option<String>, Failure> {
        Ok(say(row.number(number)?, row.text(text)?))
    };
    Ok(ReplicaLink {
        io_running: row.text("Slave_IO_Running")?.to_owned(),
        sql_running: row.text("Slave_SQL_Running")?.to_owned(),
        io_error: error("Last_IO_Errno", "Last_IO_Error", fetching_error)?,
        sql_error: error("Last_SQL_Errno", "Last_SQL_Error", applying_error)?,
        behind: row.perhaps::<u64>("Seconds_Behind_Master")?.map(|seconds| Micros(seconds.saturating_mul(1_000_000))),
        delay: Micros(row.number::<u64>("SQL_Delay")?.saturating_mul(1_000_000)),
        applied: applied.clone(),
        primary: format!("{}:{}", row.text("Master_Host")?, row.text("Master_Port")?),
    })
}

/// Which of several links is worst off: one with a thread that stands, then the one farthest behind.
fn trouble(link: &ReplicaLink) -> (bool, bool, u64) {
    let stands = |running: &str| running != "Yes";
    (stands(&link.sql_running), stands(&link.io_running), link.behind.map_or(u64::MAX, |behind| behind.0))
}

/// Whether this version is one whose answers are understood.
pub(super) fn supported(version: &str) -> Result<(), Failure> {
    let refuse = |what: &str| {
        let message = format!("{what}; MariaDB {}.{}.{} or newer is needed", OLDEST.0, OLDEST.1, OLDEST.2);
        Err(Failure::new(Unknown::Version, message))
    };
    if !version.contains("MariaDB") {
        return refuse(&format!("the server is not MariaDB but {version}, whose names of replication differ"));
    }
    // Old servers say 5.5.5-10.11.19-MariaDB to clients that know no version above 5.
    let plain = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut numbers = plain.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(major), Some(minor), Some(patch)) if (major, minor, patch) >= OLDEST => Ok(()),
        (Some(_), Some(_), Some(_)) => refuse(&format!("the server is MariaDB {version}")),
        _ => refuse(&format!("the server says that it is {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pairs: &[(&str, &str)]) -> Record {
        let value = |text: &str| if text == "NULL" { None } else { Some(text.to_owned()) };
        Record(pairs.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect())
    }

    fn server() -> Record {
        record(&[
            ("clock", "2026-11-24 02:30:11.250000"),
            ("version", "10.11.19-MariaDB-0+deb12u1-log"),
            ("uptime", "11"),
            ("connected", "3"),
            ("semi_sync", "ON"),
            ("clients", "1"),
            ("no_tx", "16"),
            ("waiters", "2"),
            ("oldest", "1502.250"),
            ("streams", "1"),
            ("login_sessions", "NULL"),
            ("server_id", "1"),
            ("read_only", "0"),
            ("tx_read_only", "0"),
            ("written", "0-2-58"),
            ("applied", "0-1-57"),
            ("max_connections", "40"),
            ("enabled", "1"),
            ("timeout", "10000"),
            ("wait_no_slave", "1"),
            ("sees_all", "5"),
        ])
    }

    fn follower(behind: &str, io: &str) -> Record {
        record(&[
            ("Slave_IO_Running", io),
            ("Slave_SQL_Running", "Yes"),
            ("Last_IO_Errno", "0"),
            ("Last_IO_Error", ""),
            ("Last_SQL_Errno", "0"),
            ("Last_SQL_Error", ""),
            ("Seconds_Behind_Master", behind),
            ("SQL_Delay", "0"),
            ("Master_Host", "db1"),
            ("Master_Port", "3306"),
        ])
    }

    #[test]
    fn rows_become_facts() {
        let facts = facts(&[vec![server()], vec![follower("NULL", "No"), follower("0", "Yes")]]).unwrap();
        assert_eq!(facts.at.to_string(), "2026-11-24T02:30:11.25Z");
        assert_eq!(facts.started.to_string(), "2026-11-24T02:30:00.25Z");
        assert_eq!((facts.waiters, facts.oldest_wait), (2, Some(Micros(1_502_250))));
        assert_eq!((facts.semi_sync_timeout, facts.login_sessions), (Micros(10_000_000), None));
        let link = facts.replica.unwrap();
        assert_eq!((facts.written.to_string(), link.applied.to_string()), ("0-2-58".into(), "0-1-57".into()));
        assert_eq!((link.io_running.as_str(), link.behind, link.primary.as_str()), ("No", None, "db1:3306"));
    }

    #[test]
    fn an_answer_that_is_not_understood_is_no_zero() {
        let mut odd = server();
        odd.0.retain(|(name, _)| name != "clients");
        let fault = facts(&[vec![odd], Vec::new()]).unwrap_err();
        assert_eq!(fault.why, Unknown::Garbled);
        assert!(fault.message.contains("clients is missing"), "{}", fault.message);
        let mut odd = server();
        odd.0.iter_mut().find(|(name, _)| name == "waiters").unwrap().1 = None;
        assert!(facts(&[vec![odd], Vec::new()]).unwrap_err().message.contains("waiters is NULL"));
    }

    #[test]
    fn only_servers_whose_words_are_known_are_asked() {
        for version in ["10.11.19-MariaDB-0+deb12u1-log", "5.5.5-10.5.9-MariaDB", "11.4.2-MariaDB", "12.0.1-MariaDB"] {
            assert!(supported(version).is_ok(), "{version}");
        }
        for version in ["8.0.36", "10.5.8-MariaDB", "5.5.68-MariaDB", "8.4.0-commercial"] {
            assert_eq!(supported(version).unwrap_err().why, Unknown::Version, "{version}");
        }
    }

    #[test]
    fn a_roles_name_cannot_leave_its_place() {
        assert!(question(Some("app' OR 1")).contains("SUM(USER = X'617070"));
        assert!(question(None).contains("NULL AS login_sessions"));
    }
}
