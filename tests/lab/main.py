"""The lab's commands; see `scripts/lab --help`."""
import argparse
import collections
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time

import psycopg

import configuration
import faults
import gameday
import load
import processes
import service
from cluster import BIN, OWNER, Pair
from place import DEFAULT_FOLDER, DEFAULT_PORT, MARK, PASSWORD, UNAVAILABLE, LabError, Place, say


# What may be running beside the servers and the service.
BACKGROUND = (*gameday.BACKGROUND, *faults.BODIES)


def init(pair, arguments):
    place = pair.place
    if place.exists():
        raise LabError(f"there is a lab in {place.folder} already: 'scripts/lab start' starts it, 'destroy' removes it")
    if place.folder.exists() and any(place.folder.iterdir()):
        raise LabError(f"{place.folder} is not empty and no lab: give another --folder")
    for name, port in place.ports.items():
        if busy(port):
            raise LabError(f"port {port} ({name}) is in use: give another --port, with two free ports after it")
    place.folder.mkdir(parents=True, exist_ok=True)
    try:
        prepare(place)
        say("primary ...")
        pair.make_primary()
        service.seed(place)
        say("standby ...")
        pair.make_standby()
        finish_start(pair, arguments)
    except BaseException:
        tear_down(pair)
        raise


def busy(port):
    with socket.socket() as probe:
        # As the servers will bind: an old connection's port is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def prepare(place):
    """The folder and the password file; the servers' user has to reach them."""
    place.folder.chmod(0o755)
    processes.give_to(OWNER, place.folder)
    place.path("password").write_text(PASSWORD + "\n")
    place.remember("lab", {"port": place.port})
    if subprocess.run(processes.as_user(OWNER, "test", "-r", str(place.path(MARK))), check=False).returncode:
        say(f"not possible here: user {OWNER} cannot reach {place.folder}: give another --folder, below /tmp for one")
        raise SystemExit(UNAVAILABLE)


def finish_start(pair, arguments):
    if not processes.until(30, pair.streams, 0.1):
        raise LabError(f"the standby does not stream: see {pair.place.path('standby.log')}")
    if not arguments.without_service:
        say("login service ...")
        service.start(pair.place)
    status(pair, arguments)


def start(pair, arguments):
    pair.place.require()
    refuse_on_game_day(pair.place)
    if pair.place.read("fault"):
        raise LabError("a fault is in force: 'scripts/lab heal' starts everything and puts it right")
    pair.start("primary")
    pair.start("standby")
    finish_start(pair, arguments)


def refuse_on_game_day(place):
    """Says neither whether something is broken yet nor what."""
    if gameday.going(place):
        raise LabError("a game day is on: put right what broke with a runbook's commands or 'scripts/lab gameday heal'; "
                       "'scripts/lab gameday reveal' ends it")


def stop(pair, _arguments):
    pair.place.require()
    service.stop(pair.place)
    for tag in BACKGROUND:
        processes.end(pair.place, tag)
    pair.stop("standby")
    pair.stop("primary")
    say("stopped")


def tear_down(pair):
    for tag in (service.TAG, *BACKGROUND):
        processes.end(pair.place, tag)
    for server in ("standby", "primary"):
        pair.stop(server, "immediate")
    remove(pair.place.folder)


def remove(folder):
    """Removes the folder. A Doorstep worker that keeps its records there may write meanwhile: then once more."""
    last = None
    for _ in range(50):
        try:
            shutil.rmtree(folder)
            return
        except OSError as error:
            last = error
        if not os.path.exists(folder):
            return
        time.sleep(0.1)
    raise LabError(f"cannot remove {folder}, since something still writes there (end 'doorstep run' first): {last}")


def destroy(pair, _arguments):
    if not pair.place.exists():
        say(f"there is no lab in {pair.place.folder}")
        return
    tear_down(pair)
    say("destroyed")


