"""Login clients of an open loop: each attempt is a connection of its own, POST /api/login, then GET /whoami with the
cookie that came back. Arrivals wait for no answer, so that a stuck service cannot slow its clients down."""
import http.client
import json
import random
import socket
import threading
import time

from place import PASSWORD, now

CONNECTING = 3.0


def request(port, method, path, seconds, body=None, headers=None):
    """Status and headers; the whole exchange within `seconds`."""
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=min(seconds, CONNECTING))
    try:
        connection.connect()
        connection.sock.settimeout(max(0.05, seconds - (time.monotonic() - begin)))
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheaders()
    finally:
        connection.close()


def failure(error):
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
        return "dropped"
    return type(error).__name__


def attempt(port, user, seconds):
    """One login and the proof that its session works: `ok`, `timeout`, `http-500`, `identity-401` and so on."""
    line = {"at": now(), "user": user}
    begin = time.monotonic()
    stage = ""
    try:
        body = json.dumps({"username": user, "password": PASSWORD})
        status, headers = request(port, "POST", "/api/login", seconds, body, {"Content-Type": "application/json"})
        line["outcome"] = "ok" if status == 200 else f"http-{status}"
        if status == 200:
            stage = "identity-"
            cookies = [value.split(";")[0] for name, value in headers if name.lower() == "set-cookie"]
            left = max(0.05, seconds - (time.monotonic() - begin))
            status, _ = request(port, "GET", "/whoami", left, headers={"Cookie": "; ".join(cookies)})
            if status != 200:
                line["outcome"] = f"identity-{status}"
    except (OSError, http.client.HTTPException) as error:
        line["outcome"] = stage + failure(error)
    line["seconds"] = round(time.monotonic() - begin, 4)
    return line


def run(port, rate, seconds, deadline, tell, goes_on):
    """Fires `rate` attempts a second for `seconds`, while `goes_on()`; `tell` gets each one's line as it ends."""
    random_users = random.Random(7)
    guard = threading.Lock()
    begin = time.monotonic()

    def fire(user):
        line = attempt(port, user, deadline)
        with guard:
            tell(line)

    threads = []
    while time.monotonic() < begin + seconds and goes_on():
        user = f"u{random_users.randrange(3000):04d}"
        thread = threading.Thread(target=fire, args=(user,), daemon=True)
        thread.start()
        threads = [known for known in threads if known.is_alive()] + [thread]
        fired = int((time.monotonic() - begin) * rate) + 1
        time.sleep(max(0.0, begin + fired / rate - time.monotonic()))
    for thread in threads:
        thread.join(deadline + CONNECTING)
