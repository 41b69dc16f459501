//! The one statement, and how its answer is read. All that is learned at a slot is one JSON text, so that it belongs to
//! one instant and one round trip.

use crate::model::{PostgresFacts, Unknown};

use super::super::failure::Failure;

/// The oldest version with all that is read.
pub(super) const OLDEST: u32 = 13;
/// The newest version whose views are known; newer ones are asked alike.
pub(super) const NEWEST: u32 = 17;

/// Settings that a role can have to itself, so that the role which asks would see its own instead of the server's.
const OWN: &str = "'default_transaction_read_only', 'synchronous_commit'";

/// Its answer is one row: whether the role may see other sessions, which settings it has to itself, and the facts.
///
/// What differs by version: the state of a pause is told in words from 14 on, and copies of the primary's slots stand on
/// a standby from 17. Connections that are reserved for roles, from 16, are a setting, which is no column and may be absent.
pub(super) fn text(version: u32, login_role: Option<&str>) -> String {
    let login = login_role.map_or_else(
        || "null::oid".to_owned(),
        |role| format!("(select oid from pg_roles where rolname = {})", literal(role)),
    );
    let pause = if version >= 14 {
        "pg_get_wal_replay_pause_state()"
    } else {
        "case when pg_is_wal_replay_paused() then 'paused' else 'not paused' end"
    };
    let own_slots = if version >= 17 { "not temporary and not synced" } else { "not temporary" };
    let setting = |name: &str| format!("(select setting from known where name = '{name}')");
    let number = |name: &str| format!("coalesce({}::bigint, 0)", setting(name));
    format!(
        "with here as materialized (
  select recovery, {login} as login,
    case when recovery then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as position,
    case when recovery then pg_last_wal_receive_lsn() end as received
  from pg_is_in_recovery() recovery
), known as materialized (
  select name, setting, source, pending_restart from pg_settings where pending_restart or name in ({OWN},
    'wal_receiver_status_interval', 'wal_sender_timeout', 'recovery_min_apply_delay', 'max_connections',
    'superuser_reserved_connections', 'reserved_connections', 'restore_command', 'primary_conninfo')
), session as materialized (
  select pid, usesysid, backend_type, wait_event_type, wait_event, query_start from pg_stat_activity
), waiter as materialized (
  select query_start from session, here
  where wait_event = 'SyncRep' and pid <> pg_backend_pid() and (login is null or usesysid = login)
), link as materialized (
  select application_name as name, state, sync_state, {reply_age} as reply_age, {reply_ahead} as reply_ahead,
    {replay_lag} as replay_lag, {behind} as behind
  from pg_stat_replication, here order by application_name, pid
), slot as materialized (
  select slot_name as name, slot_type = 'physical' as physical, active, wal_status, {retained} as retained
  from pg_replication_slots, here where {own_slots} order by slot_name
), receiver as materialized (
  select status, nullif(slot_name, '') as slot, {message_age} as message_age
  from pg_stat_wal_receiver where pid is not null
), replay as materialized (
  select {pause} as pause, {gap} as gap, {delay} * 1000 as delay, {commit_age} as last_commit_age,
    (select wait_event_type || '/' || wait_event from session where backend_type = 'startup' limit 1) as wait,
    coalesce({restore} <> '' and {conninfo} = '', false) as archive_only
  from here where recovery
), connection as materialized (
  select count(*) filter (where backend_type = 'client backend') as clients,
    greatest({most} - {reserved} - {kept}, 0) as limit,
    case when login is not null then count(*) filter (where backend_type = 'client backend' and usesysid = login) end
      as login_sessions,
    (select count(*) from waiter) as sync_waiters,
    (select {oldest} from (select min(query_start) as since from waiter) w) as oldest_sync_wait,
    count(*) filter (where wait_event_type = 'Lock' and backend_type = 'client backend') as lock_waiters,
    (select split_part(entry, '=', 2) from pg_db_role_setting s, unnest(setconfig) entry
      where entry like 'synchronous_commit=%' and setrole in (0, login)
        and setdatabase in (0, (select oid from pg_database where datname = current_database()))
      order by setrole = 0, setdatabase = 0 limit 1) as login_commit
  from session, here group by login
), fact as (
  select clock_timestamp() as at, current_setting('server_version_num')::int as version,
    pg_postmaster_start_time() as started, pg_conf_load_time() as loaded, recovery as in_recovery,
    current_setting('default_transaction_read_only')::boolean as read_only,
    (select system_identifier::numeric + case when system_identifier < 0 then 18446744073709551616 else 0 end
      from pg_control_system()) as system,
    (select timeline_id from pg_control_checkpoint()) as timeline,
    pg_wal_lsn_diff(position, '0/0') as position, pg_wal_lsn_diff(received, '0/0') as received,
    current_setting('synchronous_standby_names') as sync_names, current_setting('synchronous_commit') as sync_commit,
    {status_interval} * 1000000 as status_interval, {sender_timeout} * 1000 as sender_timeout,
    coalesce((select json_agg(link) from link), '[]') as links,
    coalesce((select json_agg(slot) from slot), '[]') as slots,
    (select row_to_json(connection) from connection) as connection,
    (select row_to_json(receiver) from receiver limit 1) as receiver,
    (select row_to_json(replay) from replay limit 1) as replay,
    coalesce((select json_agg(name order by name) from known where pending_restart), '[]') as pending_restart
  from here
)
select pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
  (select string_agg(name, ', ' order by name) from known where name in ({OWN}) and source in ('user', 'database user')),
  case when pg_has_role(current_user, 'pg_read_all_stats', 'usage') then (select row_to_json(fact) from fact) end",
        // By two clocks: the reply carries the time at which the standby sent it. What is ahead is told apart, so that
        // the stamp itself can be had again.
        reply_age = micros("clock_timestamp() - reply_time"),
        reply_ahead = "(case when reply_time > clock_timestamp() then \
                       round(extract(epoch from reply_time - clock_timestamp()) * 1000000)::bigint end)",
        replay_lag = micros("replay_lag"),
        behind = bytes("replay_lsn"),
        retained = bytes("restart_lsn"),
        message_age = micros("clock_timestamp() - last_msg_receipt_time"),
        gap = "greatest(received - position, 0)",
        commit_age = micros("clock_timestamp() - pg_last_xact_replay_timestamp()"),
        oldest = micros("clock_timestamp() - since"),
        most = number("max_connections"),
        reserved = number("superuser_reserved_connections"),
        kept = number("reserved_connections"),
        delay = number("recovery_min_apply_delay"),
        restore = setting("restore_command"),
        conninfo = setting("primary_conninfo"),
        status_interval = number("wal_receiver_status_interval"),
        sender_timeout = number("wal_sender_timeout"),
    )
}

