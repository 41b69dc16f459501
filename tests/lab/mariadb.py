#!/usr/bin/env python3
"""A real MariaDB primary with one semi-synchronous replica on loopback, with faults to inject.

  scripts/lab mariadb [--folder FOLDER] [--port PORT] [--semi-sync-timeout SECONDS] COMMAND

  init              make both servers anew and start them: primary on PORT, replica on PORT + 1; in a new or empty FOLDER
                    or one that `init` made
  start | stop      both servers; their data stays; `start replica` starts that one only
  status            what runs and how replication stands; exit 1 when it is not healthy
  destroy           stop both and remove the folder, if `init` made it
  faults            the names of the faults, with what each does
  fault NAME        inject one
  heal              back to the good state; the replica is made anew where it must be
  commit            one login's write on the primary, as the login service's role; says what the client saw
  service-restart   what a restart of the login service does here: all its sessions end, on both servers
  config [reads]    a configuration of Doorstep for the pair; `reads`: its logins read at the replica on purpose
  sql WHERE SQL     a statement on `primary` or `replica`, as the lab's administrator

Everything lives below FOLDER: no system service, no file of the package is touched, and processes are ended by the
identifiers recorded there. Needs Debian's mariadb-server. The roles, all with the password `labpw`:

  monitor    what the sentinel needs and no more: REPLICA MONITOR (SHOW REPLICA STATUS) and PROCESS (sessions of others)
  blind      a session and no rights at all
  app        the login service: reads and writes the tables of the database auth
  follower   the replica's own: REPLICATION REPLICA
"""
import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time

PASSWORD = "labpw"
ENDLESS = 2_000_000_000  # milliseconds: 23 days
FOREVER = 864_000  # seconds: ten days
SERVERS = ("primary", "replica")
MARK = "lab-mariadb"  # in each folder that `init` made: no other is ever emptied or removed
ACCOUNT = "mysql"  # made by the package; servers run under it when the lab is run by root

# Small and quiet, otherwise as a pair in production: GTID, row format, durable commits, semi-synchronous on both sides so
# that either could be the primary.
CONFIGURATION = """[mariadbd]
datadir = {folder}/{server}
tmpdir = {folder}/{server}-temporary
socket = lab.sock
pid-file = {folder}/{server}.pid
log-error = {folder}/{server}.log
init-file = {folder}/administrator.sql
bind-address = 127.0.0.1
port = {port}
server-id = {identifier}
skip-name-resolve
skip-networking = 0
max-connections = 40
log-bin = binlog
relay-log = relay
binlog-format = ROW
log-slave-updates = 1
gtid-strict-mode = 1
sync-binlog = 1
innodb-flush-log-at-trx-commit = 1
innodb-log-file-size = 8M
innodb-buffer-pool-size = 32M
innodb-use-native-aio = 0
performance-schema = 0
default-time-zone = +00:00
rpl-semi-sync-master-enabled = {master}
rpl-semi-sync-master-timeout = {timeout}
rpl-semi-sync-slave-enabled = {slave}
read-only = {slave}
slave-net-timeout = 20
"""

MONITOR = "monitor@'127.0.0.1'"

# The administrator exists on each server by itself: it must work on a replica that follows nobody yet.
ADMINISTRATOR = f"""SET sql_log_bin = 0;
CREATE USER IF NOT EXISTS lab@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL PRIVILEGES ON *.* TO lab@'127.0.0.1' WITH GRANT OPTION;
"""

# Runs on the primary and reaches the replica through replication.
CONTENT = f"""
CREATE USER {MONITOR} IDENTIFIED BY '{PASSWORD}';
GRANT REPLICA MONITOR, PROCESS ON *.* TO {MONITOR};
CREATE USER blind@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
CREATE USER follower@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT REPLICATION REPLICA ON *.* TO follower@'127.0.0.1';
CREATE DATABASE auth;
CREATE TABLE auth.session (id BIGINT AUTO_INCREMENT PRIMARY KEY, user VARCHAR(40) NOT NULL, made TIMESTAMP(6) NOT NULL);
CREATE TABLE auth.fence (id INT PRIMARY KEY, note VARCHAR(40) NOT NULL);
CREATE USER app@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.* TO app@'127.0.0.1';
"""


