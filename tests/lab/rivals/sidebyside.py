"""Doorstep, postgres_exporter with the usual alert rules, and check_postgres beside one another on one lab: the same fault at
the same instant, seconds to the first alarm and to the cause. Called by `scripts/bench sentinel`.

  sidebyside.py FOLDER PORT DOORSTEP [FAULT...]     ports PORT to PORT + 3 are the lab's and Doorstep's, PORT + 10 to PORT + 13 the tools'
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
LAB = HERE.parent
sys.path.insert(0, str(LAB))

import faults  # noqa: E402
import processes  # noqa: E402
import watching  # noqa: E402
from cluster import Pair  # noqa: E402
from place import PASSWORD, LabError, Place, say  # noqa: E402

# Seconds that each fault lasts, and of health before each: an alarm in it is a false one.
LASTS = float(os.environ.get("LASTS", "150"))
HEALTH = float(os.environ.get("HEALTH", "20"))
DOORSTEP, FAST, SLOW, PLAIN, STRICT = (
    "doorstep", "exporter, 1 s", "exporter, 15 s", "check_postgres", "check_postgres, strict")
TOOLS = (DOORSTEP, FAST, SLOW, PLAIN, STRICT)
CHECKED_EVERY = 5.0
ASKED_EVERY = 0.5

# What counts as naming the cause, by fault: a Doorstep rule of nature "cause", the name of an alert, or the name of a check.
# The benefit of the doubt is the others': a slot that nobody uses says that a standby is gone, and so does a server that is
# down or cannot be asked.
UNUSED = "PostgresqlUnusedReplicationSlot"
CAUSES = {
    "a1": {"quorum-short"},
    "b1": {"standby-absent", UNUSED, "PostgresqlDown", "hot_standby_delay", "hot_standby_delay in time"},
    "b2": {"stale-reply", UNUSED, "replication_slots"},
    "c2": {"slot-lost", UNUSED, "replication_slots"},
    "e7": {"read-only"},
    "h2": {"wrong-endpoint"},
}


class Log:
    """What each tool has said since the fault, with seconds; health before it counts as negative seconds."""

    def __init__(self):
        self.guard = threading.Lock()
        self.begin(None)

    def begin(self, injected):
        with self.guard:
            self.injected, self.said = injected, {tool: {} for tool in TOOLS}

    def note(self, tool, name):
        with self.guard:
            zero = self.injected if self.injected is not None else time.time()
            self.said[tool].setdefault(name, max(0.0, time.time() - zero))

    def taken(self):
        with self.guard:
            return {tool: dict(said) for tool, said in self.said.items()}


# ---- the tools, each in a thread -----------------------------------------------------------------------
def every(seconds, stop, ask):
    """Asks at whole intervals from now; a question that takes longer than one skips what it missed."""
    due = time.monotonic()
    while not stop.is_set():
        ask()
        due = max(due + seconds, time.monotonic())
        stop.wait(due - time.monotonic())


def watch_prometheus(port, tool, log):
    def ask():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/alerts", timeout=5) as answer:
            for alert in json.load(answer)["data"]["alerts"]:
                if alert["state"] == "firing":
                    log.note(tool, alert["labels"]["alertname"])
    return ask


def checks(place):
    """The commands of check_postgres: thresholds are those of its manual's examples and defaults; the strict ones are ours."""
    one = ["check_postgres", f"--host=127.0.0.1", f"--port={place.ports['primary']}", "--dbuser=monitor", "--dbname=auth"]
    two = ["check_postgres", "--host=127.0.0.1,127.0.0.1", f"--port={place.ports['primary']},{place.ports['standby']}",
           "--dbuser=monitor,monitor", "--dbname=auth,auth"]
    return [
        (PLAIN, "hot_standby_delay", [*two, "--action=hot_standby_delay", "--warning=1048576", "--critical=16777216"]),
        (PLAIN, "replication_slots", [*one, "--action=replication_slots", "--warning=32M", "--critical=64M"]),
        (PLAIN, "backends", [*one, "--action=backends", "--warning=90%", "--critical=95%"]),
        (PLAIN, "query_time", [*one, "--action=query_time", "--warning=2 minutes", "--critical=5 minutes"]),
        (PLAIN, "txn_time", [*one, "--action=txn_time", "--warning=30 seconds", "--critical=10 minutes"]),
        (STRICT, "hot_standby_delay in time", [*two, "--action=hot_standby_delay", "--warning=30 seconds", "--critical=60 seconds"]),
        (STRICT, "query_time", [*one, "--action=query_time", "--warning=2 seconds", "--critical=5 seconds"]),
        (STRICT, "txn_time", [*one, "--action=txn_time", "--warning=2 seconds", "--critical=5 seconds"]),
    ]


def watch_checks(place, log):
    environment = {**os.environ, "PGPASSWORD": PASSWORD}
    commands = checks(place)

    def ask():
        running = [(tool, name, subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                 stderr=subprocess.DEVNULL, text=True)) for tool, name, command in commands]
        for tool, name, process in running:
            process.communicate()
            # 1 warning, 2 critical, 3 unknown: all of them call somebody.
            if process.returncode:
                log.note(tool, name)
    return ask


