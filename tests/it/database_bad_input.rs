//! What a sentinel says of servers that cannot be asked, on real servers where there can be one: each time one clear
//! message, no secret in it, and a good answer as soon as there can be one.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use doorstep::model::{Answer, Database, PostgresFacts, TlsMode, Unknown};
use doorstep::sentinel::Session;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::authority::Authority;
use crate::support::postgres::{Cluster, PASSWORD, session, session_with, signal};
use crate::support::raw_server::RawServer;

/// The message of an answer that says nothing, with the port left out.
async fn unknown(session: &mut Session, expected: Unknown, port: u16) -> String {
    let begun = Instant::now();
    let answer = session.ask().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let Answer::Unknown { why, message } = answer else { panic!("{answer:?}") };
    assert_eq!(why, expected, "{message}");
    assert!(!message.contains(PASSWORD), "{message}");
    message.replace(&format!(":{port}"), ":PORT")
}

async fn facts(session: &mut Session) -> PostgresFacts {
    let answer = session.ask().await;
    answer.postgres().unwrap_or_else(|| panic!("{answer:?}")).clone()
}

/// A free port, and who asks there.
fn nobody() -> (Database, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    (at(SocketAddr::from(([127, 0, 0, 1], port))), port)
}

/// Whatever listens at an address, as a database's primary.
fn at(address: SocketAddr) -> Database {
    use doorstep::model::{Engine, Server, ServerRole};
    let name = |text: &str| text.parse().unwrap();
    let server = Server {
        name: "db1".parse().unwrap(),
        host: address.ip().to_string(),
        port: address.port(),
        role: ServerRole::Primary,
        application_name: "db1".to_owned(),
        serves_reads: false,
    };
    Database {
        name: name("shop"),
        engine: Engine::PostgreSql,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        database: "postgres".to_owned(),
        user: "doorstep".to_owned(),
        password: None,
        tls: TlsMode::Off,
        authority: None,
        login_role: None,
        flows: Vec::new(),
        servers: vec![server],
    }
}

/// One message of the protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Reads a message without a kind, which only the first one is.
async fn read_startup(stream: &mut TcpStream) {
    let length = stream.read_u32().await.unwrap();
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).await.unwrap();
}

/// Lets everybody in and says that it is an old version.
pub(crate) async fn old_version() -> RawServer {
    RawServer::start(|mut stream, _| async move {
        read_startup(&mut stream).await;
        let version = "12.19 (Debian 12.19-1.pgdg120+1)";
        let mut said = message(b'R', &[0, 0, 0, 0]);
        said.extend(message(b'S', format!("server_version\0{version}\0").as_bytes()));
        said.extend(message(b'K', &[0; 8]));
        said.extend(message(b'Z', b"I"));
        stream.write_all(&said).await.unwrap();
        let _ended = stream.read(&mut [0; 64]).await;
    })
    .await
}