def status(pair, _arguments):
    """What runs, in a few lines; exits with 1 when something is down, broken or missing."""
    place = pair.place
    place.require()
    fault = place.read("fault")
    up = {server: pair.pid(server) for server in ("primary", "standby")}
    print(f"lab      {place.folder}")
    for server, pid in up.items():
        print(f"{server:8} 127.0.0.1:{place.ports[server]}  {f'up (process {pid})' if pid else 'down'}")
    print(f"link     {link(pair) if up['primary'] else 'unknown: the primary is down'}")
    running = service.up(place)
    shape = "" if gameday.going(place) else " ".join(f"{name}={value}" for name, value in service.shape(place).items())
    print(f"service  http://127.0.0.1:{place.ports['service']}  "
          f"{f'up (process {processes.pid_of(place, service.TAG)})' if running else 'down'} {shape}".rstrip())
    if gameday.going(place):
        # Neither the fault nor whether there is one yet.
        print("fault    a game day is on: find out")
        return
    print(f"fault    {fault['fault'] + ' ' + fault['alias'] + ' since ' + fault['began'] if fault else 'none'}")
    if fault or not all(up.values()) or not (running or getattr(_arguments, "without_service", False)):
        raise SystemExit(1)


def link(pair):
    try:
        found = pair.link()
    except psycopg.Error as error:
        return f"unknown: {error}".strip()
    return f"{found[0]}, {found[1]}, {found[2]} bytes behind" if found else "the standby is not connected"


def service_start(pair, arguments):
    pair.place.require()
    shape = dict(word.split("=", 1) for word in arguments.switches)
    service.start(pair.place, shape)


def service_stop(pair, _arguments):
    pair.place.require()
    service.stop(pair.place)


def fault(pair, arguments):
    pair.place.require()
    refuse_on_game_day(pair.place)
    done = faults.inject(pair, arguments.name)
    say(f"{done.id} {done.alias}: {done.line}")


def heal(pair, _arguments):
    pair.place.require()
    say("healed" if faults.heal(pair) else "healthy: no fault was in force")


def list_faults(_pair, _arguments):
    for one in faults.FAULTS:
        print(f"{one.id}  {one.alias:24} {one.line}")


def psql(pair, arguments):
    pair.place.require()
    address = pair.address(arguments.server, arguments.user)
    more = ["-c", arguments.sql] if arguments.sql else []
    os.environ["PGPASSWORD"] = PASSWORD
    os.execv(f"{BIN}/psql", ["psql", "-X", "-h", address["host"], "-p", str(address["port"]), "-U", address["user"],
                             "-d", address["dbname"], *more])


def restart(pair, arguments):
    """What must raise no alarm: an ordinary restart."""
    pair.place.require()
    pair.stop(arguments.server)
    pair.start(arguments.server)


def backup(pair, _arguments):
    """What must raise no alarm: a base backup, at half a megabyte a second, thrown away."""
    pair.place.require()
    folder = pair.place.path("backup")
    shutil.rmtree(folder, ignore_errors=True)
    pair.program("pg_basebackup", "-D", folder, "-X", "stream", "-c", "fast", "--max-rate=4M", "-d", pair.conninfo("backup"))
    shutil.rmtree(folder)


