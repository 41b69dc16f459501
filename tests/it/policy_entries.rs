//! Events and exclusions, entered and listed through the command line, as people and deployment tools do it.

use std::fs;
use std::process::{Command, Output};

/// A folder with a configuration that nobody probes with.
pub(crate) struct Home(tempfile::TempDir);

pub(crate) const MAIN: &str = "\
vantages: { berlin: { region: eu }, tokyo: { region: asia } }
store: store
spool: spool
accounts: { probe: { username: probe, password: { file: password } } }
flows: [shop.yaml]
objectives: { shop: { flow: shop, target: 99% } }
";

const FLOW: &str = "\
account: probe
interval: 60s
steps:
  - open: https://shop.example/login
  - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }
  - open: /account
    expect: { user: \"{{ username }}\" }
";

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("doorstep.yaml", MAIN), ("shop.yaml", FLOW), ("password", "secret-Word-7\n")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.args(arguments).current_dir(self.0.path()).env("USER", "ada").env_remove("DOORSTEP_AUTHOR");
        command.output().unwrap()
    }

    /// Standard output of a command that must work.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert!(done.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Standard error of a command that must end with this code.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}\n{said}");
        said
    }
}

#[test]
fn an_event_is_noted_once_and_listed_in_order() {
    let home = Home::new();
    let add = ["event", "add", "--at", "2026-11-20T14:05:00Z", "--kind", "deploy", "--text", "identity service 4.2.1"];
    let noted = home.run(&add);
    assert!(noted.status.success(), "{}", String::from_utf8_lossy(&noted.stderr));
    let said = String::from_utf8(noted.stderr).unwrap();
    assert!(said.contains("author: ada (from USER; --author says otherwise)"), "{said}");
    assert!(said.contains("1 noted in "), "{said}");
    let again = home.run(&add);
    assert!(String::from_utf8_lossy(&again.stderr).contains("0 noted in"), "the same event is noted once");

    home.write("events.csv", "at,kind,text,author\n2026-11-20 15:00,statement,\"status page, red\",grace\n2026-11-20T14:05:00Z,deploy,identity service 4.2.1,\n");
    let tried = home.ok(&["event", "import", "events.csv", "--zone", "Europe/Berlin", "--dry-run"]);
    assert_eq!(tried, "2026-11-20 14:00:00 +00:00  statement     status page, red  (grace)\n");
    home.ok(&["event", "import", "events.csv", "--zone", "Europe/Berlin"]);
    assert_eq!(
        home.ok(&["event", "list", "--zone", "Europe/Berlin"]),
        "2026-11-20 15:00:00 +01:00  statement     status page, red  (grace)\n\
         2026-11-20 15:05:00 +01:00  deploy        identity service 4.2.1  (ada)\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&home.ok(&["event", "list", "--from", "2026-11-20T14:01:00Z", "--format", "json"]))
            .unwrap();
    assert_eq!((json.as_array().unwrap().len(), json[0]["kind"].as_str()), (1, Some("deploy")));
    // What the list says is what the import reads: nothing is new.
    home.write("again.csv", &home.ok(&["event", "list", "--format", "csv"]));
    assert_eq!(home.ok(&["event", "import", "again.csv"]), "");
}

#[test]
fn what_is_no_event_is_refused_with_a_way_out() {
    let home = Home::new();
    let add = |at, kind, text| home.fails(2, &["event", "add", "--at", at, "--kind", kind, "--text", text]);
    assert!(add("yesterday", "deploy", "x").contains("'yesterday' is no time"));
    assert!(add("now", "party", "x").contains("write one of deploy, failover"));
    assert!(add("now", "deploy", " ").contains("--text is empty"));
    assert!(add("now", "deploy", "a\nb").contains("one line"));
    let said = home.fails(4, &["event", "list"]);
    assert!(said.contains("there is no store at"), "reading creates nothing: {said}");
    assert!(!home.path().join("store").exists());
}

#[test]
fn exclusions_are_entered_with_their_reason_and_contradict_none() {
    let home = Home::new();
    let night = ["--from", "2026-11-20T01:00:00Z", "--to", "2026-11-20T03:00:00Z"];
    let add = |more: &[&'static str]| {
        let mut all = vec!["exclude", "add", "--author", "ada"];
        all.extend(more);
        all
    };
    let first =
        add(&[night.as_slice(), &["--mode", "drop-time", "--reason", "planned move", "--flow", "shop"]].concat());
    let done = home.run(&first);
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && said.contains("flags it as made afterwards"), "{said}");

    let over = ["--from", "2026-11-20T02:00:00Z", "--to", "2026-11-20T04:00:00Z", "--reason", "our uplink"];
    let said = home.fails(2, &add(&[over.as_slice(), &["--mode", "count-as-good", "--at", "tokyo"]].concat()));
    assert!(said.contains("the same runs in different modes"), "{said}");
    assert!(said.contains("planned move (ada, entered") && said.contains("our uplink (ada, entered"), "both: {said}");
    home.ok(&add(&[over.as_slice(), &["--mode", "drop-time", "--at", "tokyo"]].concat()));

    let listed = home.ok(&["exclude", "list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[0][16..].starts_with(
            "  2026-11-20 01:00:00 +00:00 to 2026-11-20 03:00:00 +00:00  drop-time      shop, all vantages: planned move (ada, "
        ),
        "{listed}"
    );
    assert!(lines[1].contains("all flows, tokyo: our uplink") && lines[1].ends_with(", afterwards)"), "{listed}");
    let csv = home.ok(&["exclude", "list", "--format", "csv", "--from", "2026-11-20T03:30:00Z"]);
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(",drop_time,,tokyo,our uplink,ada,"), "{csv}");
}