class Lab:
    """Both servers of one folder."""

    def __init__(self, folder, port, timeout):
        self.folder = os.path.realpath(folder)
        self.ports = {"primary": port, "replica": port + 1}
        self.timeout = int(timeout * 1000)

    # ---- statements -----------------------------------------------------------------------------------------------
    def invocation(self, server, user):
        return ["mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={self.ports[server]}",
                f"--user={user}", "--batch", "--connect-timeout=3", "--skip-ssl"]

    def client(self, server, sql, user="lab", limit=20, names=False):
        """Runs statements; returns the exit code, what was printed and what went wrong."""
        command = [*self.invocation(server, user), "--column-names" if names else "--skip-column-names"]
        done = subprocess.run(command, input=sql, text=True, capture_output=True, timeout=limit, check=False,
                              env={**os.environ, "MYSQL_PWD": PASSWORD})
        return done.returncode, done.stdout, done.stderr.strip()

    def hold(self, server, user, number=1, first=""):
        """So many sessions more that stay until `release` ends them, or their server."""
        before = len(self.held(server, user))
        for _ in range(number):
            self.sleep(server, user, first)
        self.until(f"{number} more sessions of {user} at the {server}",
                   lambda: len(self.held(server, user)) >= before + number, 20)

    def sleep(self, server, user, first=""):
        """A session that stays, if the server lets it in."""
        subprocess.Popen([*self.invocation(server, user), "-e", f"{first}SELECT SLEEP({FOREVER}) AS report"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, env={**os.environ, "MYSQL_PWD": PASSWORD})

    def held(self, server, user):
        return self.sql(server, f"SELECT id FROM information_schema.processlist WHERE user = '{user}' AND "
                                f"info LIKE 'SELECT SLEEP({FOREVER})%'")

    def release(self):
        for server in SERVERS:
            for user in ("app", "lab"):
                for (number,) in self.held(server, user):
                    self.client(server, f"KILL {number}")

    def sql(self, server, sql):
        """Runs statements that must succeed; returns rows of columns."""
        code, out, err = self.client(server, sql)
        if code:
            raise SystemExit(f"{server}: {err}")
        return [line.split("\t") for line in out.splitlines()]

    def link(self):
        """SHOW REPLICA STATUS of the replica by column; empty when it follows nobody."""
        code, out, err = self.client("replica", "SHOW REPLICA STATUS\\G", names=True)
        if code:
            raise SystemExit(f"replica: {err}")
        pairs = (line.strip().partition(": ") for line in out.splitlines() if ": " in line or line.endswith(":"))
        return {name.rstrip(":"): value for name, _, value in pairs}

    def status_of(self, server, name):
        return self.sql(server, f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1]

    # ---- processes ------------------------------------------------------------------------------------------------
    def pid(self, server):
        """The running server's process; None when it does not run."""
        try:
            with open(f"{self.folder}/{server}.process", encoding="ascii") as file:
                number = int(file.read())
            with open(f"/proc/{number}/cmdline", encoding="utf-8", errors="replace") as file:
                words = file.read()
            with open(f"/proc/{number}/stat", encoding="ascii", errors="replace") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return None
        # A number is used again by the system: only a process with our own file is ours. A zombie is gone.
        return number if f"{self.folder}/{server}.cnf" in words and state != "Z" else None

    def start(self, server):
        if self.pid(server):
            return
        account = [f"--user={ACCOUNT}"] if os.getuid() == 0 else []
        with open(f"{self.folder}/{server}.log", "a", encoding="utf-8") as log:
            process = subprocess.Popen(["mariadbd", f"--defaults-file={self.folder}/{server}.cnf", *account],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                       start_new_session=True)
        with open(f"{self.folder}/{server}.process", "w", encoding="ascii") as file:
            file.write(str(process.pid))
        self.until(f"the {server} answers; see {self.folder}/{server}.log",
                   lambda: self.client(server, "SELECT 1")[0] == 0, 40, lambda: process.poll() is None)

    def stop(self, server, how=signal.SIGTERM):
        number = self.pid(server)
        if number is None:
            return
        os.kill(number, signal.SIGCONT)
        os.kill(number, how)
        try:
            self.until(f"the {server} ends", lambda: self.gone(server), 20)
        except SystemExit:
            os.kill(number, signal.SIGKILL)
            self.until(f"the {server} is killed", lambda: self.gone(server), 10)

    def gone(self, server):
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass
        return self.pid(server) is None

    @staticmethod
    def until(what, holds, limit, possible=lambda: True):
        """Waits until something holds; gives up after `limit` seconds or when it cannot come about any more."""
        end = time.monotonic() + limit
        while time.monotonic() < end and possible():
            if holds():
                return
            time.sleep(0.1)
        raise SystemExit(f"waited in vain: {what}")

    # ---- the pair -------------------------------------------------------------------------------------------------
    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def make(self, server):
        """An empty server in its place."""
        self.stop(server, signal.SIGKILL)
        shutil.rmtree(f"{self.folder}/{server}", ignore_errors=True)
        # Of its own: a server that starts removes the temporary tables of every other that shares the place.
        temporary = f"{self.folder}/{server}-temporary"
        shutil.rmtree(temporary, ignore_errors=True)
        os.mkdir(temporary)
        if os.getuid() == 0:
            shutil.chown(temporary, ACCOUNT, ACCOUNT)
        follows = int(server == "replica")
        self.write(f"{server}.cnf", CONFIGURATION.format(
            folder=self.folder, server=server, port=self.ports[server], identifier=1 + follows,
            timeout=self.timeout, master=1 - follows, slave=follows))
        done = subprocess.run(
            ["mariadb-install-db", f"--defaults-file={self.folder}/{server}.cnf", "--skip-test-db",
             *([f"--user={ACCOUNT}"] if os.getuid() == 0 else [])],
            text=True, capture_output=True, check=False)
        if done.returncode:
            # The tool names the log and does not show it, and the folder may be gone by the time that somebody looks.
            raise SystemExit(f"mariadb-install-db: {done.stdout}{done.stderr}\n{self.told(server)}")
        self.start(server)

    def told(self, server):
        """The end of what a server wrote in its log."""
        try:
            with open(f"{self.folder}/{server}.log", encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-20:])
        except OSError as error:
            return f"no log: {error}"

    def exists(self):
        return os.path.isfile(f"{self.folder}/{MARK}")

    def require(self):
        if not self.exists():
            raise SystemExit(f"failed: there is no lab in {self.folder}: make one with 'scripts/lab mariadb init'")

    def init(self):
        if self.exists():
            self.destroy()
        elif os.path.lexists(self.folder) and not (os.path.isdir(self.folder) and not os.listdir(self.folder)):
            raise SystemExit(f"failed: {self.folder} is not empty and no lab of MariaDB: give another --folder")
        os.makedirs(self.folder, exist_ok=True)
        # First: what breaks off half-way can be destroyed as well.
        self.write(MARK, "made by 'scripts/lab mariadb init'; 'destroy' removes this folder\n")
        if os.getuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        os.chmod(self.folder, 0o755)
        self.write("administrator.sql", ADMINISTRATOR)
        self.write("password", PASSWORD + "\n")
        self.make("primary")
        # Nobody can acknowledge yet, so nothing here may wait for it.
        self.sql("primary", "SET GLOBAL rpl_semi_sync_master_enabled = 0;" + CONTENT
                 + "SET GLOBAL rpl_semi_sync_master_enabled = 1;")
        self.follow()

    def follow(self):
        """A new replica that fetches everything from the primary's first transaction on."""
        self.make("replica")
        self.sql("replica", f"""CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {self.ports['primary']},
            MASTER_USER = 'follower', MASTER_PASSWORD = '{PASSWORD}', MASTER_USE_GTID = slave_pos,
            MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 2; START REPLICA;""")

    def settled(self):
        """Semi-synchronous, both threads run, everything applied."""
        for server in SERVERS:
            if self.pid(server) is None:
                return False
        link = self.link()
        position = self.sql("primary", "SELECT @@gtid_binlog_pos")[0][0]
        return (self.status_of("primary", "Rpl_semi_sync_master_status") == "ON"
                and self.status_of("primary", "Rpl_semi_sync_master_clients") == "1"
                and link.get("Slave_IO_Running") == "Yes" and link.get("Slave_SQL_Running") == "Yes"
                and link.get("Gtid_IO_Pos") == position
                and self.sql("replica", "SELECT @@gtid_slave_pos")[0][0] == position)

    def healthy(self, limit=20):
        try:
            self.until("the pair is healthy", self.settled, limit)
        except SystemExit:
            return False
        return True

    def destroy(self):
        """Removes the folder; whether there was one."""
        if not os.path.lexists(self.folder):
            return False
        if not self.exists():
            raise SystemExit(f"failed: {self.folder} is no lab of MariaDB, and stays: give the --folder of one")
        for server in SERVERS:
            self.stop(server, signal.SIGKILL)
        shutil.rmtree(self.folder)
        return True

    def heal(self):
        for server in SERVERS:
            number = self.pid(server)
            if number:
                os.kill(number, signal.SIGCONT)
            self.start(server)
        # Sessions that wait for an acknowledgement are let go first, else they hold everything up.
        self.sql("primary", f"""SET GLOBAL rpl_semi_sync_master_timeout = {self.timeout};
            SET GLOBAL rpl_semi_sync_master_wait_no_slave = 1; SET GLOBAL tx_read_only = 0; SET GLOBAL read_only = 0;
            SET GLOBAL max_connections = 40;""")
        self.release()
        for number, user in self.sql("primary", "SELECT id, user FROM information_schema.processlist "
                                                "WHERE state LIKE 'Waiting for semi-sync ACK%'"):
            self.client("primary", f"KILL {number} /* {user} */")
        self.sql("primary", "SET GLOBAL rpl_semi_sync_master_enabled = 1")
        own = self.sql("replica", "SELECT @@gtid_binlog_pos LIKE '0-2-%'")[0][0] == "1"
        if not own:
            self.client("replica", "STOP REPLICA; CHANGE MASTER TO MASTER_DELAY = 0; "
                                   "SET GLOBAL rpl_semi_sync_slave_enabled = 1; SET GLOBAL read_only = 1; "
                                   "SET GLOBAL max_connections = 40; SET GLOBAL gtid_strict_mode = 1; START REPLICA")
        if own or not self.healthy(10):
            self.follow()
        if not any("PROCESS" in line[0] for line in self.sql("primary", f"SHOW GRANTS FOR {MONITOR}")):
            self.sql("primary", f"GRANT PROCESS ON *.* TO {MONITOR}")
        return self.healthy()

    def commit(self):
        """One write as the login service does it; what the client saw and how long it took, in milliseconds."""
        begin = time.monotonic()
        try:
            code, _, err = self.client("primary", "INSERT INTO auth.session (user, made) VALUES ('lab', NOW(6))",
                                       user="app", limit=30)
            said = "committed" if code == 0 else err
        except subprocess.TimeoutExpired:
            said = "no answer"
        return said, int((time.monotonic() - begin) * 1000)


