//! The keys of `databases:`.

use super::shape::{Leaf, Object, Shape, key};
use super::tables_flow::{BOOLEAN, DURATION, NAME, NAMES, PATH, TEXT};
use super::tables_site::SECRET;

/// All databases by name. Nothing of them is quoted where the structure is wrong: a whole conninfo may stand there.
pub(super) static DATABASES_SHAPE: Shape = Shape::Map(&Shape::Object(&DATABASE));

// What people paste whole connection strings into is private.
pub(super) static DATABASE: Object = Object {
    title: "a database",
    keys: &[
        key(
            "engine",
            &Shape::Word(&["postgresql", "mariadb"]),
            "What kind of servers: PostgreSQL 13 to 17, or MariaDB 10.5.9 and later.",
        )
        .default("postgresql"),
        key("interval", &DURATION, "Each server is asked once in each interval: 500ms to 5m.").default("1s"),
        key("timeout", &DURATION, "No answer within this is unknown: 100ms to 1m.").default("3s"),
        key(
            "database",
            &TEXT,
            "The database to connect to; postgres, or information_schema of a MariaDB server, unless set.",
        )
        .private(),
        key("user", &TEXT, "The role that asks: it reads only, a member of pg_monitor.").required().private(),
        key("password", &Shape::Object(&SECRET), "Where its password comes from; none where the server asks for none.")
            .private(),
        key("tls", &Shape::Word(&["verify", "off"]), "verify, or off for a server on this machine.").default("verify"),
        key("authority", &PATH, "PEM file of authorities that are trusted beside the system's."),
        key("login_role", &TEXT, "The role that the login service connects as: its sessions are told apart.").private(),
        key("flows", &NAMES, "The flows whose logins need this database; all unless set."),
        key("service", &Shape::Object(&SERVICE), "What no server can say of the service, for the audit of PostgreSQL."),
        key(
            "expectations",
            &Shape::List(&Shape::Object(&EXPECTATION)),
            "What the audit expects of settings of PostgreSQL.",
        ),
        key("servers", &Shape::Map(&Shape::Object(&SERVER)), "The primary and its standbys, by name.").required(),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static SERVER: Object = Object {
    title: "a server of a database",
    keys: &[
        key("host", &TEXT, "Host name or address.").required().private(),
        key("port", &Shape::Leaf(Leaf::Integer(1, 65_535)), "TCP port; 5432, or 3306 for mariadb, unless set."),
        key("role", &Shape::Word(&["primary", "standby"]), "What it is meant to be.").required(),
        key(
            "application_name",
            &TEXT,
            "The name of a standby at its primary (application_name of its primary_conninfo); the server's name unless \
             set.",
        )
        .private(),
        key("serves_reads", &BOOLEAN, "Whether the login service reads from this standby on purpose.").default("false"),
    ],
    one_of: &[],
    stray: Some(
        "what all servers share (user, password, database, tls) is written once, beside 'servers'; application_name is \
         the name of a standby",
    ),
};

pub(super) static SERVICE: Object = Object {
    title: "a service",
    keys: &[
        key(
            "connections",
            &Shape::Leaf(Leaf::Integer(1, 1_000_000)),
            "The most connections that it can open: workers times threads times machines.",
        ),
        key("hosts", &Shape::Leaf(Leaf::Integer(1, 1_000_000)), "Hosts in its connection string."),
        key(
            "target_session_attrs",
            &Shape::Word(&["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]),
            "As in its connection string; any unless said.",
        ),
        key("deadline", &TEXT, "After this it gives up a request by itself; none if it does not."),
        key("balancer_timeout", &DURATION, "After this the load balancer in front of it gives up."),
        key("lose_nothing", &BOOLEAN, "Whether it was promised that no committed login is lost with a server."),
        key("standby_absence", &DURATION, "So long a standby may be away without being made anew."),
        key("wal_disk_free", &TEXT, "What the disk of the primary's log can take in addition, such as 20GB."),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static EXPECTATION: Object = Object {
    title: "an expectation of a setting",
    keys: &[
        key("setting", &TEXT, "The setting.").required(),
        key("server", &NAME, "The server that it is expected of; each unless set."),
        key("equals", &TEXT, "What it must be; units and spelling do not matter."),
        key("at_least", &TEXT, "The least that it may be, such as 40, 10s or 16MB."),
        key("standby", &Shape::Word(&["same", "at_least"]), "How each standby relates to the primary."),
        key("unchanged", &BOOLEAN, "It must be what it was in the kept snapshot before."),
        key("severity", &Shape::Word(&["critical", "warning", "info"]), "How grave it is when it does not hold.")
            .default("warning"),
        key("because", &TEXT, "Why it is expected, for whoever reads the finding."),
    ],
    one_of: &["equals", "at_least", "standby", "unchanged"],
    stray: None,
};