def run_load(pair, arguments):
    pair.place.require()
    outcomes = collections.Counter()

    def tell(line):
        outcomes[line["outcome"]] += 1
        print(json.dumps(line), flush=True)
    # People go home with the service.
    load.run(pair.place.ports["service"], arguments.rate, arguments.seconds, arguments.deadline, tell, pair.place.exists)
    say(", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))


def config(pair, arguments):
    pair.place.require()
    print(configuration.text(pair.place, arguments.reads_standby), end="")


def body(pair, arguments):
    faults.BODIES[arguments.tag](pair)


# Those that leave the lab as it is need no lock; a game day takes it where it changes something.
FREE = (status, list_faults, psql, run_load, config, body, gameday.run)


def parse():
    parser = argparse.ArgumentParser(
        prog="scripts/lab", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A PostgreSQL primary, its synchronous standby and a login service on loopback, to be broken by name.",
        epilog=textwrap.dedent("""\
            examples:
              scripts/lab init                      make and start all of it (about ten seconds)
              scripts/lab config > doorstep.yaml    a configuration of Doorstep for it
              scripts/lab load --rate 3 --for 60    people who log in
              scripts/lab faults                    what can be broken
              scripts/lab fault a1                  or: fault ghost-standby
              scripts/lab psql primary 'SHOW synchronous_standby_names'
              scripts/lab heal
              scripts/lab gameday                   break something unnamed, for operators to find
              scripts/lab destroy                   stop all of it and leave nothing
              scripts/lab --folder /tmp/second --port 16432 init    a second one beside it

            What was broken and healed, and when, is in truth.jsonl in the lab's folder."""))
    parser.add_argument("--folder", default=os.environ.get("LAB_FOLDER", DEFAULT_FOLDER),
                        help="where the lab lives (default: $LAB_FOLDER, or target/lab)")
    parser.add_argument("--port", type=int, default=os.environ.get("LAB_PORT"),
                        help="the primary's port; the standby and the login service have the next two (default: the "
                        f"lab's own; for a new one $LAB_PORT, or {DEFAULT_PORT})")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, function, text):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(function=function)
        return command
    for name, function, text in (("init", init, "make a lab and start it"), ("start", start, "start a stopped lab")):
        add(name, function, text).add_argument("--without-service", action="store_true", help="the servers only")
    add("stop", stop, "stop everything and keep it")
    add("status", status, "what runs; exits with 1 when something is down or broken")
    add("destroy", destroy, "stop everything and remove it")
    add("service-start", service_start, "start the login service afresh").add_argument(
        "switches", nargs="*", metavar="NAME=VALUE", help="a switch of the service (tests/lab/README.md lists them)")
    add("service-stop", service_stop, "stop the login service")
    add("faults", list_faults, "list what can be broken")
    add("fault", fault, "break something").add_argument("name", help="an id or a name of 'scripts/lab faults'")
    add("heal", heal, "put everything right, and prove it by a commit")
    command = add("psql", psql, "ask a server")
    command.add_argument("server", choices=("primary", "standby"))
    command.add_argument("sql", nargs="?", help="one statement; without it, a session")
    command.add_argument("--user", default=OWNER, choices=(OWNER, "app", "monitor", "plain"))
    add("restart", restart, "restart a server in good order").add_argument("server", choices=("primary", "standby"))
    add("backup", backup, "take a base backup and throw it away")
    command = add("load", run_load, "let people log in; one JSON line for each attempt")
    command.add_argument("--rate", type=float, default=3.0, help="logins a second (default 3)")
    command.add_argument("--for", type=float, default=60.0, dest="seconds", help="seconds (default 60)")
    command.add_argument("--deadline", type=float, default=10.0, help="seconds that a person waits (default 10)")
    add("config", config, "print a configuration of Doorstep for this lab").add_argument(
        "--reads-standby", action="store_true", help="say that the login service reads from the standby on purpose")
    gameday.declare(add)
    command = commands.add_parser("body")
    command.set_defaults(function=body)
    command.add_argument("tag", choices=tuple(faults.BODIES))
    return parser.parse_args()


def main():
    arguments = parse()
    lock = None
    # Asked to end while it makes a lab, it takes away what it has made.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    try:
        place = Place(arguments.folder, arguments.port)
        if arguments.function not in FREE:
            lock = place.lock()
        arguments.function(Pair(place), arguments)
    except (LabError, psycopg.Error) as error:
        say(f"failed: {str(error).strip()}")
        raise SystemExit(1) from None
    finally:
        if lock:
            lock.release()


if __name__ == "__main__":
    main()