# ---- faults --------------------------------------------------------------------------------------------------------
def replica_stopped(lab):
    """the replica is shut down; the next commit waits for the timeout, then all go on alone"""
    lab.stop("replica")


def replica_frozen(lab):
    """the replica's process is frozen (SIGSTOP), as behind a cut network"""
    os.kill(lab.pid("replica"), signal.SIGSTOP)


def io_stopped(lab):
    """the thread that fetches is stopped"""
    lab.sql("replica", "STOP REPLICA IO_THREAD")


def sql_stopped(lab):
    """the thread that applies is stopped: everything is received and acknowledged, nothing is applied"""
    lab.sql("replica", "STOP REPLICA SQL_THREAD")


def sql_error(lab):
    """the thread that applies stops at a duplicate key"""
    key = int(time.time()) % 2_000_000_000
    lab.sql("replica", f"SET sql_log_bin = 0; INSERT INTO auth.fence VALUES ({key}, 'written at the replica')")
    lab.sql("primary", f"INSERT INTO auth.fence VALUES ({key}, 'written at the primary')")


def delay(lab):
    """the replica applies everything ten seconds late (MASTER_DELAY)"""
    lab.sql("replica", "STOP REPLICA; CHANGE MASTER TO MASTER_DELAY = 10; START REPLICA")
    Lab.until("the replica acknowledges again", lambda: lab.status_of("primary", "Rpl_semi_sync_master_clients") == "1", 10)


