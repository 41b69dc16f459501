//! `databases:` to the servers behind the logins. What looks like a connection string is refused unseen: it may hold a
//! password.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::{Database, DatabaseName, Engine, FlowName, Server, ServerName, ServerRole, TlsMode};

use super::Flows;
use super::diagnostic::{Findings, Place, Problem};
use super::site::{one_word, resolve, secret_source};
use super::tables_databases::{DATABASE, SERVER};
use super::tables_site::SECRET;
use super::values;
use super::view::{View, read_key};
use super::yaml::{Entry, Node};

/// The names of PostgreSQL end here.
const LONGEST_NAME: usize = 63;

/// All databases without mistakes; their flows must exist.
pub(super) fn build(site: View<'_>, flows: &Flows, findings: &mut Findings) -> Vec<Database> {
    site.entries("databases").iter().filter_map(|entry| database(site, entry, flows, findings)).collect()
}

fn database(site: View<'_>, entry: &Entry, flows: &Flows, findings: &mut Findings) -> Option<Database> {
    const ENGINES: &[(&str, Engine)] = &[("postgresql", Engine::PostgreSql), ("mariadb", Engine::MariaDb)];
    const MODES: &[(&str, TlsMode)] = &[("verify", TlsMode::Verify), ("off", TlsMode::Off)];
    let name = read_key(entry, values::name::<DatabaseName>, findings);
    let view = site.within(&entry.value, &DATABASE);
    let engine = view.read("engine", one_word(ENGINES), findings);
    let interval = view.read("interval", between(Duration::from_millis(500), Duration::from_secs(300)), findings);
    let timeout = view.read("timeout", between(Duration::from_millis(100), Duration::from_secs(60)), findings);
    let database = view.read("database", name_at_server, findings);
    let user = view.read("user", name_at_server, findings);
    let password = secret_source(view.object("password", &SECRET), findings);
    let tls = view.read("tls", one_word(MODES), findings);
    let authority = view.read("authority", values::text, findings);
    let authority = view.node("authority").zip(authority).map(|(node, text)| resolve(node, &text));
    let login_role = view.read("login_role", name_at_server, findings);
    let served = served_flows(view, flows, findings);
    let servers = servers(view, engine.unwrap_or(Engine::PostgreSql), findings);
    protection(view, tls?, &servers, findings);
    let usual = match engine? {
        Engine::PostgreSql => "postgres",
        // Everybody may read what it shows of themselves.
        Engine::MariaDb => "information_schema",
    };
    Some(Database {
        name: name?,
        engine: engine?,
        interval: interval?,
        timeout: timeout?,
        database: database.unwrap_or_else(|| usual.to_owned()),
        user: user?,
        password,
        tls: tls?,
        authority,
        login_role,
        flows: served,
        servers,
    })
}

fn served_flows(view: View<'_>, flows: &Flows, findings: &mut Findings) -> Vec<FlowName> {
    let named = view.read_each("flows", values::name::<FlowName>, findings);
    for (flow, node) in &named {
        flows.require(flow, node, findings);
    }
    named.into_iter().map(|(flow, _)| flow).collect()
}

/// All servers, judged as a set: one primary, and each server once.
fn servers(database: View<'_>, engine: Engine, findings: &mut Findings) -> Vec<Server> {
    let Some(node) = database.node("servers") else { return Vec::new() };
    let entries = node.entries();
    if entries.is_empty() {
        if node.scalar().is_none() {
            findings.error(&node.place, Problem::new("the database has no servers").help(EXAMPLE));
        }
        return Vec::new();
    }
    let built: Vec<Option<Server>> = entries.iter().map(|entry| server(database, entry, engine, findings)).collect();
    one_primary(node, entries, findings);
    let (mut complete, mut places) = (Vec::new(), Vec::new());
    for (server, entry) in built.into_iter().zip(entries) {
        let Some(server) = server else { continue };
        distinct(&server, entry, &complete, &places, findings);
        places.push(&entry.key_place);
        complete.push(server);
    }
    complete
}

const EXAMPLE: &str = "list the primary and its standbys: servers: {db1: {host: db1.internal, role: primary}, db2: \
                       {host: db2.internal, role: standby}}";

fn server(database: View<'_>, entry: &Entry, engine: Engine, findings: &mut Findings) -> Option<Server> {
    const ROLES: &[(&str, ServerRole)] = &[("primary", ServerRole::Primary), ("standby", ServerRole::Standby)];
    let name = read_key(entry, values::name::<ServerName>, findings);
    let view = database.within(&entry.value, &SERVER);
    let host = view.read("host", host, findings);
    let port = view.read("port", |text| values::integer(text, 1, 65_535).map(|port| port as u16), findings);
    let port_is_right = port.is_some() || !view.has("port");
    let role = view.read("role", one_word(ROLES), findings);
    let application_name = view.read("application_name", name_at_server, findings);
    let serves_reads = view.read("serves_reads", values::boolean, findings);
    if let (Some(ServerRole::Primary), Some(true), Some(node)) = (role, serves_reads, view.node("serves_reads")) {
        let problem = Problem::new("a primary serves reads in any case").help("say it of a standby, or leave it out");
        findings.warning(&node.place, problem);
    }
    let usual = match engine {
        Engine::PostgreSql => 5432,
        Engine::MariaDb => 3306,
    };
    let name = name?;
    Some(Server {
        application_name: application_name.unwrap_or_else(|| name.as_str().to_owned()),
        name,
        host: host?,
        port: port_is_right.then(|| port.unwrap_or(usual))?,
        role: role?,
        serves_reads: serves_reads?,
    })
}

