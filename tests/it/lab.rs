//! The lab itself: every fault that `database_faults` does not hold against the rules is met by people as it was measured,
//! and healed; mistakes in its use are refused with a way out; nothing is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::database_faults;
use crate::support::lab::Lab;

/// What people meet within three seconds. `None`: their logins work.
const OTHERS: &[(&str, Option<&str>)] = &[
    ("a2", Some("timeout")),
    ("b3", Some("timeout")),
    ("c3", Some("timeout")),
    ("d2", None),
    // Three commits of two seconds each, and of one.
    ("e4", Some("timeout")),
    ("e5", Some("timeout")),
    // Those that met one of the four workers that wait.
    ("e6", Some("timeout")),
    ("g1", Some("timeout")),
    ("g2", Some("timeout")),
    // The one session in some dozens that is read before it was replayed is luck.
    ("g3", Some("ok")),
    ("i1", Some("timeout")),
    ("i3", Some("timeout")),
];

/// What the audit says of the lab as it is: the exit code and the text.
fn audit(lab: &Lab) -> (Option<i32>, String) {
    let (path, _) = lab.configuration(false);
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    let done = command.args(["audit", "--config"]).arg(path).output().expect("doorstep audit");
    (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
}

/// How many logins went how, for so many seconds.
fn outcomes(lab: &Lab, seconds: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in lab.run(&["load", "--rate", "4", "--deadline", "3", "--for", seconds]).lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("an attempt");
        *counts.entry(line["outcome"].as_str().expect("an outcome").to_owned()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn the_other_faults_are_met_as_measured_and_healed() {
    let Some(script) = Lab::script() else { return };
    let lab = Lab::init(&script);
    let listed: BTreeSet<String> =
        lab.run(&["faults"]).lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    let here = OTHERS.iter().map(|(fault, _)| *fault).chain(database_faults::ids()).map(str::to_owned);
    assert_eq!(here.collect::<BTreeSet<_>>(), listed, "each fault is tried somewhere");
    let (code, text) = audit(&lab);
    assert!(code == Some(0) && !text.contains("CRITICAL"), "the healthy lab has nothing critical: {text}");
    for (fault, meets) in OTHERS {
        lab.run(&["fault", fault]);
        if *fault == "a2" {
            let (code, text) = audit(&lab);
            assert!(code == Some(1) && text.contains("CRITICAL  sync-names"), "the audit names the cause: {text}");
        }
        let met = outcomes(&lab, "4");
        match meets {
            Some(outcome) => assert!(met.contains_key(*outcome), "{fault}: {met:?}"),
            None => assert!(met.keys().all(|outcome| outcome == "ok"), "{fault}: {met:?}"),
        }
        let status = lab.command(&["status"]).output().expect("scripts/lab");
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        assert!(!status.status.success() && text.contains(&format!("fault    {fault} ")), "{text}");
        lab.run(&["heal"]);
        lab.run(&["status"]);
        let met = outcomes(&lab, "1");
        assert!(met.keys().all(|outcome| outcome == "ok"), "{fault} is not healed: {met:?}");
    }
    let truth = lab.truth();
    let told: Vec<&str> = truth.iter().map(|truth| truth.fault.as_str()).collect();
    assert_eq!(told, OTHERS.iter().map(|(fault, _)| *fault).collect::<Vec<_>>());
    for truth in &truth {
        assert!(truth.began < truth.injected && Some(truth.injected) < truth.healed, "{truth:?}");
    }
}

#[test]
fn mistakes_are_refused_and_nothing_is_left() {
    let Some(script) = Lab::script() else { return };
    let refused = |lab: &Lab, arguments: &[&str], says: &str| {
        let done = lab.command(arguments).output().expect("scripts/lab");
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(1) && text.contains(says), "{arguments:?}: {text}");
        assert_eq!(text.lines().count(), 1, "one line for people: {text}");
    };
    let lab = Lab::place(&script);
    refused(&lab, &["status"], "make one with 'scripts/lab init'");
    refused(&lab, &["fault", "a1"], "there is no lab in");
    // Somebody else's port.
    let taken = TcpListener::bind(("127.0.0.1", lab.port() + 1)).expect("a free port");
    refused(&lab, &["init"], &format!("port {} (standby) is in use", lab.port() + 1));
    drop(taken);
    // Somebody else's folder.
    fs::create_dir(lab.folder()).expect("a folder");
    fs::write(lab.folder().join("letter.txt"), "mine").expect("a file");
    refused(&lab, &["init"], "is not empty and no lab");
    lab.run(&["destroy"]);
    assert_eq!(fs::read_to_string(lab.folder().join("letter.txt")).expect("still there"), "mine");
    fs::remove_dir_all(lab.folder()).expect("a folder");

    lab.run(&["init", "--without-service"]);
    refused(&lab, &["init"], "there is a lab in");
    refused(&lab, &["fault", "a9"], "'scripts/lab faults' lists them");
    lab.run(&["fault", "ghost-standby"]);
    refused(&lab, &["fault", "b1"], "the fault a1 is in force: 'scripts/lab heal' first");
    refused(&lab, &["start"], "'scripts/lab heal' starts everything");
    lab.run(&["heal"]);
    // Taken away in the midst of a fault.
    lab.run(&["fault", "b3"]);
    lab.run(&["destroy"]);
    assert!(!lab.folder().exists());
    for port in lab.port()..lab.port() + 3 {
        TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port} is still in use: {error}"));
    }
    let folder = lab.folder().display().to_string();
    let commands =
        fs::read_dir("/proc").expect("/proc").filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let left: Vec<String> = commands.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect();
    let left: Vec<&String> = left.iter().filter(|line| line.contains(&folder)).collect();
    assert!(left.is_empty(), "{left:?}");
}
