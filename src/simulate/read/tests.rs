//! Bad scripts and what is said about them; good ones and what they mean.

use super::*;
use crate::script::Mistake;

const BASE: &str = "from: 2024-03-04\nto: 7d\nvantages: [{ name: berlin, labels: { region: eu } }]\n\
    flows: [{ name: shop, interval: 60s }]\n";

fn mistakes(text: &str) -> Vec<String> {
    let refused = Script::parse(text, &Given::default()).expect_err("a bad script");
    refused.mistakes.iter().map(Mistake::to_string).collect()
}

/// What is said of lines after a good begin, whose four lines are not counted.
fn said(lines: &str) -> Vec<String> {
    mistakes(&format!("{BASE}{lines}"))
}

#[test]
fn an_empty_script_says_what_is_missing() {
    let expected = [
        "line 1, column 1: `from` is missing; write the first day, such as `from: 2024-03-05`",
        "line 1, column 1: `to` is missing; write a time, or a length such as `to: 7d`",
        "line 1, column 1: `vantages` are missing; name at least one: `vantages: [{ name: frankfurt }]`",
        "line 1, column 1: `flows` are missing; name at least one: `flows: [{ name: shop-login, interval: 60s }]`",
    ];
    assert_eq!(mistakes("# nothing\n"), expected);
}

/// Each bad line with exactly what is said about it.
#[test]
fn bad_lines_are_refused_with_place_and_reason() {
    let table: &[(&str, &[&str])] = &[
        (
            "outages: [{ from: 1d, to: 1d }]\n",
            &["line 5, column 27: it ends before it begins; `to` must be later than `from`"],
        ),
        (
            "outages: [{ from: soon, to: 1d, share: 1.2 }]\n",
            &[
                "line 5, column 19: \"soon\" is no time; write one such as 2024-03-05T09:00:00Z, or one since `from` such as 3d 9h",
                "line 5, column 40: 1.2 is no share; write a number from 0 to 1, such as 0.8",
            ],
        ),
        (
            "outages: [{ from: 1d, to: 2d, at: [bonn], flows: [pay], labels: { region: us } }]\n",
            &[
                "line 5, column 36: there is no vantage \"bonn\"; there are: berlin",
                "line 5, column 51: there is no flow \"pay\"; there are: shop",
                "line 5, column 75: no vantage has the label region: us",
            ],
        ),
        (
            "outages: [{ from: 1d, to: 2d, step: pay, phase: wait, status: 7 }]\n",
            &[
                "line 5, column 37: flow shop has no step \"pay\"",
                "line 5, column 49: only a timeout has a phase to choose; leave `phase` out",
                "line 5, column 63: 7 is no status; write one from 100 to 599",
            ],
        ),
        (
            "outages:\n  - { from: 1d, to: 1d 1h, rises: 50m, falls: 20m }\n",
            &["line 6, column 47: it rises and falls for longer than it lasts; shorten `rises` or `falls`"],
        ),
        (
            "outages:\n  - { from: 1d, to: 2d, share: 0.8, users: same }\n",
            &[
                "line 6, column 5: a share of 0.8 of the users cannot be had from 1 account(s) of flow shop; set its `accounts`",
            ],
        ),
        (
            "slow: [{ from: 1d, to: 2d, factor: 0.5 }]\n",
            &["line 5, column 36: 0.5 is too small; write a number of at least 1"],
        ),
        (
            "prober: [{ from: 1d, to: 2d, trouble: tired }]\n",
            &[
                "line 5, column 39: there is no trouble \"tired\"; there are: silent, cut_off, missed_slot, overloaded, \
               local_network, local_clock, aborted, internal, account_locked, account_unusable, refused_by_policy",
            ],
        ),
        (
            "demand: { day: [1, 2], users: 0, segments: [{ name: eu, share: 0.5, vantages: [berlin] }] }\n",
            &[
                "line 5, column 16: 2 hours; write 24 numbers, one for each hour",
                "line 5, column 31: 0 users cannot sign in; write how many people there are",
                "line 5, column 44: the shares add up to 0.5000, not to 1",
            ],
        ),
        (
            "demand: { users: 5 }\n",
            &["line 5, column 9: say how many sign in once: `per_hour`, `day` (24 hours) or `week` (168 hours)"],
        ),
        (
            "outage: []\n",
            &[
                "line 5, column 1: unknown field `outage`, expected one of seed, from, to, vantages, flows, outages, slow, prober, reprobe, demand; did you mean `outages`?",
            ],
        ),
    ];
    let wrong: Vec<_> =
        table.iter().map(|(lines, expected)| (said(lines), expected)).filter(|(s, e)| s != *e).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn vantages_and_flows_are_checked() {
    let text = "from: 2024-03-04\nto: 2024-03-03\nvantages: [{ name: a b }, { name: x }, { name: x }]\n\
        flows: [{ name: shop, interval: 0s, accounts: 0 }, { name: pay, interval: often }]\n";
    let expected = [
        "line 2, column 5: it ends at 2024-03-03T00:00:00Z, not after its begin at 2024-03-04T00:00:00Z; `to` must be later than `from`",
        "line 3, column 20: \"a b\" is no name: a name is 1 to 64 letters, digits, '.', '_' or '-', and begins with a letter or digit",
        "line 3, column 48: there is another vantage \"x\"",
        "line 4, column 33: \"0s\" is no time at all; write one such as 60s",
        "line 4, column 47: 0 accounts; write a number from 1 to 10000",
        "line 4, column 75: \"often\" is no duration; write one such as 200ms, 20s or 1m 30s",
    ];
    assert_eq!(mistakes(text), expected);
}

#[test]
fn times_since_the_begin_move_with_it() {
    let text = format!("{BASE}outages: [{{ from: 1d 9h, to: 2024-03-08, class: timeout }}]\n");
    let script = Script::parse(&text, &Given::default()).unwrap();
    assert_eq!(script.to.to_string(), "2024-03-11T00:00:00Z");
    assert_eq!(script.outages[0].from.to_string(), "2024-03-05T09:00:00Z");
    assert_eq!(script.outages[0].to.to_string(), "2024-03-08T00:00:00Z");
    assert_eq!(script.outages[0].steps, [Some(1)]);
    let given = Given { from: Some("2024-03-05T00:00:00Z".parse().unwrap()), seed: Some(9), ..Given::default() };
    let moved = Script::parse(&text, &given).unwrap();
    assert_eq!(moved.outages[0].from.to_string(), "2024-03-06T09:00:00Z");
    assert_eq!(moved.seed, 9);
}