/// Judged by what is written, so that a server with another mistake counts too.
fn one_primary(servers: &Node, entries: &[Entry], findings: &mut Findings) {
    let written: Vec<_> = entries.iter().map(|entry| entry.value.get("role")).collect();
    let is = |role: &Option<&Node>, word: &str| role.and_then(Node::scalar).is_some_and(|role| role.text == word);
    let mut primaries = entries.iter().zip(&written).filter(|(_, role)| is(role, "primary"));
    let first = primaries.next();
    for (_, second) in primaries {
        let (Some((first, _)), Some(second)) = (first, second) else { continue };
        let problem = Problem::new(format!("two primaries are listed; the first is '{}'", first.key)).help(
            "write the server that takes the writes as primary and all others as standby; servers that do not follow \
             one another are databases of their own",
        );
        findings.error(&second.place, problem);
    }
    // A role that is missing or wrong was noted, and could be the primary's.
    if written.iter().all(|role| is(role, "standby")) {
        let problem = Problem::new("no server is the primary, so nothing can be said of the writes of logins")
            .help("write role: primary at the server that takes the writes");
        findings.error(&servers.place, problem);
    }
}

/// A server that was listed before by its address, or two standbys that their primary cannot tell apart.
fn distinct(server: &Server, entry: &Entry, before: &[Server], places: &[&Place], findings: &mut Findings) {
    let same_address = |other: &&Server| other.port == server.port && other.host.eq_ignore_ascii_case(&server.host);
    if let Some((other, place)) = before.iter().zip(places).find(|(other, _)| same_address(other)) {
        let reason = format!("this is {}:{} again, which '{}' is at {place}", server.host, server.port, other.name);
        let problem = Problem::new(reason).help("write each server once, with its own host and port");
        findings.error(&entry.key_place, problem);
    }
    let same_name = |other: &&Server| {
        other.role == ServerRole::Standby
            && server.role == ServerRole::Standby
            && other.application_name.eq_ignore_ascii_case(&server.application_name)
    };
    if let Some(other) = before.iter().find(same_name) {
        let reason = format!("its primary cannot tell it from '{}': both have one application_name", other.name);
        let problem = Problem::new(reason).help("give each standby an application_name of its own");
        findings.error(&entry.key_place, problem);
    }
}

/// Without TLS the role's password and every answer cross the network in the open.
fn protection(view: View<'_>, tls: TlsMode, servers: &[Server], findings: &mut Findings) {
    let (TlsMode::Off, Some(node)) = (tls, view.node("tls")) else { return };
    let loopback = |server: &Server| {
        server.host.eq_ignore_ascii_case("localhost")
            || server.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    if let Some(far) = servers.iter().find(|server| !loopback(server)) {
        let reason = format!("without TLS anybody between here and {far} can read and change what is said");
        findings.warning(&node.place, Problem::new(reason).help("write tls: verify"));
    }
    if let Some(node) = view.node("authority") {
        findings.warning(&node.place, "with tls: off no certificate is looked at, so the authority is not used");
    }
}

/// A duration with bounds.
fn between(least: Duration, most: Duration) -> impl Fn(&str) -> Result<Duration, Problem> {
    move |text| match values::duration(text)? {
        duration if (least..=most).contains(&duration) => Ok(duration),
        _ => {
            let (least, most) = (values::show_duration(least), values::show_duration(most));
            Err(Problem::new("is out of range").help(format!("write a duration from {least} to {most}")))
        }
    }
}

/// A host name or an address, and nothing else.
fn host(text: &str) -> Result<String, Problem> {
    let text = whole(text)?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    if let Some((_, port)) = text.rsplit_once(':')
        && port.parse::<u16>().is_ok()
    {
        return Err(Problem::new("is a host and a port").help(format!("write the port by itself: port: {port}")));
    }
    if text.starts_with('/') {
        let help = "write the address on which the server listens, such as 127.0.0.1";
        return Err(Problem::new("is the folder of a socket, which is not supported").help(help));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if text.len() > 253 || !text.chars().all(allowed) || text.starts_with(['-', '.']) {
        return Err(Problem::new("is not a host name").help("write it like db1.internal or 10.0.0.5"));
    }
    Ok(text)
}

/// The name of a role, a database or a standby.
fn name_at_server(text: &str) -> Result<String, Problem> {
    let text = whole(text)?;
    if text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(Problem::new("is not a name that a server can hold")
            .help(format!("write 1 to {LONGEST_NAME} characters without line breaks")));
    }
    Ok(text)
}

/// Not a connection string, which belongs taken apart.
fn whole(text: &str) -> Result<String, Problem> {
    if text.contains("://") || text.contains('=') {
        let help = "write its parts by themselves: host and port at the server; database and user beside 'servers'; \
                    password: {env: NAME}";
        return Err(Problem::new("is a connection string").help(help));
    }
    values::text(text)
}
