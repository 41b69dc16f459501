"""Where a lab lives: its folder, its ports, what it remembers. Knows nothing of servers, faults or the login service."""
import datetime
import fcntl
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEFAULT_FOLDER = ROOT / "target" / "lab"
DEFAULT_PORT = 15432
# Of throw-away servers and accounts on loopback: no secret.
PASSWORD = "lab-Passw0rd!"
# What a launcher exits with when this machine lacks something that it may not install.
UNAVAILABLE = 77
MARK = "lab.json"


class LabError(Exception):
    """What could not be done, why, and the way out: one line for people."""


def say(text):
    """Progress, which is no result."""
    print(text, file=sys.stderr, flush=True)


def now():
    """This instant as the truth file and Doorstep write it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Place:
    """One lab's folder and ports: the primary's, the standby's and the login service's, in a row."""

    def __init__(self, folder, port=None):
        self.folder = pathlib.Path(folder).resolve()
        known = self.read("lab")
        if known and port and known["port"] != port:
            raise LabError(f"the lab in {self.folder} has port {known['port']}, not {port}: leave --port out, or "
                           "give another --folder for a second lab")
        self.port = known["port"] if known else port or DEFAULT_PORT
        self.ports = {"primary": self.port, "standby": self.port + 1, "service": self.port + 2}

    def exists(self):
        return (self.folder / MARK).is_file()

    def require(self):
        if not self.exists():
            raise LabError(f"there is no lab in {self.folder}: make one with 'scripts/lab init'")

    def path(self, name):
        return self.folder / name

    def read(self, name):
        """What was remembered under a name; None when nothing was."""
        try:
            return json.loads(self.path(f"{name}.json").read_text())
        except FileNotFoundError:
            return None

    def remember(self, name, value):
        new = self.path(f"{name}.json.new")
        new.write_text(json.dumps(value) + "\n")
        os.replace(new, self.path(f"{name}.json"))

    def forget(self, name):
        self.path(f"{name}.json").unlink(missing_ok=True)

    def tell_truth(self, **line):
        """Appends what was done to the lab and when: the only place where a fault is named."""
        with open(self.path("truth.jsonl"), "a") as file:
            file.write(json.dumps(line) + "\n")

    def lock(self):
        """Held until the process ends: two commands never change one lab at the same time. The file lies beside the
        folder, since `destroy` removes the folder."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        name = self.folder.parent / f".{self.folder.name}.lock"
        file = open(name, "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"another command is at work on the lab in {self.folder}: wait for it") from None
        return Lock(file, name)


class Lock:
    def __init__(self, file, name):
        self.file, self.name = file, name

    def release(self):
        self.name.unlink(missing_ok=True)
        self.file.close()
