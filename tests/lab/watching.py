"""Doorstep at work on a lab: its worker in the background, and what its rules say now, read from its metrics as an alerting
system would. Knows no fault."""
import re
import urllib.request

import configuration
import processes
from place import LabError

TAG = "doorstep"
# Beside the lab's own three.
PORT = 3
GRAVE = ("critical", "unknown", "warning", "info")
LINE = re.compile(r'^doorstep_database_rule\{(.*)\} 1$')


def start(place, doorstep):
    """Starts the worker, with a configuration of its own, and waits until it has asked each server."""
    place.path("doorstep.yaml").write_text(configuration.text(place, False))
    processes.detached(place, TAG, [doorstep, "run", "--config", str(place.path("doorstep.yaml")), "--listen",
                                    f"127.0.0.1:{place.port + PORT}", "--log-level", "warn"])
    if not processes.until(60, lambda: len(re.findall(r"^doorstep_database_up", metrics(place), re.M)) == 2, 0.1):
        stop(place)
        raise LabError(f"doorstep does not ask the servers: see {place.path(TAG + '.log')}")


def stop(place):
    processes.end(place, TAG)


def metrics(place):
    """What it publishes; nothing before it listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{place.port + PORT}/metrics", timeout=2) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def holding(place):
    """The rules that hold now, gravest first: (severity, rule, server)."""
    text = metrics(place)
    if "doorstep_database_up" not in text:
        raise LabError(f"doorstep says nothing: see {place.path(TAG + '.log')}")
    found = []
    for line in filter(None, map(LINE.match, text.splitlines())):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line[1]))
        found.append((labels["severity"], labels["rule"], labels["server"]))
    return sorted(found, key=lambda one: (GRAVE.index(one[0]), one[1], one[2]))
