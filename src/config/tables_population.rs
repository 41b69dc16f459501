//! The keys of a population file, and those of a segment, which may stand in `doorstep.yaml` too.

use super::shape::{Leaf, Object, Shape, key};
use super::tables_flow::{DURATION, NAMES, PATH, TEXT};

static SHARE: Shape = Shape::Leaf(Leaf::Share);
static PEOPLE: Shape = Shape::Leaf(Leaf::Integer(0, 100_000_000_000));
static ZONE: Shape = Shape::Leaf(Leaf::Zone);

/// What stands under `population` of the main file: a file, or the segments themselves.
pub(super) static POPULATION_SHAPE: Shape = Shape::Either(&PATH, &SEGMENTS);

static SEGMENTS: Shape = Shape::List(&Shape::Object(&SEGMENT));

/// A population file in YAML.
pub(super) static POPULATION: Object = Object {
    title: "a population file",
    keys: &[
        key("users", &PEOPLE, "How many users there are."),
        key(
            "segments",
            &POPULATION_SHAPE,
            "The parts of the users: a CSV file (segment, share or users, vantages, flows) or a list.",
        ),
        key("demand", &Shape::Object(&DEMAND), "When people want to sign in."),
        key(
            "retries",
            &RETRIES,
            "When somebody tries again after a failure, from the first attempt; or how often, at once.",
        ),
        key("session", &DURATION, "How long a session lasts."),
        key("activity", &Shape::List(&Shape::Object(&ACTIVITY)), "Classes of users by how often they sign in."),
    ],
    one_of: &[],
    stray: None,
};

static RETRIES: Shape = Shape::Either(&Shape::Leaf(Leaf::Text), &Shape::List(&DURATION));

pub(super) static SEGMENT: Object = Object {
    title: "a segment",
    keys: &[
        key("segment", &TEXT, "What it is called in the report.").required(),
        key("share", &SHARE, "Its share of all sign-ins; that of its users when left out."),
        key("users", &PEOPLE, "How many users it has."),
        key("vantages", &NAMES, "The vantages that stand for it; none: nobody probes for these users."),
        key("flows", &NAMES, "The flows that its users log in by; none: any."),
    ],
    one_of: &[],
    stray: None,
};

pub(super) static DEMAND: Object = Object {
    title: "demand",
    keys: &[
        key("zone", &ZONE, "The time zone of its hours.").default("UTC"),
        key("per_hour", &TEXT, "People who want to sign in per hour, at any time."),
        key(
            "week",
            &Shape::Either(&PATH, &Shape::Map(&Shape::List(&TEXT))),
            "A typical week: a CSV file (weekday, hour, sign_ins, low, high), or days (mon, mon-fri, ...) with 24 numbers each.",
        ),
        key(
            "log",
            &PATH,
            "A CSV file of real sign-ins: timestamp, count, segment. The median of the same hour of the week counts. Rows \
             that name no segment are those of the segments without rows of their own.",
        ),
        key("band", &SHARE, "How far demand may lie from what is stated, to both sides.").default("0%"),
        key("without", &Shape::List(&TEXT), "Weeks of the log that are not typical, such as 2026-W47."),
    ],
    one_of: &["per_hour", "week", "log"],
    stray: None,
};

pub(super) static ACTIVITY: Object = Object {
    title: "a class of activity",
    keys: &[
        key("users", &SHARE, "Its share of the users.").required(),
        key("sign_ins", &SHARE, "Its share of the sign-ins.").required(),
    ],
    one_of: &[],
    stray: None,
};