/// An interval in whole microseconds; clocks that differ do not make it negative, and NULL stays NULL.
fn micros(interval: &str) -> String {
    format!(
        "(case when {interval} < interval '0' then 0 else round(extract(epoch from {interval}) * 1000000)::bigint end)"
    )
}

/// Bytes from a position to what was written here, or received where nothing is written; NULL stays NULL.
fn bytes(position: &str) -> String {
    let distance = format!("pg_wal_lsn_diff(coalesce(received, position), {position})");
    format!("(case when {distance} < 0 then 0 else {distance} end)")
}

/// A text as SQL writes it, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// Reads the answer; `user` is the role that asked.
pub(super) fn decode(rows: &[Vec<Option<String>>], user: &str) -> Result<PostgresFacts, Failure> {
    let [row] = rows else {
        return Err(Failure::new(Unknown::Garbled, format!("one row was asked for, and {} came", rows.len())));
    };
    let column = |index: usize| row.get(index).and_then(Option::as_deref);
    if column(0) != Some("t") {
        return Err(no_rights(user));
    }
    if let Some(own) = column(1) {
        let message = format!(
            "the role '{user}' has settings of its own ({own}), which hide the server's: run 'alter role {0} reset \
             NAME' for each",
            identifier(user)
        );
        return Err(Failure::new(Unknown::NoRights, message));
    }
    let json = column(2).unwrap_or_default();
    serde_json::from_str(json).map_err(|error| {
        Failure::new(Unknown::Garbled, format!("the answer cannot be read, at column {}: {error}", error.column()))
    })
}