def watch_doorstep(place, log):
    def ask():
        for _, rule, _ in watching.holding(place):
            log.note(DOORSTEP, rule)
    return ask


# ---- starting and ending them --------------------------------------------------------------------------
def prometheus(place, port, interval, targets):
    """The configuration of one Prometheus that scrapes and judges at this interval."""
    folder = place.path(f"prometheus-{interval}")
    folder.mkdir()
    listed = ", ".join(f"'127.0.0.1:{target}'" for target in targets)
    folder.joinpath("prometheus.yml").write_text(
        f"global: {{ scrape_interval: {interval}, evaluation_interval: {interval}, scrape_timeout: {min(interval, '10s', key=seconds)} }}\n"
        f"rule_files: ['{HERE / 'alerts.yml'}']\n"
        f"scrape_configs: [{{ job_name: postgres, static_configs: [{{ targets: [{listed}] }}] }}]\n")
    return ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]


def seconds(text):
    return int(text.rstrip("s"))


def start_rivals(place):
    """Tags of the background processes; `end` ends each."""
    exporters = {"primary": place.port + 10, "standby": place.port + 11}
    for server, port in exporters.items():
        source = f"host=127.0.0.1 port={place.ports[server]} user=monitor password={PASSWORD} dbname=auth sslmode=disable"
        processes.detached(place, f"exporter-{server}", [
            "prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{port}",
            "--extend.query-path=/usr/share/doc/prometheus-postgres-exporter/examples/queries.yaml"],
            env={"PATH": os.environ["PATH"], "DATA_SOURCE_NAME": source})
    for index, interval in enumerate(("1s", "15s")):
        command = prometheus(place, place.port + 12 + index, interval, exporters.values())
        processes.detached(place, f"prometheus-{interval}", command)
    addresses = [f"http://127.0.0.1:{place.port + 12 + index}/-/ready" for index in (0, 1)]
    if not processes.until(60, lambda: all(map(answers, addresses)), 0.2):
        raise LabError("Prometheus does not start: see its log in the lab's folder")


TAGS = ("exporter-primary", "exporter-standby", "prometheus-1s", "prometheus-15s", "people", watching.TAG)


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


# ---- the run -------------------------------------------------------------------------------------------
def measured(pair, log, name):
    """Seconds of each tool's sayings under one fault, and what was said in the health before it."""
    log.begin(None)
    time.sleep(HEALTH)
    before = log.taken()
    faults.inject(pair, name)
    # Counted from the instant at which the fault is in force: what a tool said on the way there counts as 0 s.
    log.begin(time.time())
    time.sleep(LASTS)
    said = log.taken()
    faults.heal(pair)
    settle(log)
    return before, said


def settle(log, quiet=3.0, limit=300.0):
    """Until no tool has anything left to say of the fault before; Prometheus with 15 s takes longest."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        log.begin(None)
        time.sleep(max(quiet, CHECKED_EVERY + 1))
        if not any(log.taken().values()):
            return
    say(f"after {limit:.0f} s still said: {log.taken()}")


def cell(said, causes):
    """`+1 s quorum-short; cause +1 s`: the first alarm, and the first that names the cause."""
    if not said:
        return f"never within {LASTS:.0f} s"
    first = min(said, key=said.get)
    named = {name: at for name, at in said.items() if name in causes}
    if not named:
        return f"{said[first]:.0f} s ({first}); cause never"
    cause = min(named, key=named.get)
    return f"{said[first]:.0f} s ({first}); cause {named[cause]:.0f} s ({cause})"


def main():
    folder, port, doorstep, *chosen = sys.argv[1:]
    place = Place(folder, int(port))
    pair, log, stop = Pair(place), Log(), threading.Event()
    start_rivals(place)
    watching.start(place, doorstep)
    processes.detached(place, "people", [sys.executable, str(LAB / "main.py"), "--folder", folder, "load", "--rate", "2",
                                         "--for", "36000"])
    watches = [(ASKED_EVERY, watch_prometheus(place.port + 12, FAST, log)), (ASKED_EVERY, watch_prometheus(place.port + 13, SLOW, log)),
               (CHECKED_EVERY, watch_checks(place, log)), (ASKED_EVERY, watch_doorstep(place, log))]
    threads = [threading.Thread(target=every, args=(seconds, stop, ask)) for seconds, ask in watches]
    for thread in threads:
        thread.start()
    try:
        settle(log)
        print("| fault | " + " | ".join(TOOLS) + " |\n|" + " --- |" * (len(TOOLS) + 1), flush=True)
        for name in chosen or CAUSES:
            before, said = measured(pair, log, name)
            fault = faults.find(name)
            cells = [cell(said[tool], CAUSES[fault.id]) for tool in TOOLS]
            print(f"| {fault.id}: {fault.line} | " + " | ".join(cells) + " |", flush=True)
            for tool, names in before.items():
                if names:
                    say(f"in the health before {fault.id}: {tool} said {', '.join(names)}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for tag in TAGS:
            processes.end(place, tag)


if __name__ == "__main__":
    main()
