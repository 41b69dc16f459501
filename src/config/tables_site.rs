//! The keys of `doorstep.yaml`.

use super::shape::{Leaf, Object, Shape, key};
use super::tables_databases::DATABASES_SHAPE;
use super::tables_flow::{BOOLEAN, DURATION, NAME, NAMES, NETWORK_SHAPE, PATH, SOCKET_ADDRESS, TEXT, TEXT_MAP, URL};
use super::tables_population::POPULATION_SHAPE;

static SHARE: Shape = Shape::Leaf(Leaf::Share);

/// The main file.
pub(super) static SITE: Object = Object {
    title: "doorstep.yaml",
    keys: &[
        key("vantage", &NAME, "The place where this worker runs; also DOORSTEP_VANTAGE or --vantage."),
        key("vantages", &Shape::Map(&TEXT_MAP), "All places, in order, with labels (region, network, provider)."),
        key(
            "store",
            &STORE_SHAPE,
            "Where runs are kept: a folder or s3://bucket/prefix; also DOORSTEP_STORE or --store.",
        )
        .default("doorstep-data/store"),
        key("spool", &PATH, "This worker's own journal; also DOORSTEP_SPOOL or --spool.")
            .default("doorstep-data/spool"),
        key("flush", &DURATION, "How often runs go from the spool to the store.").default("10s"),
        key("accounts", &Shape::Map(&Shape::Object(&ACCOUNT)), "Test accounts by name.").private(),
        key("flows", &FLOWS, "Flow files.").required(),
        key("databases", &DATABASES_SHAPE, "The databases behind the logins, by name.").private(),
        key("objectives", &Shape::Map(&Shape::Object(&OBJECTIVE)), "What was promised, by name."),
        key(
            "population",
            &POPULATION_SHAPE,
            "Who the users are: a population file, or segments whose shares add up to 100%.",
        ),
        key("policy", &Shape::Object(&POLICY), "The rules by which runs become a report.").default("{}"),
        key("detection", &Shape::Object(&DETECTION), "When failures are an incident.").default("{}"),
        key("limits", &Shape::Object(&LIMITS), "What one worker may take and do.").default("{}"),
        key("listen", &SOCKET_ADDRESS, "Where /metrics and /healthz answer; also DOORSTEP_LISTEN or --listen."),
        key("histogram_log", &PATH, "A folder for HdrHistogram interval logs (.hlog)."),
    ],
    one_of: &[],
    stray: None,
};

static STORE_SHAPE: Shape = Shape::Either(&TEXT, &Shape::Object(&STORE));