def read_only(lab):
    """the primary is set read_only: error 1290"""
    lab.sql("primary", "SET GLOBAL read_only = 1")


def transactions_read_only(lab):
    """new sessions of the primary get read-only transactions (tx_read_only): error 1792"""
    lab.sql("primary", "SET GLOBAL tx_read_only = 1")


def endless_wait(lab):
    """commits wait for an acknowledgement for 23 days, and the replica is shut down"""
    lab.sql("primary", f"SET GLOBAL rpl_semi_sync_master_timeout = {ENDLESS}; "
                       "SET GLOBAL rpl_semi_sync_master_wait_no_slave = 1")
    lab.stop("replica")


def endless_wait_frozen(lab):
    """commits wait for an acknowledgement for 23 days, and the replica is frozen"""
    lab.sql("primary", f"SET GLOBAL rpl_semi_sync_master_timeout = {ENDLESS}")
    replica_frozen(lab)


def replica_writable(lab):
    """the replica is not read_only: latent, until somebody writes there"""
    lab.sql("replica", "SET GLOBAL read_only = 0")


def two_primaries(lab):
    """the replica is not read_only and the login service writes there"""
    replica_writable(lab)
    code, _, err = lab.client("replica", "INSERT INTO auth.session (user, made) VALUES ('astray', NOW(6))", user="app")
    if code:
        raise SystemExit(f"replica: {err}")


def semi_sync_disabled(lab):
    """the replica comes back without semi-synchronous replication, so that nobody acknowledges"""
    lab.sql("replica", "SET GLOBAL rpl_semi_sync_slave_enabled = 0; STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")


