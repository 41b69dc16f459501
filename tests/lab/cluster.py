"""A PostgreSQL primary with one streaming standby, synchronous when healthy. Knows nothing of faults or logins."""
import os
import re
import shutil
import signal
import subprocess
import threading

import psycopg

import processes
from place import PASSWORD, LabError

BIN = "/usr/lib/postgresql/15/bin"
STANDBY = "standby1"
SLOT = "s1"
DATABASE = "auth"
OWNER = "postgres"
# Scaled down: read ratios, not absolute latencies.
SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
cluster_name = '{name}'
unix_socket_directories = ''
max_connections = 40
superuser_reserved_connections = 3
shared_buffers = 64MB
wal_level = replica
max_wal_senders = 6
max_replication_slots = 4
wal_keep_size = 0
min_wal_size = 8MB
max_wal_size = 64MB
wal_log_hints = on
hot_standby = on
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d/%a '
log_timezone = 'UTC'
timezone = 'UTC'
log_replication_commands = on
log_min_duration_statement = 500
log_lock_waits = on
log_recovery_conflict_waits = on
"""
SYNCHRONOUS = f"synchronous_standby_names = '{STANDBY}'\n"
ACCESS = """\
host all         all        127.0.0.1/32 scram-sha-256
host replication replicator 127.0.0.1/32 scram-sha-256
"""
# The operator's own statements: never waiting for a standby, and written even where writes are refused.
OPERATOR = "-c synchronous_commit=local -c default_transaction_read_only=off"


class Pair:
    def __init__(self, place):
        self.place = place

    # ---- statements ----------------------------------------------------------------------------
    def address(self, server, user=OWNER, database=DATABASE):
        return {"host": "127.0.0.1", "port": self.place.ports[server], "user": user, "password": PASSWORD,
                "dbname": database, "connect_timeout": 3}

    def sql(self, server, statement, database=DATABASE, options=OPERATOR):
        """The rows of one statement, as the superuser."""
        address = self.address(server, database=database)
        with psycopg.connect(**address, options=options, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def set(self, server, name, value):
        self.sql(server, f"ALTER SYSTEM SET {name} = '{value}'")

    def reload(self, server):
        self.sql(server, "SELECT pg_reload_conf()")

    def reset(self, server):
        """Undoes every ALTER SYSTEM: what is in postgresql.conf is the good state."""
        self.sql(server, "ALTER SYSTEM RESET ALL")
        self.reload(server)

    # ---- processes -----------------------------------------------------------------------------
    def data(self, server):
        return self.place.path(server)

    def program(self, name, *arguments, check=True):
        done = subprocess.run(processes.as_user(OWNER, f"{BIN}/{name}", *map(str, arguments)), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, cwd=self.place.folder)
        if check and done.returncode:
            raise LabError(f"{name} failed: {(done.stderr or done.stdout).strip()}")
        return done

    def pid(self, server):
        """The postmaster's id as the server itself recorded it; None when it is down."""
        if not (self.data(server) / "PG_VERSION").exists():
            return None
        done = self.program("pg_ctl", "-D", self.data(server), "status", check=False)
        found = re.search(r"PID: (\d+)", done.stdout)
        return int(found[1]) if done.returncode == 0 and found else None

    def start(self, server, wait=True):
        if self.pid(server):
            return
        done = self.program("pg_ctl", "-D", self.data(server), "-l", self.place.path(f"{server}.log"),
                            "-w" if wait else "-W", "-t", "30", "start", check=False)
        if done.returncode:
            log = self.place.path(f"{server}.log").read_text().splitlines()[-5:]
            raise LabError(f"the {server} does not start; its log ends with:\n" + "\n".join(log))

    def stop(self, server, mode="fast"):
        if not self.pid(server):
            return
        self.thaw()
        self.program("pg_ctl", "-D", self.data(server), "-m", mode, "-t", "20", "-w", "stop", check=False)
        if self.pid(server):
            raise LabError(f"the {server} does not stop: see {self.place.path(server + '.log')}")

    def receivers(self):
        """The standby's walreceiver, by parentage."""
        postmaster = self.pid("standby")
        found = processes.children(postmaster) if postmaster else []
        return [pid for pid, line in found if "walreceiver" in line]

    def freeze(self):
        receivers = self.receivers()
        if not receivers:
            raise LabError("the standby has no walreceiver to freeze")
        for pid in receivers:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.receivers():
            os.kill(pid, signal.SIGCONT)

    # ---- making --------------------------------------------------------------------------------
    def make_cluster(self, server, name):
        secret = self.place.path("password")
        self.program("initdb", "-D", self.data(server), "-U", OWNER, "--pwfile", secret, "-A", "scram-sha-256",
                     "--wal-segsize=1", "-E", "UTF8", "--locale=C", "--no-instructions")
        self.configure(server, name)
        self.data(server).joinpath("pg_hba.conf").write_text(ACCESS)

    def configure(self, server, name, more=SYNCHRONOUS):
        text = SETTINGS.format(port=self.place.ports[server], name=name) + more
        self.data(server).joinpath("postgresql.conf").write_text(text)

    def make_roles(self, server):
        """`app` is the login service's, `monitor` the sentinel's, `plain` sees nothing, `replicator` the standby's."""
        secret = f"LOGIN PASSWORD '{PASSWORD}'"
        for statement in (f"CREATE ROLE app {secret}", f"CREATE ROLE monitor {secret} IN ROLE pg_monitor",
                          f"CREATE ROLE plain {secret}", f"CREATE ROLE replicator {secret} REPLICATION",
                          f"CREATE DATABASE {DATABASE} OWNER app"):
            self.sql(server, statement, database="postgres")

    def make_primary(self):
        self.make_cluster("primary", "primary1")
        self.start("primary")
        # Nobody streams yet: these commits must not wait.
        self.make_roles("primary")

    def conninfo(self, name=STANDBY):
        return (f"host=127.0.0.1 port={self.place.ports['primary']} user=replicator password={PASSWORD} "
                f"application_name={name}")

    def following(self):
        """What makes a server this primary's standby, in its postgresql.conf."""
        return SYNCHRONOUS + f"primary_conninfo = '{self.conninfo()}'\nprimary_slot_name = '{SLOT}'\n"

    def make_standby(self):
        """From a base backup; a standby that is there already is thrown away."""
        self.stop("standby", "immediate")
        shutil.rmtree(self.data("standby"), ignore_errors=True)
        self.drop_slot()
        self.program("pg_basebackup", "-D", self.data("standby"), "-X", "stream", "-c", "fast", "-C", "-S", SLOT,
                     "-d", self.conninfo())
        self.follow()
        # The backup copied what ALTER SYSTEM had set on the primary.
        self.data("standby").joinpath("postgresql.auto.conf").write_text("")
        self.start("standby")

    def follow(self):
        self.configure("standby", STANDBY, self.following())
        self.data("standby").joinpath("standby.signal").touch()

    def drop_slot(self):
        def dropped():
            self.sql("primary", "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                                f"WHERE NOT active AND slot_name = '{SLOT}'")
            return not self.sql("primary", f"SELECT 1 FROM pg_replication_slots WHERE slot_name = '{SLOT}'")
        if not processes.until(10, dropped):
            raise LabError(f"the slot {SLOT} stays in use")

    # ---- health ------------------------------------------------------------------------------
    def accepts(self, server):
        """Whether it takes sessions."""
        try:
            self.sql(server, "SELECT 1")
            return True
        except psycopg.OperationalError:
            return False

    def link(self):
        """State, kind and bytes behind of the standby as the primary sees it; None when it is not there."""
        rows = self.sql("primary", "SELECT state, sync_state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint "
                                   f"FROM pg_stat_replication WHERE application_name = '{STANDBY}'")
        return rows[0] if rows else None

    def streams(self):
        try:
            link = self.link()
        except psycopg.Error:
            return False
        return bool(link) and link[0] == "streaming" and link[1] == "sync" and link[2] is not None and link[2] < 65536

    def commits(self, seconds=3.0):
        """Whether a commit that waits for the standby, as a login's does, comes back in time. No timeout of the server
        ends one that hangs; terminating its session does."""
        with psycopg.connect(**self.address("primary"), autocommit=True) as connection:
            done = threading.Event()
            pid = connection.info.backend_pid

            def guard():
                if not done.wait(seconds):
                    self.sql("primary", f"SELECT pg_terminate_backend({pid})")
            watcher = threading.Thread(target=guard)
            watcher.start()
            try:
                connection.execute("SELECT pg_logical_emit_message(true, 'lab', 'canary')")
                return True
            except psycopg.Error:
                return False
            finally:
                done.set()
                watcher.join()
