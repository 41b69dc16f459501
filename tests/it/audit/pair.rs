//! A real PostgreSQL primary with a standby, in a folder of their own on free ports, whose settings a test rewrites as
//! whole files. Stopped and removed with the value.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use doorstep::audit::Round;
use doorstep::clock::Clock;
use doorstep::model::{Database, Engine, Secret, Server, ServerRole, TlsMode};
use doorstep::sentinel::{Session, take_round};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::support::outside;

/// Of throw-away servers on loopback: no secret, but it must not be found in anything that is kept.
pub(super) const PASSWORD: &str = "Pair-Passw0rd-9d2f";

/// What `pg_hba.conf` of both says.
pub(super) const ACCESS: &str =
    "host all all 127.0.0.1/32 scram-sha-256\nhost replication replicator 127.0.0.1/32 scram-sha-256\n";

/// Nothing lasts longer.
const PATIENCE: Duration = Duration::from_secs(40);

/// Settings of a server, as they stand in its file.
pub(super) type Settings = BTreeMap<&'static str, String>;

pub(super) struct Pair {
    folder: tempfile::TempDir,
    programs: PathBuf,
    ports: [u16; 2],
}

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Primary,
    Standby,
}

pub(super) use Which::{Primary, Standby};

impl Which {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Primary => "primary1",
            Standby => "standby1",
        }
    }
}

impl Pair {
    /// A healthy pair with settings that no rule objects to; `None`, after saying so, where PostgreSQL is not installed.
    pub(super) async fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            outside::skip("PostgreSQL's server programs are not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let pair = Self { folder, programs, ports: [free_port(), free_port()] };
        give_to_postgres(pair.folder.path());
        let password = pair.path("password");
        fs::write(&password, PASSWORD).unwrap();
        let passfile = pair.path("passfile");
        fs::write(&passfile, format!("*:*:*:replicator:{PASSWORD}\n")).unwrap();
        for file in [&password, &passfile] {
            give_to_postgres(file);
        }
        let (data, secret) = (pair.data(Primary), password.display().to_string());
        let init = ["-U", "postgres", "--pwfile", &secret, "-A", "scram-sha-256", "--wal-segsize=1", "-E", "UTF8"];
        pair.done("initdb", &[&["-D", &data][..], &init, &["--locale=C", "--no-instructions", "--no-sync"]].concat());
        pair.write(Primary, &pair.good(Primary));
        pair.allow(Primary, ACCESS);
        pair.control(Primary, "start");
        for sql in [
            format!("create role app login password '{PASSWORD}'"),
            format!("create role monitor login password '{PASSWORD}' in role pg_monitor"),
            format!("create role plain login password '{PASSWORD}'"),
            format!("create role replicator login replication password '{PASSWORD}'"),
        ] {
            pair.sql(Primary, &sql).await;
        }
        let conninfo = pair.conninfo();
        let standby = pair.data(Standby);
        pair.done(
            "pg_basebackup",
            &["-D", &standby, "-X", "stream", "-c", "fast", "-C", "-S", "s1", "-R", "--no-sync", "-d", &conninfo],
        );
        // What the tool wrote would cover the file that the tests write.
        fs::write(Path::new(&standby).join("postgresql.auto.conf"), "").unwrap();
        pair.write(Standby, &pair.good(Standby));
        pair.control(Standby, "start");
        pair.streams().await;
        Some(pair)
    }

