"""What can be broken, how, and how all of it is put right again. The ids are those under which the effects of each
fault were measured first; each has a spelled name too."""
import dataclasses
import shutil
import sys
import threading
import time
import typing

import psycopg

import processes
import service
from cluster import OPERATOR, SLOT, STANDBY
from place import HERE, PASSWORD, LabError, now

FLAP = "flap"
REPORT = "report"
CLASH = "clash"


@dataclasses.dataclass(frozen=True)
class Fault:
    id: str
    alias: str
    line: str
    inject: typing.Callable = lambda pair: None
    # Environment in which the login service is restarted first.
    shape: dict = dataclasses.field(default_factory=dict)
    # Whether the standby cannot be mended and has to be made again.
    rebuild: bool = False


# ---- pieces ------------------------------------------------------------------------------------
def names(pair, value):
    pair.set("primary", "synchronous_standby_names", value)
    pair.reload("primary")


def asynchronous(pair):
    names(pair, "")


def ghost(pair):
    names(pair, "standby2")


def level(pair, value):
    pair.set("primary", "synchronous_commit", value)
    pair.reload("primary")


def on_standby(pair, name, value):
    pair.set("standby", name, value)
    pair.reload("standby")


def write(pair, megabytes):
    """WAL that means nothing, so that what a slot holds back grows."""
    with psycopg.connect(**pair.address("primary"), options=OPERATOR, autocommit=True) as connection:
        for _ in range(megabytes):
            connection.execute("SELECT pg_logical_emit_message(false, 'lab', repeat('x', 1000000))")


# ---- a: the names that commits wait for ----------------------------------------------------------
def other_name(pair):
    on_standby(pair, "primary_conninfo", pair.conninfo("walreceiver"))
    # Its link is made anew by the reload: in force when the primary knows it under the new name.
    if not processes.until(10, lambda: pair.sql("primary", "SELECT 1 FROM pg_stat_replication "
                                                "WHERE application_name = 'walreceiver'")):
        raise LabError("the standby did not come back under its other name")


def two_wanted(pair):
    names(pair, f"FIRST 2 ({STANDBY}, standby2)")


# ---- b: the standby itself -------------------------------------------------------------------------
def stopped(pair):
    pair.stop("standby")


def frozen(pair):
    pair.freeze()


def flapping(pair):
    own_command(pair, FLAP)


def flap(pair, cycle=10.0, away=8.25):
    """Stops and starts the standby for ever; the body of the process that `flapping` starts."""
    while True:
        begin = time.monotonic()
        pair.stop("standby")
        time.sleep(max(0.0, begin + away - time.monotonic()))
        pair.start("standby")
        time.sleep(max(0.0, begin + cycle - time.monotonic()))


# ---- c: slots ----------------------------------------------------------------------------------------
def slot_grows(pair):
    asynchronous(pair)
    pair.stop("standby")
    write(pair, 50)


def slot_lost(pair):
    asynchronous(pair)
    lose_slot(pair)