#[test]
fn an_exclusion_is_withdrawn_by_another_entry_and_both_stay() {
    let home = Home::new();
    let night = ["--from", "2026-11-20T01:00:00Z", "--to", "2026-11-20T03:00:00Z", "--reason", "planned move"];
    let add =
        |mode: &str| home.run(&[["exclude", "add", "--author", "ada", "--mode", mode].as_slice(), &night].concat());
    assert!(add("drop-time").status.success());
    assert_eq!(add("count-as-good").status.code(), Some(2), "it contradicts the first one");
    let id = home.ok(&["exclude", "list"])[..16].to_owned();
    let withdraw = ["exclude", "withdraw", &id[..6], "--reason", "put off", "--author", "grace"];
    assert!(home.fails(2, &["exclude", "withdraw", "ffffffffffffffffff", "--reason", "x"]).contains("exclude list"));
    home.ok(&[withdraw.as_slice(), &["--dry-run"]].concat());
    assert!(!home.ok(&["exclude", "list"]).contains("withdrawn"), "a dry run enters nothing");
    home.ok(&withdraw);
    let listed = home.ok(&["exclude", "list"]);
    assert!(listed.starts_with(&id) && listed.contains("planned move (ada, entered "), "{listed}");
    assert!(listed.trim_end().ends_with(" by grace: put off") && listed.contains("; withdrawn 20"), "{listed}");
    assert!(home.fails(2, &withdraw).contains("is withdrawn already: withdrawn 20"));
    let csv = home.ok(&["exclude", "list", "--format", "csv"]);
    assert!(csv.contains(&format!(",{id},20")) && csv.trim_end().ends_with(",grace,put off"), "{csv}");
    assert!(add("count-as-good").status.success(), "what was withdrawn contradicts nothing");
    assert_eq!(home.ok(&["exclude", "list"]).lines().count(), 2);
}

