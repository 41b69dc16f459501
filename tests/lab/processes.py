"""Processes that are known by id and start time, since ids are used again. Nothing is ever ended by its name."""
import os
import pwd
import signal
import subprocess
import time

from place import LabError


def began(pid):
    """When a process began, in ticks since boot; None when it is gone or only waits to be collected."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def children(pid):
    """The ids and command lines of a process's children."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rsplit(") ", 1)[1].split()[1])
            with open(f"/proc/{name}/cmdline") as file:
                line = file.read().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found.append((int(name), line))
    return found


def as_user(user, *command):
    """The command as that user when we are root; as ourselves when we are not, which then owns everything."""
    return ["runuser", "-u", user, "--", *command] if os.geteuid() == 0 else list(command)


def give_to(user, path):
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def detached(place, tag, command, **options):
    """Starts a process in a session of its own and remembers it; its output goes to the lab's log of that name."""
    with open(place.path(f"{tag}.log"), "a") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                   **options)
    place.remember(tag, {"pid": process.pid, "began": began(process.pid)})
    return process.pid


def pid_of(place, tag):
    """The id of a remembered process that is still the one that was started."""
    known = place.read(tag)
    return known["pid"] if known and known["began"] == began(known["pid"]) else None


def end(place, tag, patience=4.0):
    """Asks a remembered process and its group to end, and insists after `patience` seconds."""
    pid = pid_of(place, tag)
    if pid:
        os.killpg(pid, signal.SIGTERM)
        if not until(patience, lambda: gone(pid)):
            os.killpg(pid, signal.SIGKILL)
            if not until(5, lambda: gone(pid)):
                raise LabError(f"process {pid} ({tag}) does not end")
    place.forget(tag)


def gone(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return began(pid) is None


def until(seconds, holds, pause=0.05):
    """Waits for a condition; whether it came to hold in time."""
    end_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= end_at:
            return False
        time.sleep(pause)
    return True
