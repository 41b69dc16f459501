"""The login service on top of the pair: Django's stock login by gunicorn, in whatever shape a fault asks for. Knows
nothing of faults."""
import http.client
import os
import subprocess
import sys

import processes
from place import HERE, LabError

TAG = "service"
# What the shapes below change; the environment of `authsite`.
USUAL = {"LAB_WORKER_CLASS": "sync", "LAB_WORKERS": "4", "LAB_THREADS": "1", "LAB_WORKER_TIMEOUT": "30",
         "LAB_BACKLOG": "2048"}


def environment(place, shape):
    ports = {f"LAB_{name.upper()}_PORT": str(port) for name, port in place.ports.items()}
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DJANGO_SETTINGS_MODULE": "authsite.settings",
            "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1", **USUAL, **ports, **shape}


def start(place, shape=None):
    """Starts it afresh and waits for its first answer."""
    shape = shape or {}
    stop(place)
    gunicorn = os.path.join(os.path.dirname(sys.executable), "gunicorn")
    command = [gunicorn, "-c", str(HERE / "authsite" / "gunicorn_conf.py"), "authsite.site:application"]
    processes.detached(place, TAG, command, env=environment(place, shape), cwd="/")
    place.remember("shape", shape)
    if not processes.until(60, lambda: answers(place) or not up(place)) or not up(place):
        log = place.path("service.log").read_text().splitlines()[-5:]
        processes.end(place, TAG)
        raise LabError("the login service does not start; its log ends with:\n" + "\n".join(log))


def stop(place):
    processes.end(place, TAG)


def up(place):
    return processes.pid_of(place, TAG) is not None


def shape(place):
    return place.read("shape") or {}


def answers(place):
    """By the one page that needs no database."""
    connection = http.client.HTTPConnection("127.0.0.1", place.ports["service"], timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def seed(place):
    """Makes the tables and the accounts. There is no standby yet that a commit could wait for."""
    alone = environment(place, {"LAB_DATABASE_OPTIONS": "-c synchronous_commit=local"})
    done = subprocess.run([sys.executable, str(HERE / "authsite" / "seed.py")], env=alone, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        raise LabError(f"the accounts could not be made: {done.stderr.strip()}")