pub(super) static STORE: Object = Object {
    title: "a store",
    keys: &[
        key("url", &TEXT, "A folder or s3://bucket/prefix.").required(),
        key("endpoint", &URL, "URL of an S3-compatible service; the provider's own unless set."),
        key("region", &TEXT, "Region of the bucket; from the environment unless set."),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static ACCOUNT: Object = Object {
    title: "an account",
    keys: &[
        key("username", &TEXT, "What is typed as the user name.").required(),
        key("password", &Shape::Object(&SECRET), "Where the password comes from.").required(),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static SECRET: Object = Object {
    title: "the place of a secret",
    keys: &[
        key("env", &TEXT, "An environment variable."),
        key("file", &PATH, "A file; its last line break is left out."),
        key("command", &Shape::List(&TEXT), "A program and its arguments; what it prints."),
    ],
    one_of: &["env", "file", "command"],
    stray: None,
};

static FLOWS: Shape = Shape::List(&Shape::Either(&PATH, &Shape::Object(&FLOW_ENTRY)));

/// A flow file with values that replace those of the file.
pub(super) static FLOW_ENTRY: Object = Object {
    title: "an entry of flows",
    keys: &[
        key("file", &PATH, "The flow file, or a pattern such as probes/*.yaml.").required(),
        key("name", &NAME, "Replaces the flow's name, so that one file serves several flows."),
        key("interval", &DURATION, "Replaces the flow's interval."),
        key("timeout", &DURATION, "Replaces the flow's timeout."),
        key("account", &NAME, "Replaces the flow's accounts."),
        key("accounts", &NAMES, "Replaces the flow's accounts."),
        key("variables", &TEXT_MAP, "Added to the flow's variables, or replacing them one by one."),
        key("network", &NETWORK_SHAPE, "Added to the flow's network settings, or replacing them one by one."),
    ],
    one_of: &[],
    stray: Some("only these keys of a flow can be replaced here; write others in the flow file"),
};

pub(super) static OBJECTIVE: Object = Object {
    title: "an objective",
    keys: &[
        key("description", &TEXT, "What it is, for people.").default(""),
        key("flow", &NAME, "The flow whose runs count.").required(),
        key("target", &SHARE, "The share of runs that must be good.").required(),
        key("under", &DURATION, "For a latency objective: a good run also takes at most this."),
        key("zone", &Shape::Leaf(Leaf::Zone), "The time zone of its weeks.").default("UTC"),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static POLICY: Object = Object {
    title: "policy",
    keys: &[
        key("lost_runs", &Shape::Word(&["excluded", "bad"]), "How runs that the prober lost count.")
            .default("excluded"),
        key("retries", &Shape::Word(&["first_attempt", "best_attempt"]), "Which attempts of a slot count.")
            .default("first_attempt"),
        key("confidence", &SHARE, "The confidence of all intervals, two-sided.").default("95%"),
        key(
            "least_coverage",
            &SHARE,
            "Below this coverage nothing is met; nor missed, unless it would be whatever was not seen.",
        )
        .default("90%"),
        key(
            "clauses",
            &Shape::List(&Shape::Object(&CLAUSE)),
            "What follows from the state of an error budget; the usual three clauses unless set.",
        ),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static CLAUSE: Object = Object {
    title: "a clause of the budget policy",
    keys: &[
        key("spent", &SHARE, "It applies when this share of a period's budget is spent, or more."),
        key(
            "incident",
            &SHARE,
            "It applies when one incident took more than this share of the budget of four periods.",
        ),
        key("do", &TEXT, "What is to be done.").required(),
    ],
    one_of: &["spent", "incident"],
    stray: None,
};

static RATE: Shape = Shape::Leaf(Leaf::Rate);

pub(super) static DETECTION: Object = Object {
    title: "the rules of detection",
    keys: &[
        key("false_alarms_per_year", &RATE, "False alarms per flow and year that are accepted.").default("1"),
        key("notices_per_year", &RATE, "The same for what is seen from one place only.").default("1"),
        key("failing_share", &SHARE, "The smallest failing share that is looked for.").default("5%"),
        key("background", &SHARE, "What fails while nothing is wrong, until 2,000 logins are known.").default("0.5%"),
        key("background_floor", &SHARE, "The smallest background that is believed.").default("0.1%"),
        key(
            "slow",
            &DURATION,
            "A login over this is slow; the flow's latency objective, or twice the median, unless set.",
        ),
    ],
    one_of: &[],
    stray: None,
};

static COUNT: Shape = Shape::Leaf(Leaf::Integer(1, 100_000));

static REPROBE_SHAPE: Shape = Shape::Either(&Shape::Word(&["off", "on"]), &Shape::Object(&REPROBE));

pub(super) static REPROBE: Object = Object {
    title: "extra probes",
    keys: &[
        key("every", &DURATION, "From one extra probe to the next.").default("5s"),
        key("until_good", &Shape::Leaf(Leaf::Integer(1, 100)), "So many good logins in a row end it.").default("6"),
        key("most_per_hour", &Shape::Leaf(Leaf::Integer(1, 3600)), "Extra probes per flow and vantage in any hour.")
            .default("24"),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static LIMITS: Object = Object {
    title: "limits of a worker",
    keys: &[
        key("runs_per_target", &COUNT, "Runs under way at once against one target.").default("50"),
        key("runs_per_minute", &COUNT, "Runs begun per minute against one target.").default("600"),
        key("grace", &DURATION, "How long a stop waits for runs under way.").default("30s"),
        key("lag", &DURATION, "A run during which the worker stood still for this long is lost, not bad.")
            .default("250ms"),
        key("control", &URL, "Fetched when a run fails to connect; when it fails too, the run is lost."),
        key("reprobe", &REPROBE_SHAPE, "Extra probes after a failed login; off: only at the next slot.").default("{}"),
        key("private_addresses", &BOOLEAN, "Whether private and loopback addresses may be probed.").default("true"),
    ],
    one_of: &[],
    stray: None,
};
