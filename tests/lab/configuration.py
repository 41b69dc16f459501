"""A configuration of Doorstep for a lab: its login flow and its two servers."""
from place import HERE

TEXT = """\
# The lab in {folder}.
vantages: {{ here: {{}} }}
store: {folder}/store
spool: {folder}/spool
accounts:
{accounts}
flows:
  - file: {flow}
    accounts: [{names}]
    interval: 5s
    variables: {{ site: "http://127.0.0.1:{service}" }}
objectives:
  lab-logins: {{ flow: lab-login, target: 99.9% }}
databases:
  auth:
    engine: postgresql
    interval: 1s
    timeout: 2s
    database: auth
    user: monitor
    password: {{ file: {folder}/password }}
    tls: off
    login_role: app
    servers:
      primary1: {{ host: 127.0.0.1, port: {primary}, role: primary }}
      standby1: {{ host: 127.0.0.1, port: {standby}, role: standby{reads} }}
"""
NAMES = [f"probe{number}" for number in range(1, 7)]


def text(place, reads_standby):
    secret = f"{{ file: {place.folder}/password }}"
    accounts = "\n".join(f"  {name}: {{ username: {name}, password: {secret} }}" for name in NAMES)
    return TEXT.format(folder=place.folder, accounts=accounts, names=", ".join(NAMES), flow=HERE / "lab-login.yaml",
                       reads=", serves_reads: true" if reads_standby else "", **place.ports)