#[test]
fn a_dry_run_counts_what_it_would_hide_before_and_after() {
    let home = Home::new();
    home.write(
        "script.yaml",
        "seed: 3\nfrom: 2024-03-04\nto: 2d\nvantages: [{ name: berlin }, { name: tokyo }]\n\
         flows: [{ name: shop, interval: 30s, background: 0 }]\n\
         outages: [{ from: 33h, to: 34h, share: 1 }]\n",
    );
    let done = crate::simulate::simulate(home.path(), "script.yaml", &[]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let tried = |mode, more: &[&str]| {
        let hour = ["--from", "2024-03-05T09:00:00Z", "--to", "2024-03-05T10:00:00Z", "--reason", "work", "--dry-run"];
        home.ok(&[["exclude", "add", "--author", "ada", "--mode", mode].as_slice(), &hour, more].concat())
    };
    let (good, berlin) = (tried("count-as-good", &[]), tried("drop-events", &["--at", "berlin"]));
    assert!(good.contains("shop, 2024-W10: it covers 0 good, 240 bad, 0 lost, 0 missing\n"), "{good}");
    assert!(good.contains("  before: 11,280 good, 240 bad, 0 lost, ") && good.contains(": 97.92 % ("), "{good}");
    assert!(good.contains("  after:  11,520 good, 0 bad, 0 lost, "), "{good}");
    assert!(berlin.contains("it covers 0 good, 120 bad,"), "{berlin}");
    assert!(berlin.contains("  after:  11,280 good, 120 bad,"), "{berlin}");
    assert_eq!(home.ok(&["exclude", "list"]), "", "nothing was entered");
}

#[test]
fn times_without_a_zone_are_those_of_the_site_and_it_is_said() {
    let home = Home::new();
    home.write("doorstep.yaml", &MAIN.replace("target: 99% }", "target: 99%, zone: Europe/Berlin }"));
    let add = |from, more: &[&'static str]| {
        let all = ["exclude", "add", "--from", from, "--to", "2026-11-21T00:00:00Z", "--mode", "drop-time"];
        let done = home.run(&[all.as_slice(), &["--reason", "work", "--dry-run"], more].concat());
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{said}");
        (String::from_utf8(done.stdout).unwrap(), said)
    };
    home.ok(&["event", "add", "--at", "2026-11-20 10:00", "--kind", "deploy", "--text", "shop 2"]);
    assert!(home.ok(&["event", "list"]).starts_with("2026-11-20 10:00:00 +01:00  deploy"), "that of the objective");
    let (out, said) = add("2026-11-20 10:00", &[]);
    assert!(out.starts_with("2026-11-20 10:00:00 +01:00 to "), "{out}");
    assert!(
        said.contains("times without a zone are read in Europe/Berlin: that of the objective 'shop' (--zone"),
        "{said}"
    );
    let (out, said) = add("2026-11-20 10:00", &["--zone", "UTC"]);
    assert!(out.starts_with("2026-11-20 10:00:00 +00:00 to ") && !said.contains("without a zone"), "{out}{said}");
    assert!(!add("2026-11-20T10:00:00Z", &[]).1.contains("without a zone"), "it has one");
}

#[test]
fn what_is_no_exclusion_is_refused_with_a_way_out() {
    let home = Home::new();
    let add = |from, to, mode, more: &[&'static str]| {
        let mut all = vec!["exclude", "add", "--from", from, "--to", to, "--mode", mode, "--reason", "work"];
        all.extend(more);
        home.fails(2, &all)
    };
    assert!(add("2026-11-20", "2026-11-19", "drop-time", &[]).contains("exchange them"));
    assert!(add("2026-11-19", "2026-11-20", "forget", &[]).contains("drop-time, drop-events, count-as-good"));
    assert!(add("2026-11-19", "2026-11-20", "drop-time", &["--flow", "shpo"]).contains("there are shop"));
    assert!(add("2026-11-19", "2026-11-20", "drop-time", &["--at", "paris"]).contains("there are berlin, tokyo"));
    assert!(add("2026-13-19", "2026-11-20", "drop-time", &[]).contains("'2026-13-19' is no time"));
}