def lose_slot(pair):
    pair.set("primary", "max_slot_wal_keep_size", "8MB")
    pair.reload("primary")
    pair.stop("standby")
    write(pair, 30)
    pair.sql("primary", "CHECKPOINT")

    def lost():
        return pair.sql("primary", f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{SLOT}'") == [("lost",)]
    if not processes.until(15, lost):
        raise LabError(f"the slot {SLOT} was not lost")
    pair.start("standby")


# ---- d: the standby's own login ------------------------------------------------------------------------
def stale_password(pair):
    """Latent until the link drops: so it is dropped too."""
    pair.sql("primary", "ALTER ROLE replicator PASSWORD 'rotated'")
    pair.sql("primary", "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")


def stale_password_async(pair):
    asynchronous(pair)
    stale_password(pair)


# ---- e: replay and writes ------------------------------------------------------------------------------
def paused(pair):
    pair.sql("standby", "SELECT pg_wal_replay_pause()")


def paused_remote_apply(pair):
    level(pair, "remote_apply")
    paused(pair)


def old_sessions(pair):
    on_standby(pair, "recovery_min_apply_delay", "4s")


def late_apply(seconds):
    def inject(pair):
        level(pair, "remote_apply")
        on_standby(pair, "recovery_min_apply_delay", f"{seconds}s")
    return inject


def read_only(pair):
    pair.set("primary", "default_transaction_read_only", "on")
    pair.reload("primary")


# ---- f: copies of something else -----------------------------------------------------------------------
def other_timeline(pair):
    """Promoted once, then told to follow the old primary again."""
    asynchronous(pair)
    pair.sql("standby", "SELECT pg_promote(true, 20)")
    pair.sql("standby", "CHECKPOINT")
    pair.stop("standby")
    pair.data("standby").joinpath("standby.signal").touch()
    pair.start("standby")


def other_system(pair):
    """Another cluster altogether in the standby's place."""
    asynchronous(pair)
    pair.stop("standby")
    shutil.rmtree(pair.data("standby"))
    pair.make_cluster("standby", STANDBY)
    pair.configure("standby", STANDBY, more="")
    pair.start("standby")
    pair.make_roles("standby")
    pair.stop("standby")
    pair.follow()
    pair.start("standby")


# ---- g: reads at the standby against its replay ----------------------------------------------------------
def blocked_replay(delay, commit_level):
    """A report at the standby holds a lock; replay of a DDL statement waits for it, and logins wait for replay."""
    def inject(pair):
        level(pair, commit_level)
        on_standby(pair, "max_standby_streaming_delay", delay)
        own_command(pair, REPORT)
        if not processes.until(20, lambda: pair.sql("standby", "SELECT 1 FROM pg_stat_activity WHERE "
                                                    "application_name = 'report' AND wait_event = 'PgSleep'")):
            raise LabError("the report did not begin")
        # Takes a lock that stands in the WAL and changes nothing.
        pair.sql("primary", "ALTER TABLE auth_user ALTER COLUMN first_name DROP DEFAULT")
    return inject


def report(pair, seconds=600):
    """One long statement over the accounts; the body of the process that `blocked_replay` starts."""
    options = "-c application_name=report"
    pair.sql("standby", f"SELECT count(*), pg_sleep({seconds}) FROM (SELECT 1 FROM auth_user LIMIT 1) one", options=options)


def cancelled_reports(pair):
    """Reports at a standby that waits for nobody, while the primary removes old rows."""
    on_standby(pair, "max_standby_streaming_delay", "0")
    own_command(pair, CLASH)


def clash(pair):
    """Updates and vacuums at the primary, reports at the standby, for ever; the body of the process that
    `cancelled_reports` starts."""
    threading.Thread(target=keep_reporting, args=(pair,), daemon=True).start()
    while True:
        pair.sql("primary", "UPDATE auth_user SET first_name = first_name WHERE id <= 200")
        pair.sql("primary", "VACUUM auth_user")
        time.sleep(0.3)


def keep_reporting(pair):
    # A later statement sees what the first one saw: the rows that the primary removes meanwhile.
    options = "-c application_name=report -c default_transaction_isolation=repeatable\\ read"
    while True:
        try:
            with psycopg.connect(**pair.address("standby"), options=options) as connection:
                connection.execute("SELECT count(*) FROM auth_user")
                connection.execute("SELECT pg_sleep(2)")
        except psycopg.errors.OperationalError as error:
            # Cancelled: that is the fault.
            print(now(), str(error).splitlines()[0], flush=True)
            time.sleep(0.2)


# Bodies of processes that a fault leaves running.
BODIES = {FLAP: flap, REPORT: report, CLASH: clash}


def own_command(pair, tag):
    command = [sys.executable, str(HERE / "main.py"), "--folder", str(pair.place.folder), "body", tag]
    processes.detached(pair.place, tag, command)


# ---- the table -------------------------------------------------------------------------------------------
THREADS = {"LAB_WORKER_CLASS": "gthread", "LAB_WORKERS": "4", "LAB_THREADS": "12"}
READS = {"LAB_READ_FROM_STANDBY": "user,session"}
FAULTS = [
    Fault("a1", "ghost-standby", "synchronous_standby_names names a standby that does not exist", ghost),
    Fault("a2", "other-name", "the standby comes back under another application_name", other_name),
    Fault("a3", "two-wanted", "commits wait for two standbys where there is one", two_wanted),
    Fault("b1", "standby-stopped", "the synchronous standby is stopped", stopped),
    Fault("b2", "standby-frozen", "the standby's walreceiver is frozen, as behind a dead network", frozen),
    Fault("b3", "standby-flapping", "the synchronous standby is away for 8.25 s of every 10 s", flapping),
    Fault("c1", "slot-grows", "asynchronous; the standby is down and its slot keeps WAL", slot_grows),
    Fault("c2", "slot-lost", "asynchronous; the slot was invalidated by its cap, and the standby is back", slot_lost,
          rebuild=True),
    Fault("c3", "slot-lost-sync", "as c2, but commits wait for that standby", lose_slot, rebuild=True),
    Fault("d1", "stale-password", "the replication password was changed, and the link dropped", stale_password),
    Fault("d2", "stale-password-async", "as d1, asynchronous", stale_password_async),
    Fault("e1", "replay-paused", "replay is paused at the standby; commits do not wait for it", paused),
    Fault("e2", "replay-paused-apply", "replay is paused and commits wait for it (remote_apply)", paused_remote_apply),
    Fault("e3", "old-sessions", "sessions are read at the standby, which applies 4 s late", old_sessions,
          {"LAB_READ_FROM_STANDBY": "session"}),
    Fault("e4", "late-apply", "commits wait for a standby that applies 2 s late (remote_apply)", late_apply(2)),
    Fault("e5", "late-apply-short-queue", "as e4 with 1 s, and a service that lets only two connections queue",
          late_apply(1), {"LAB_BACKLOG": "2"}),
    Fault("e6", "ghost-standby-but-one", "as a1, but the commits of one worker in five wait for nobody", ghost,
          {"LAB_WORKERS": "5", "LAB_LOCAL_OF": "1/5"}),
    Fault("e7", "read-only", "default_transaction_read_only is on at the primary", read_only),
    Fault("f1", "other-timeline", "asynchronous; the standby was promoted once and follows the old primary again",
          other_timeline, rebuild=True),
    Fault("f2", "other-system", "asynchronous; another cluster stands in the standby's place", other_system, rebuild=True),
    Fault("g1", "blocked-replay", "users and sessions are read at the standby, where a report blocks replay",
          blocked_replay("30s", "on"), READS),
    Fault("g2", "blocked-replay-apply", "as g1, without a limit, and commits wait for replay (remote_apply)",
          blocked_replay("-1", "remote_apply"), READS),
    Fault("g3", "cancelled-reports", "users and sessions are read at the standby, whose reports replay cancels",
          cancelled_reports, READS),
    Fault("h1", "wrong-endpoint", "the login service is pointed at the standby", shape={"LAB_DATABASE": "standby"}),
    Fault("h2", "wrong-endpoint-most", "four of five of its processes are pointed at the standby",
          shape={"LAB_WORKERS": "5", "LAB_WRONG_OF": "4/5"}),
    Fault("i1", "ghost-standby-aborts", "as a1 with eight workers that are aborted after 30 s", ghost,
          {"LAB_WORKERS": "8"}),
    Fault("i2", "connections-gone", "as a1 with 48 threads, until the primary's connections are used up (needs logins)",
          ghost, THREADS),
    Fault("i3", "connections-gone-watched", "as i2, to be watched over a connection that was made before", ghost, THREADS),
]


def find(name):
    for fault in FAULTS:
        if name.lower() in (fault.id, fault.alias):
            return fault
    raise LabError(f"there is no fault '{name}': 'scripts/lab faults' lists them")


def inject(pair, name):
    """Breaks the lab; one fault at a time, so that the truth stays plain."""
    fault = find(name)
    place = pair.place
    active = place.read("fault")
    if active:
        raise LabError(f"the fault {active['fault']} is in force: 'scripts/lab heal' first")
    if not pair.pid("primary") or not pair.pid("standby"):
        raise LabError("a server is down: 'scripts/lab start' first")
    began = now()
    # Noted first: what breaks off half-way has to be healed as well.
    place.remember("fault", {"fault": fault.id, "alias": fault.alias, "began": began})
    if fault.shape:
        service.start(place, fault.shape)
    fault.inject(pair)
    line = {"fault": fault.id, "alias": fault.alias, "began": began, "injected": now()}
    place.remember("fault", line)
    place.tell_truth(**line)
    return fault


def heal(pair):
    """Back to one synchronous standby, no odd settings, the usual service; proven by a commit. Whether it had to be."""
    place = pair.place
    line = place.read("fault")
    healing = now()
    for tag in BODIES:
        processes.end(place, tag)
    pair.thaw()
    pair.start("primary")
    pair.reset("primary")
    pair.sql("primary", f"ALTER ROLE replicator PASSWORD '{PASSWORD}'")
    if (line and find(line["fault"]).rebuild) or not mended(pair):
        pair.make_standby()
    if not processes.until(30, pair.streams, 0.1):
        raise LabError(f"the standby does not stream: see {place.path('standby.log')}")
    if service.shape(place) and service.up(place):
        service.start(place)
    if not pair.commits():
        raise LabError(f"commits still wait: see {place.path('primary.log')}")
    if line:
        place.tell_truth(**line, healing=healing, healed=now())
        place.forget("fault")
    return line is not None


def mended(pair):
    """Puts a standby right that is still this primary's copy; False when it has to be made again."""
    try:
        # What makes it flap may have started it a moment ago.
        pair.start("standby")
        processes.until(15, lambda: pair.accepts("standby"))
        pair.sql("standby", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'report'")
        pair.reset("standby")
        if not pair.sql("standby", "SELECT pg_is_in_recovery()")[0][0]:
            return False
        pair.sql("standby", "SELECT pg_wal_replay_resume()")
    except (psycopg.Error, LabError):
        return False
    # The receiver asks again every five seconds.
    return processes.until(15, pair.streams, 0.1)