/// Accepts and never answers, until the other side goes.
pub(crate) async fn silent() -> RawServer {
    RawServer::start(
        |mut stream, _| async move { while stream.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {} },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_host_or_port_is_unreachable() {
    let (mut database, port) = nobody();
    insta::assert_snapshot!(unknown(&mut session(&database), Unknown::Unreachable, port).await);
    // What a resolver says differs by machine.
    database.servers[0].host = "no-such-host.invalid".to_owned();
    let said = unknown(&mut session(&database), Unknown::Unreachable, port).await;
    assert!(said.contains("no-such-host.invalid"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_asked_as_soon_as_it_is_back() {
    let mut cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    let mut session = session(&cluster.database("doorstep"));
    let before = facts(&mut session).await;
    cluster.stop();
    let away = unknown(&mut session, Unknown::Unreachable, cluster.port).await;
    assert!(away.starts_with("nothing listens at 127.0.0.1:PORT"), "{away}");
    cluster.run();
    assert!(facts(&mut session).await.started > before.started);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_says_why_and_recovers_by_itself() {
    let cluster = Cluster::start(&[]);
    let port = cluster.port;
    let mut database = cluster.database("doorstep");
    let mut missing = session(&database);
    insta::assert_snapshot!("no_role", unknown(&mut missing, Unknown::LoginRefused, port).await);
    cluster.monitor("doorstep");
    facts(&mut missing).await;
    let mut wrong = session_with(&database, "wrong-horse-8");
    insta::assert_snapshot!("wrong_password", unknown(&mut wrong, Unknown::LoginRefused, port).await);
    cluster.sql("alter role doorstep password 'wrong-horse-8'");
    facts(&mut wrong).await;
    let mut without = Session::new(&database, &database.servers[0].name, None).unwrap();
    insta::assert_snapshot!("no_password", unknown(&mut without, Unknown::LoginRefused, port).await);
    cluster.sql("alter role doorstep nologin");
    let mut barred = session_with(&database, "wrong-horse-8");
    insta::assert_snapshot!("no_login", unknown(&mut barred, Unknown::LoginRefused, port).await);
    cluster.sql("alter role doorstep login");
    database.database = "shpo".to_owned();
    let mut nowhere = session_with(&database, "wrong-horse-8");
    insta::assert_snapshot!("no_database", unknown(&mut nowhere, Unknown::LoginRefused, port).await);
    cluster.sql("create database shpo");
    facts(&mut nowhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_knows_nothing_and_sees_all_once_it_may() {
    let cluster = Cluster::start(&[]);
    cluster.sql(&format!("create role doorstep login password '{PASSWORD}'"));
    let mut session = session(&cluster.database("doorstep"));
    insta::assert_snapshot!("no_rights", unknown(&mut session, Unknown::NoRights, cluster.port).await);
    cluster.sql("grant pg_monitor to doorstep");
    facts(&mut session).await;
    // A member that does not inherit sees nothing either.
    cluster.sql("alter role doorstep noinherit");
    unknown(&mut session, Unknown::NoRights, cluster.port).await;
    cluster.sql("alter role doorstep inherit");
    facts(&mut session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_role_that_asks_are_not_taken_for_the_servers() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    cluster.sql("alter role doorstep set default_transaction_read_only = on");
    let database = cluster.database("doorstep");
    let mut own = session(&database);
    insta::assert_snapshot!("own_settings", unknown(&mut own, Unknown::NoRights, cluster.port).await);
    cluster.sql("alter role doorstep reset default_transaction_read_only");
    assert!(!facts(&mut session(&database)).await.read_only);
    cluster.sql("alter system set default_transaction_read_only = on");
    cluster.sql("select pg_reload_conf()");
    assert!(facts(&mut session(&database)).await.read_only);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_is_named() {
    let server = old_version().await;
    let port = server.address.port();
    let mut session = session(&at(server.address));
    insta::assert_snapshot!("old_version", unknown(&mut session, Unknown::Version, port).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_that_is_refused_or_not_to_be_trusted_is_named() {
    let cluster = Cluster::start(&[]);
    let port = cluster.port;
    cluster.monitor("doorstep");
    let authority = Authority::new();
    let mut database = cluster.database("doorstep");
    database.tls = TlsMode::Verify;
    database.authority = Some(authority.file());
    let mut kept = session(&database);
    insta::assert_snapshot!("tls_refused", unknown(&mut kept, Unknown::Tls, port).await);
    let (certificate, key) = authority.pem("127.0.0.1");
    let place = |path: std::path::PathBuf| path.display().to_string();
    let (certificate, key) = (place(cluster.keep("db.pem", &certificate)), place(cluster.keep("db.key", &key)));
    cluster.configure(&["ssl = on", &format!("ssl_cert_file = '{certificate}'"), &format!("ssl_key_file = '{key}'")]);
    cluster.sql("select pg_reload_conf()");
    cluster.wait_until("show ssl", "on");
    facts(&mut kept).await;
    let encrypted =
        "select ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where application_name = 'doorstep'";
    assert_eq!(cluster.sql(encrypted), "t");

    database.authority = None;
    insta::assert_snapshot!("tls_stranger", unknown(&mut session(&database), Unknown::Tls, port).await);
    database.authority = Some(authority.file());
    database.servers[0].host = "localhost".to_owned();
    insta::assert_snapshot!("tls_name", unknown(&mut session(&database), Unknown::Tls, port).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_never_answers_is_left_in_time_and_in_peace() {
    let server = silent().await;
    let port = server.address.port();
    let database = at(server.address);
    let mut silent = session(&database);
    insta::assert_snapshot!("no_answer", unknown(&mut silent, Unknown::NoAnswer, port).await);
    for _ in 0..2 {
        unknown(&mut silent, Unknown::NoAnswer, port).await;
    }
    let begun = Instant::now();
    insta::assert_snapshot!("no_answer_again", unknown(&mut silent, Unknown::NoAnswer, port).await);
    assert!(begun.elapsed() < Duration::from_millis(500), "it waited for nobody");
    assert_eq!(server.accepted(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_left_in_time_and_asked_again_once_it_thaws() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    let mut database = cluster.database("doorstep");
    database.timeout = Duration::from_secs(1);
    let mut kept = session(&database);
    facts(&mut kept).await;
    let backend = "select pid from pg_stat_activity where application_name = 'doorstep'";
    let process: u32 = cluster.sql(backend).parse().unwrap();
    signal("STOP", process);
    insta::assert_snapshot!("frozen", unknown(&mut kept, Unknown::NoAnswer, cluster.port).await);
    // The connection was thrown away, so that the frozen process does not matter.
    facts(&mut kept).await;
    signal("CONT", process);
    cluster.wait_until(&format!("select count(*) from ({backend}) a where pid = {process}"), "0");

    let mut new = session(&database);
    signal("STOP", cluster.process());
    let said = unknown(&mut new, Unknown::NoAnswer, cluster.port).await;
    signal("CONT", cluster.process());
    assert!(said.contains("let us sign in"), "{said}");
    facts(&mut new).await;
    drop((kept, new));
    cluster.wait_until(&format!("select count(*) from ({backend}) a"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_postgresql_is_garbled_at_once() {
    for (answer, name) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "http"),
        (b"J\0\0\0\n8.0.36\0", "mysql"),
        (b"E\0\0\0\x19SFATAL\0C58000\0Mhm\0\0xxxx", "error"),
        (b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "no_version"),
    ] {
        let server = RawServer::start(move |mut stream, _| async move {
            stream.write_all(answer).await.unwrap();
            let _ended = stream.read(&mut [0; 1024]).await;
        })
        .await;
        let mut session = session(&at(server.address));
        let said = unknown(&mut session, Unknown::Garbled, server.address.port()).await;
        insta::assert_snapshot!(format!("garbled_{name}"), said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_password_is_not_repeated() {
    let server = RawServer::start(|mut stream, _| async move {
        read_startup(&mut stream).await;
        stream.write_all(&message(b'R', &[0, 0, 0, 3])).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'p');
        let length = stream.read_u32().await.unwrap();
        let mut password = vec![0; length as usize - 4];
        stream.read_exact(&mut password).await.unwrap();
        let text = String::from_utf8(password).unwrap();
        let body = format!("SFATAL\0VFATAL\0C28P01\0Mwho says {}?\0\0", text.trim_end_matches('\0'));
        stream.write_all(&message(b'E', body.as_bytes())).await.unwrap();
    })
    .await;
    let mut session = session(&at(server.address));
    insta::assert_snapshot!("echo", unknown(&mut session, Unknown::LoginRefused, server.address.port()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_connection_is_made_again_by_the_next_question() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    let mut session = session(&cluster.database("doorstep"));
    let ours = "from pg_stat_activity where application_name = 'doorstep'";
    facts(&mut session).await;
    for _ in 0..3 {
        let before = cluster.sql(&format!("select pid {ours}"));
        facts(&mut session).await;
        assert_eq!(cluster.sql(&format!("select pid {ours}")), before, "the connection is kept");
        assert_eq!(cluster.sql(&format!("select pg_terminate_backend(pid, 10000) {ours}")), "t");
        facts(&mut session).await;
        assert_ne!(cluster.sql(&format!("select pid {ours}")), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_connections_are_a_finding_and_a_kept_one_sees_them() {
    let cluster = Cluster::start(&["max_connections = 6", "superuser_reserved_connections = 3"]);
    cluster.monitor("doorstep");
    let database = cluster.database("doorstep");
    let mut kept = session(&database);
    assert_eq!(facts(&mut kept).await.connection.limit, 3);
    let sleepers: Vec<_> = (0..3).map(|_| cluster.background("select pg_sleep(600)")).collect();
    cluster.wait_until("select count(*) from pg_stat_activity where wait_event = 'PgSleep'", "3");
    let mut new = session(&database);
    insta::assert_snapshot!("no_connection", unknown(&mut new, Unknown::NoConnectionLeft, cluster.port).await);
    let seen = facts(&mut kept).await.connection;
    assert!(seen.clients > seen.limit, "{seen:?}");
    drop(sleepers);
    cluster.sql("select pg_terminate_backend(pid, 10000) from pg_stat_activity where wait_event = 'PgSleep'");
    facts(&mut new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_writes_nothing_whatever_its_role_may_do() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    cluster.sql("alter role doorstep superuser");
    cluster.sql("create table account (name text)");
    let mut session = session(&cluster.database("doorstep"));
    for write in [
        "insert into account values ('eve')",
        "create table mine (name text)",
        "delete from account",
        "execute doorstep_facts; insert into account values ('eve')",
    ] {
        let refused = session.query_text(write).await;
        let (_, message) = refused.expect_err(write);
        assert!(message.contains("in a read-only transaction"), "{write}: {message}");
        assert!(!facts(&mut session).await.read_only, "what the server has as its default is still told");
    }
    assert_eq!(cluster.sql("select count(*) from account"), "0");
    assert_eq!(cluster.sql("select count(*) from pg_class where relname = 'mine'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_the_audit_is_answered_as_text_or_refused_with_its_reason() {
    let cluster = Cluster::start(&[]);
    cluster.monitor("doorstep");
    let mut session = session(&cluster.database("doorstep"));
    let rows = session.query_text("select 1, null, 'a' union all select 2, true, '' order by 1").await.unwrap();
    let cell = |text: &str| Some(text.to_owned());
    assert_eq!(rows, [[cell("1"), None, cell("a")], [cell("2"), cell("t"), cell("")]]);
    let (why, message) = session.query_text("select * from pg_authid").await.unwrap_err();
    assert_eq!(why, Unknown::NoRights, "{message}");
    let (why, message) = session.query_text("select pg_sleep(10)").await.unwrap_err();
    assert_eq!(why, Unknown::NoAnswer, "{message}");
    facts(&mut session).await;
}