def connections_used_up(lab):
    """the login service holds every connection of the primary that it can get: error 1040"""
    lab.sql("primary", "SET GLOBAL max_connections = 10")

    def full():
        if lab.client("primary", "SELECT 1", user="app")[0]:
            return True
        lab.sleep("primary", "app")
        return False
    # Twice: a session of another may have been the last one for a moment.
    Lab.until("all connections are used up", lambda: full() and full(), 30)


def wrong_endpoint(lab):
    """the login service has its sessions at the replica"""
    lab.hold("replica", "app", 3)


def reader_locks(lab):
    """a report at the replica keeps a table locked, which the thread that applies waits for"""
    lab.hold("replica", "lab", first="LOCK TABLES auth.session READ; ")
    lab.commit()


def monitor_blind(lab):
    """the sentinel's role may no longer see the sessions of others"""
    lab.sql("primary", f"REVOKE PROCESS ON *.* FROM {MONITOR}")


FAULTS = {function.__name__.replace("_", "-"): function for function in (
    replica_stopped, replica_frozen, io_stopped, sql_stopped, sql_error, delay, read_only, transactions_read_only,
    endless_wait, endless_wait_frozen, replica_writable, two_primaries, semi_sync_disabled, connections_used_up,
    wrong_endpoint, reader_locks, monitor_blind)}


def configuration(lab, reads):
    """Doorstep's, for both servers; logins are somebody else's."""
    return f"""# The pair of MariaDB in {lab.folder}.
vantages: {{ here: {{}} }}
store: {lab.folder}/store
spool: {lab.folder}/spool
flows: []
databases:
  auth:
    engine: mariadb
    interval: 1s
    timeout: 2s
    user: monitor
    password: {{ file: {lab.folder}/password }}
    tls: off
    login_role: app
    servers:
      primary1: {{ host: 127.0.0.1, port: {lab.ports['primary']}, role: primary }}
      replica1: {{ host: 127.0.0.1, port: {lab.ports['replica']}, role: standby{', serves_reads: true' if reads else ''} }}
"""


# ---- commands ------------------------------------------------------------------------------------------------------
def status(lab):
    for server in SERVERS:
        number = lab.pid(server)
        print(f"{server}: {f'runs on port {lab.ports[server]}, process {number}' if number else 'does not run'}")
    good = lab.healthy(2)
    print(f"replication: {'healthy' if good else 'not healthy'}")
    return 0 if good else 1


def dispatch(lab, command, words):
    if command not in ("init", "destroy", "faults"):
        lab.require()
    if command == "init":
        lab.init()
        return 0 if lab.healthy() else 1
    if command == "start" and len(words) == 1 and words[0] in SERVERS:
        lab.start(words[0])
        return 0
    if command == "start":
        for server in SERVERS:
            lab.start(server)
        return 0 if lab.healthy() else 1
    if command == "stop":
        for server in reversed(SERVERS):
            lab.stop(server)
    elif command == "status":
        return status(lab)
    elif command == "destroy":
        if not lab.destroy():
            print(f"there is no lab in {lab.folder}", file=sys.stderr)
    elif command == "faults":
        for name, function in FAULTS.items():
            print(f"{name:24}{function.__doc__}")
    elif command == "fault" and len(words) == 1 and words[0] in FAULTS:
        FAULTS[words[0]](lab)
    elif command == "heal":
        return 0 if lab.heal() else 1
    elif command == "commit":
        said, millis = lab.commit()
        print(f"{said} after {millis} ms")
        return 0 if said == "committed" else 1
    elif command == "service-restart":
        for server in SERVERS:
            lab.sql(server, "KILL USER app")
    elif command == "config" and words in ([], ["reads"]):
        print(configuration(lab, bool(words)), end="")
    elif command == "sql" and len(words) == 2 and words[0] in SERVERS:
        for row in lab.sql(*words):
            print("\t".join(row))
    else:
        print(f"not understood: {' '.join([command, *words])}; see --help", file=sys.stderr)
        return 2
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="/tmp/doorstep-lab-mariadb")
    parser.add_argument("--port", type=int, default=15442)
    parser.add_argument("--semi-sync-timeout", type=float, default=10.0, metavar="SECONDS",
                        help="after this without an acknowledgement commits go on alone (default: 10, the server's own)")
    parser.add_argument("command")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    if not shutil.which("mariadbd"):
        raise SystemExit("mariadbd is not installed; Debian's package is mariadb-server")
    return dispatch(Lab(options.folder, options.port, options.semi_sync_timeout), options.command, options.words)


if __name__ == "__main__":
    sys.exit(main())
