//! The statements of a snapshot: each answers one JSON text, and none changes anything.

use std::time::Duration;

/// More roles than this are not read.
pub(super) const MOST_ROLES: usize = 5_000;

/// What decides which of the others can be asked; its answer is one round trip, for the comparison of clocks.
pub(super) const BASIC: &str = "select row_to_json(t) from (
  select (extract(epoch from clock_timestamp()) * 1000000)::bigint as at_micros,
    current_setting('server_version_num')::int as version,
    to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as started,
    to_char(pg_conf_load_time() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as loaded,
    recovery as in_recovery,
    (select system_identifier::numeric + case when system_identifier < 0 then 18446744073709551616 else 0 end
      from pg_control_system()) as system,
    case when recovery then coalesce((select received_tli from pg_stat_wal_receiver where pid is not null),
        (select timeline_id from pg_control_checkpoint()))
      else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
    current_user as asked_as,
    pg_has_role(current_user, 'pg_read_all_stats', 'usage')
      and pg_has_role(current_user, 'pg_read_all_settings', 'usage') as sees_all,
    exists (select from pg_roles where rolname = 'pg_use_reserved_connections' and pg_has_role(current_user, oid, 'usage'))
      as has_reserved,
    has_table_privilege('pg_catalog.pg_hba_file_rules', 'select')
      and has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute') as reads_host_access,
    has_table_privilege('pg_catalog.pg_file_settings', 'select')
      and has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute') as reads_files
  from pg_is_in_recovery() recovery
) t";

/// All settings as everybody has them: those that sessions of the prober set for themselves are put back meanwhile. A
/// statement that fails takes both with it.
pub(super) fn settings(timeout: Duration) -> String {
    format!(
        "reset statement_timeout; reset jit;
select coalesce(json_agg(row_to_json(t)), '[]') from (
  select name, setting, unit, source, sourcefile, sourceline, pending_restart, context
    from pg_settings order by name
) t;
set statement_timeout = {}; set jit = off",
        timeout.as_millis()
    )
}

pub(super) const ROLES: &str = "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select rolname as name, rolsuper as superuser, rolcanlogin as login, rolreplication as replication,
    case when isfinite(rolvaliduntil) then to_char(rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
      when rolvaliduntil < now() then '1970-01-01T00:00:00Z' end as valid_until
  from pg_roles where rolname !~ '^pg_' order by rolname limit 5001
) t";

pub(super) const OVERRIDES: &str = "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select datname as database, rolname as role, setconfig as settings
  from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole
  order by datname nulls first, rolname nulls first
) t";

/// Copies of the primary's slots, which a standby has from version 17 on, belong to the primary.
pub(super) const SLOTS: &str = "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select slot_name as name, slot_type = 'physical' as physical, temporary, active, wal_status,
    greatest(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
      restart_lsn), 0)::bigint as retained
  from pg_replication_slots s
  where not coalesce((to_jsonb(s) ->> 'synced')::boolean, false) order by slot_name
) t";

pub(super) const LINKS: &str = "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select application_name as name, usename as user, host(client_addr) as address, state, sync_state
  from pg_stat_replication order by application_name, pid
) t";

pub(super) const RECEIVER: &str = "select row_to_json(t) from (
  select status, nullif(slot_name, '') as slot, sender_host as host, sender_port as port, conninfo
  from pg_stat_wal_receiver where pid is not null
) t";

pub(super) fn databases(version: u32) -> String {
    let versions = if version >= 150_000 {
        "datcollversion as recorded_version, pg_database_collation_actual_version(oid) as actual_version"
    } else {
        "null as recorded_version, null as actual_version"
    };
    format!(
        "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select datname as name, pg_encoding_to_char(encoding) as encoding, datcollate as collate, datctype as ctype, {versions}
  from pg_database where datallowconn order by datname
) t"
    )
}

pub(super) const EXTENSIONS: &str = "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select extname as name, extversion as version from pg_extension order by extname
) t";

pub(super) const ARCHIVER: &str = "select row_to_json(t) from (
  select to_char(last_archived_time at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as archived,
    to_char(last_failed_time at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as failed, failed_count as failures
  from pg_stat_archiver
) t";

pub(super) const WAL_RATE: &str = "select row_to_json(t) from (
  select wal_bytes::bigint as bytes, greatest(extract(epoch from clock_timestamp() - stats_reset), 0)::bigint as seconds
  from pg_stat_wal
) t";

/// Without the options of a line, which may hold passwords.
pub(super) fn host_access(version: u32) -> String {
    let order = if version >= 160_000 { "rule_number nulls last, line_number" } else { "line_number" };
    format!(
        "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select line_number as line, type as kind, coalesce(database, '{{}}') as databases, coalesce(user_name, '{{}}') as users,
    address, netmask as mask, auth_method as method, error is not null as broken
  from pg_hba_file_rules order by {order}
) t"
    )
}

pub(super) const FILE_LINES: &str = "select coalesce(json_agg(row_to_json(t)), '[]') from (
  select name, setting, sourcefile, sourceline, applied, error from pg_file_settings order by seqno
) t";