/// The role may not see what has to be seen.
pub(super) fn no_rights(user: &str) -> Failure {
    let message = format!(
        "the role '{user}' may not see other sessions, so that disaster would look like health: run 'grant pg_monitor \
         to {}' on the primary as a superuser",
        identifier(user)
    );
    Failure::new(Unknown::NoRights, message)
}

/// A name as SQL writes it.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_names_are_quoted() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(identifier("doorstep"), "doorstep");
        assert_eq!(identifier("Door \"step\""), "\"Door \"\"step\"\"\"");
    }

    #[test]
    fn an_answer_without_rights_is_never_health() {
        let row = |cells: [Option<&str>; 3]| vec![cells.map(|cell| cell.map(str::to_owned)).to_vec()];
        let blind = decode(&row([Some("f"), None, None]), "probe").unwrap_err();
        assert_eq!(blind.why, Unknown::NoRights);
        let own = decode(&row([Some("t"), Some("synchronous_commit"), Some("{}")]), "probe").unwrap_err();
        assert_eq!(own.why, Unknown::NoRights);
        assert!(own.message.contains("alter role probe reset"), "{}", own.message);
        for cells in [[Some("t"), None, None], [Some("t"), None, Some("{\"at\": 1}")]] {
            assert_eq!(decode(&row(cells), "probe").unwrap_err().why, Unknown::Garbled);
        }
        assert_eq!(decode(&[], "probe").unwrap_err().why, Unknown::Garbled);
        assert_eq!(decode(&[Vec::new()], "probe").unwrap_err().why, Unknown::NoRights);
    }

    #[test]
    fn what_differs_by_version_is_asked_for_by_version() {
        assert!(!text(13, None).contains("pause_state"));
        assert!(text(14, None).contains("pg_get_wal_replay_pause_state()"));
        assert!(text(17, Some("web")).contains("rolname = 'web'"));
    }

    /// What a version brought that is read here: its manual's list of columns, functions and settings. A column or a
    /// function that is not there fails the whole statement; a setting that is not there is a row less.
    const BROUGHT: [(u32, &[&str]); 5] = [
        (13, &["wal_status", "restart_lsn", "pg_last_wal_receive_lsn()", "backend_type", "reply_time"]),
        (14, &["pg_get_wal_replay_pause_state()"]),
        (15, &[]),
        (16, &[]),
        (17, &["synced"]),
    ];

    /// What a version took away or named anew.
    const GONE: [(u32, &[&str]); 1] = [(14, &["pg_is_wal_replay_paused()"])];

    #[test]
    fn each_version_is_asked_for_what_it_has_and_for_nothing_else() {
        for version in OLDEST..=NEWEST {
            let text = text(version, Some("web"));
            for (since, words) in BROUGHT {
                for word in words {
                    assert_eq!(text.contains(word), version >= since, "{word} is of {since}, asked of {version}");
                }
            }
            for (since, words) in GONE {
                for word in words {
                    assert_eq!(text.contains(word), version < since, "{word} until {since}, asked of {version}");
                }
            }
            assert!(!text.contains("to_jsonb"), "no column is looked for in a row of unknown shape: {version}");
            assert_eq!(text.matches('(').count(), text.matches(')').count(), "{version}");
            assert!(!text.contains('{') && !text.contains('}'), "everything is filled in: {version}");
        }
        assert_eq!(text(NEWEST + 1, None), text(NEWEST, None), "a newer one is asked like the newest");
        let (sixteen, fifteen) = (text(16, None), text(15, None));
        assert_eq!(sixteen, fifteen, "reserved_connections is a setting, looked up by name");
    }

    #[test]
    fn the_clear_text_of_a_connection_string_stays_in_the_server() {
        let text = text(15, Some("web"));
        let looked = "(select setting from known where name = 'primary_conninfo') = ''";
        assert!(text.contains(looked), "{text}");
        assert_eq!(
            text.matches("primary_conninfo").count(),
            2,
            "the list of settings, and the question whether it is set"
        );
    }
}