    /// Settings that no rule objects to.
    pub(super) fn good(&self, which: Which) -> Settings {
        let common = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("shared_buffers", "8MB"),
            ("max_connections", "40"),
            ("wal_level", "replica"),
            ("max_wal_senders", "6"),
            ("max_replication_slots", "6"),
            ("max_slot_wal_keep_size", "256MB"),
            ("wal_log_hints", "on"),
            ("wal_sender_timeout", "10s"),
            ("wal_receiver_status_interval", "1s"),
            ("hot_standby", "on"),
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "1min"),
            ("client_connection_check_interval", "10s"),
            ("log_replication_commands", "on"),
            ("log_recovery_conflict_waits", "on"),
            ("log_timezone", "UTC"),
            // The server spells these TimeZone and DateStyle.
            ("timezone", "UTC"),
            ("datestyle", "iso, dmy"),
        ];
        let mut all: Settings = common.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        all.insert("port", self.port(which).to_string());
        all.insert("cluster_name", which.name().to_owned());
        if which == Standby {
            all.insert("primary_conninfo", self.conninfo());
            all.insert("primary_slot_name", "s1".to_owned());
        }
        all
    }

    /// A connection string that no rule objects to.
    pub(super) fn conninfo(&self) -> String {
        format!(
            "host=localhost port={} user=replicator passfile={} application_name=standby1 keepalives_idle=5",
            self.port(Primary),
            self.path("passfile").display()
        )
    }

    /// A connection string with the primary's port and the file of its password in their places.
    pub(super) fn filled(&self, text: &str) -> String {
        let passfile = self.path("passfile").display().to_string();
        text.replace("{port}", &self.port(Primary).to_string()).replace("{passfile}", &passfile)
    }

    /// Another program that streams the primary's log, for as long as the value lives.
    pub(super) fn receive_as(&self, name: &str) -> Receiver {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        let from = format!("host=localhost port={} user=replicator application_name={name}", self.port(Primary));
        let mut command = Command::new(self.programs.join("pg_receivewal"));
        command.arg("-D").arg(&folder).args(["-d", &from]).env("PGPASSFILE", self.path("passfile"));
        Receiver(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub(super) fn port(&self, which: Which) -> u16 {
        self.ports[usize::from(which == Standby)]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn data(&self, which: Which) -> String {
        self.path(which.name()).display().to_string()
    }

    /// Rewrites a server's file.
    pub(super) fn write(&self, which: Which, settings: &Settings) {
        let line = |(name, value): (&&str, &String)| format!("{name} = '{}'\n", value.replace('\'', "''"));
        self.write_text(which, &settings.iter().map(line).collect::<String>());
    }

    pub(super) fn write_text(&self, which: Which, text: &str) {
        fs::write(Path::new(&self.data(which)).join("postgresql.conf"), text).unwrap();
    }

    /// Rewrites a server's rules of access.
    pub(super) fn allow(&self, which: Which, lines: &str) {
        fs::write(Path::new(&self.data(which)).join("pg_hba.conf"), lines).unwrap();
    }

    /// Loads a server's files, and waits until it has.
    pub(super) async fn reload(&self, which: Which) {
        let loaded = || self.sql(which, "select pg_conf_load_time()");
        let before = loaded().await;
        self.sql(which, "select pg_reload_conf()").await;
        self.until("the files are loaded", async || loaded().await != before).await;
    }

    /// Writes settings that differ from the good ones, and loads them.
    pub(super) async fn set(&self, which: Which, changes: &[(&'static str, &str)]) {
        let mut settings = self.good(which);
        for (name, value) in changes {
            settings.insert(name, (*value).to_owned());
        }
        self.write(which, &settings);
        self.reload(which).await;
    }

    /// Starts, stops or restarts a server.
    pub(super) fn control(&self, which: Which, verb: &str) {
        let log = self.path(&format!("{}.log", which.name())).display().to_string();
        let data = self.data(which);
        let output = self.run("pg_ctl", &["-D", &data, "-l", &log, "-w", "-t", "40", "-m", "fast", verb]);
        let told = fs::read_to_string(&log).unwrap_or_default();
        assert!(output.status.success(), "pg_ctl {verb}: {}\n{told}", String::from_utf8_lossy(&output.stderr));
    }

    /// Rewrites a server's file and restarts it.
    pub(super) fn restart_with(&self, which: Which, changes: &[(&'static str, &str)]) {
        let mut settings = self.good(which);
        settings.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.write(which, &settings);
        self.control(which, "restart");
    }

    /// Runs statements as the superuser in a session that never waits for a standby; the first cell of the answer.
    pub(super) async fn sql(&self, which: Which, sql: &str) -> Option<String> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port(which)).user("postgres").password(PASSWORD).dbname("postgres");
        config.options("-c synchronous_commit=local -c default_transaction_read_only=off");
        let (client, connection) = config.connect(NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        let answer = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        driver.await.unwrap().unwrap();
        answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }

    /// Waits for something that a statement says.
    pub(super) async fn says(&self, which: Which, sql: &str, wanted: &str) {
        self.until(&format!("{sql} says {wanted}"), async || self.sql(which, sql).await.as_deref() == Some(wanted))
            .await;
    }

    /// Waits until the standby streams.
    pub(super) async fn streams(&self) {
        let sql =
            "select count(*) from pg_stat_replication where application_name = 'standby1' and state = 'streaming'";
        self.says(Primary, sql, "1").await;
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The database as a configuration would say it, asked by this role.
    pub(super) fn database(&self, user: &str) -> Database {
        let server = |which: Which, role| Server {
            name: which.name().parse().unwrap(),
            host: "127.0.0.1".to_owned(),
            port: self.port(which),
            role,
            application_name: which.name().to_owned(),
            serves_reads: false,
        };
        Database {
            name: "auth".parse().unwrap(),
            engine: Engine::PostgreSql,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            database: "postgres".to_owned(),
            user: user.to_owned(),
            password: None,
            tls: TlsMode::Off,
            authority: None,
            login_role: Some("app".to_owned()),
            flows: Vec::new(),
            servers: vec![server(Primary, ServerRole::Primary), server(Standby, ServerRole::Standby)],
        }
    }

    /// What both servers say to this role.
    pub(super) async fn round(&self, user: &str) -> Round {
        let database = self.database(user);
        let secret = Secret::new(PASSWORD);
        let session = |server: &Server| {
            (server.name.clone(), Session::new(&database, &server.name, Some(&secret)).expect("a session"))
        };
        let mut sessions: Vec<_> = database.servers.iter().map(session).collect();
        take_round(&database, &mut sessions, &Clock::system()).await
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = as_postgres(&self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path()).env("PGPASSFILE", self.path("passfile"));
        command.output().unwrap()
    }

    fn done(&self, program: &str, arguments: &[&str]) {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for which in [Standby, Primary] {
            let data = self.data(which);
            if Path::new(&data).is_dir() {
                self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]);
            }
        }
    }
}

/// A program that streams the log.
pub(super) struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Where the server's programs are: they are not on the path of Debian.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    found.retain(|folder| folder.join("initdb").is_file());
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    let told = Command::new("id").arg("-u").output().unwrap();
    told.stdout.starts_with(b"0\n")
}

/// The servers refuse to run as root.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn give_to_postgres(path: &Path) {
    if is_root() {
        assert!(Command::new("chown").arg("postgres:postgres").arg(path).status().unwrap().success());
    }
    if path.is_file() {
        assert!(Command::new("chmod").arg("600").arg(path).status().unwrap().success());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
