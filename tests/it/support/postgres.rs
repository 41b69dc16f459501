//! Real PostgreSQL servers of a test's own: in a temporary folder, on a free port of loopback, ended with the test even
//! when it is killed. Run as the user postgres where the test runs as root, which PostgreSQL refuses.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use doorstep::model::{Database, Engine, Secret, Server, ServerRole, TlsMode};
use doorstep::sentinel::Session;

/// The password of every role that a test makes.
pub(crate) const PASSWORD: &str = "correct-horse-7";

const PATIENCE: Duration = Duration::from_secs(60);

/// One server; its folder and its processes end with it.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// A new server with these lines of configuration; its superuser is postgres.
    pub(crate) fn start(configuration: &[&str]) -> Self {
        let mut cluster = Self::place();
        let secret = cluster.folder.path().join("secret");
        std::fs::write(&secret, PASSWORD).unwrap();
        own(&secret);
        let made = program("initdb")
            .args(["--no-sync", "--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"])
            .args(["--encoding=UTF8", "--locale=C"])
            .arg(format!("--pwfile={}", secret.display()))
            .arg(format!("--pgdata={}", cluster.data().display()))
            .output();
        succeeded("initdb", made);
        cluster.configure(configuration);
        cluster.run();
        cluster
    }

    /// A standby of this server that streams from it, known to it as `name`, with a slot of this name.
    pub(crate) fn standby(&self, name: &str, configuration: &[&str]) -> Self {
        let mut standby = Self::place();
        let from =
            format!("host={} port={} user=postgres application_name={name}", self.folder.path().display(), self.port);
        let made = program("pg_basebackup")
            .args(["--no-sync", "--checkpoint=fast", "--write-recovery-conf", "--create-slot", "--wal-method=stream"])
            .arg(format!("--slot={name}"))
            .arg(format!("--dbname={from}"))
            .arg(format!("--pgdata={}", standby.data().display()))
            .output();
        succeeded("pg_basebackup", made);
        standby.configure(configuration);
        standby.run();
        standby
    }

    fn place() -> Self {
        let folder = tempfile::tempdir().unwrap();
        own(folder.path());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, port, server: None }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file that only the server may read, beside its data.
    pub(crate) fn keep(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        own(&path);
        path
    }

    /// Adds lines to the configuration, without loading them.
    pub(crate) fn configure(&self, lines: &[&str]) {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf")).unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
    }

    /// Runs the server, and waits until it takes sessions.
    pub(crate) fn run(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let folder = self.folder.path().display();
        let server = program("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-k", &folder.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a PostgreSQL server that can be run");
        self.server = Some(server);
        let ready = || self.psql("select 1").output().is_ok_and(|output| output.status.success());
        self.wait_for("the server takes sessions", ready);
    }

    /// Stops the server at once; sessions are ended.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        signal("INT", server.id());
        server.wait().unwrap();
    }

    /// The postmaster's process.
    pub(crate) fn process(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }

    /// What a superuser is told, as `psql -At` prints it.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = succeeded(sql, self.psql(sql).output());
        output.trim_end().to_owned()
    }

    fn psql(&self, sql: &str) -> Command {
        let mut psql = program("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"])
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-c", sql])
            .stdin(Stdio::null());
        psql
    }

    /// A session of a superuser that runs a statement in the background; ended when dropped.
    pub(crate) fn background(&self, sql: &str) -> Background {
        Background(self.psql(sql).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The same as another role, with the password of all roles.
    pub(crate) fn background_as(&self, role: &str, sql: &str) -> Background {
        let mut psql = program("psql");
        psql.args([
            "-X",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            role,
            "-d",
            "postgres",
            "-c",
            sql,
        ])
        .env("PGPASSWORD", PASSWORD);
        Background(psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits until the superuser is told this.
    pub(crate) fn wait_until(&self, sql: &str, expected: &str) {
        self.wait_for(&format!("{sql} is {expected}"), || self.sql(sql) == expected);
    }

    fn wait_for(&self, what: &str, mut reached: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !reached() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A role that may log in and see what a monitor sees.
    pub(crate) fn monitor(&self, name: &str) {
        self.sql(&format!("create role {name} login password '{PASSWORD}' in role pg_monitor"));
    }

    /// This server as the primary of a database that is asked by this role.
    pub(crate) fn database(&self, user: &str) -> Database {
        Database {
            name: "shop".parse().unwrap(),
            engine: Engine::PostgreSql,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(3),
            database: "postgres".to_owned(),
            user: user.to_owned(),
            password: None,
            tls: TlsMode::Off,
            authority: None,
            login_role: None,
            flows: Vec::new(),
            servers: vec![self.listed("db1", ServerRole::Primary)],
        }
    }

    /// This server as one of a database.
    pub(crate) fn listed(&self, name: &str, role: ServerRole) -> Server {
        Server {
            name: name.parse().unwrap(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            role,
            application_name: name.to_owned(),
            serves_reads: false,
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A statement that runs meanwhile.
pub(crate) struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// A session that asks the first server of a database.
pub(crate) fn session(database: &Database) -> Session {
    session_with(database, PASSWORD)
}

pub(crate) fn session_with(database: &Database, password: &str) -> Session {
    Session::new(database, &database.servers[0].name, Some(&Secret::new(password))).unwrap()
}

/// Sends a signal by its name to a process.
pub(crate) fn signal(name: &str, process: u32) {
    let done = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status().unwrap();
    assert!(done.success(), "kill -{name} {process}");
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Gives a file to the user that runs the server.
fn own(path: &Path) {
    if !is_root() {
        return;
    }
    let number = |flag: &str| -> u32 {
        let output = Command::new("id").args([flag, "postgres"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().expect("a user postgres")
    };
    std::os::unix::fs::chown(path, Some(number("-u")), Some(number("-g"))).unwrap();
}

/// A program of PostgreSQL, which ends when the thread that started it does.
fn program(name: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig=INT", "--"]).arg(programs().join(name)).current_dir("/");
    command
}

/// Where Debian keeps the programs of the newest version that is there.
fn programs() -> PathBuf {
    let root = Path::new("/usr/lib/postgresql");
    let versions = std::fs::read_dir(root).expect("PostgreSQL of the Debian package postgresql");
    let newest = versions.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok()).max();
    root.join(newest.expect("a version of PostgreSQL").to_string()).join("bin")
}

fn succeeded(what: &str, output: std::io::Result<std::process::Output>) -> String {
    let output = output.unwrap_or_else(|why| panic!("{what}: {why}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
