"""How gunicorn runs the service; the switches come from tests/lab/service.py."""
import os

E = os.environ.get
bind = f"127.0.0.1:{E('LAB_SERVICE_PORT')}"
workers = int(E("LAB_WORKERS"))
worker_class = E("LAB_WORKER_CLASS")
threads = int(E("LAB_THREADS"))
timeout = int(E("LAB_WORKER_TIMEOUT"))
graceful_timeout = 2
backlog = int(E("LAB_BACKLOG"))
control_socket_disable = True


def share(variable, worker):
    """Whether this worker is one of k in n: LAB_WRONG_OF=4/5."""
    k, n = map(int, E(variable).split("/"))
    return worker.age % n < k


def post_fork(_server, worker):
    # So many workers get the standby as their database.
    if E("LAB_WRONG_OF"):
        os.environ["LAB_DATABASE"] = "standby" if share("LAB_WRONG_OF", worker) else "primary"
    # So many use a session whose commits wait for nobody.
    if E("LAB_LOCAL_OF"):
        os.environ["LAB_DATABASE_OPTIONS"] = "-c synchronous_commit=local" if share("LAB_LOCAL_OF", worker) else ""
