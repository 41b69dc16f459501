//! Each runbook walked through on a real pair: the fault that the page names is injected while people log in, then every
//! command runs and every answer shown is compared; afterwards the pair is healthy.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use super::answer::{act, said};
use super::page::{Block, Page};
use crate::support::lab::{Lab, PASSWORD};

const SERVERS: &str = "/usr/lib/postgresql/15/bin";

/// Labs side by side: most of a walk is waiting.
const LABS: usize = 3;

/// An operator at a lab, with all names set that the index of the runbooks asks for.
struct Operator<'a> {
    lab: &'a Lab,
    names: Vec<(&'static str, String)>,
}

impl<'a> Operator<'a> {
    fn new(lab: &'a Lab) -> Self {
        let at = |port: u16, user: &str| format!("host=127.0.0.1 port={port} user={user}");
        let path = |name: &str| lab.folder().join(name).display().to_string();
        let doorstep = Path::new(env!("CARGO_BIN_EXE_doorstep")).parent().expect("a folder").display();
        let inherited = std::env::var("PATH").unwrap_or_default();
        let restart = lab.command(&["service-start"]);
        let words: Vec<String> = std::iter::once(restart.get_program())
            .chain(restart.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let names = vec![
            ("PRIMARY", format!("{} dbname=auth", at(lab.port(), "postgres"))),
            ("STANDBY", format!("{} dbname=auth", at(lab.port() + 1, "postgres"))),
            ("PRIMARY_DATA", path("primary")),
            ("STANDBY_DATA", path("standby")),
            ("STANDBY_LOG", path("standby.log")),
            ("REPLICATION", format!("{} application_name=standby1", at(lab.port(), "replicator"))),
            ("FLOW", "lab-login".to_owned()),
            ("RESTART_LOGIN_SERVICE", words.join(" ")),
            ("DOORSTEP_CONFIG", path("doorstep.yaml")),
            ("PGPASSWORD", PASSWORD.to_owned()),
            ("PATH", format!("{doorstep}:{SERVERS}:{inherited}")),
        ];
        Self { lab, names }
    }

    /// Runs a block; a minute is more than any of them needs.
    fn operate(&self, kind: &str, text: &str) -> Output {
        let script = match kind.strip_prefix("sql ").map(str::to_uppercase) {
            Some(server) => format!("psql -X -q -v ON_ERROR_STOP=1 \"${server}\" <<'END'\n{text}\nEND"),
            None => format!("set -e\n{text}"),
        };
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-c", &script]).current_dir(self.lab.folder()).envs(self.names.iter().cloned());
        command.stdin(Stdio::null()).output().expect("bash")
    }

    fn inject(&self, page: &Page) {
        if let Some(fault) = page.head("Lab") {
            self.lab.run(&["fault", fault]);
            return;
        }
        let line = page.head("Inject").expect("a fault");
        let kinds = ["sh", "sql primary", "sql standby"];
        let kind = kinds.into_iter().find(|kind| line.starts_with(kind)).expect("a kind of command");
        let done = self.operate(kind, line[kind.len()..].trim());
        assert!(done.status.success(), "{}", said(&done));
    }

    /// As a login's commit sees it: the standby streams, counts, has applied everything, and a write comes back.
    fn expects_health(&self, place: &str) {
        let link = "SELECT state, sync_state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) < 65536 AS near \
                    FROM pg_stat_replication WHERE application_name = 'standby1';";
        let answer = "state | sync_state | near\nstreaming | sync | t";
        let asked = Block { kind: "sql primary".to_owned(), text: link.to_owned(), answer: Some(answer.to_owned()) };
        act(place, &asked, |block| self.operate(&block.kind, &block.text));
        let write = "SELECT pg_logical_emit_message(true, 'runbooks', 'canary') IS NOT NULL AS written;";
        let done = self.operate("sql primary", write);
        assert!(done.status.success(), "{place}: a commit does not come back: {}", said(&done));
    }

    fn walk(&self, page: &Page) {
        self.expects_health(&format!("before {}", page.name));
        let reads: &[&str] = if page.head("Config").is_some() { &["config", "--reads-standby"] } else { &["config"] };
        std::fs::write(self.lab.folder().join("doorstep.yaml"), self.lab.run(reads)).expect("a configuration");
        self.inject(page);
        for title in ["Confirm", "Fix", "Verify"] {
            for block in &page.section(title).blocks {
                act(&format!("{}, {title}", page.name), block, |block| self.operate(&block.kind, &block.text));
            }
        }
        self.expects_health(&format!("after {}", page.name));
        self.lab.run(&["heal"]);
    }
}

#[test]
fn each_runbook_confirms_fixes_and_verifies_on_a_real_pair() {
    let Some(script) = Lab::script() else { return };
    // For the author of a page: only this one.
    let only = std::env::var("DOORSTEP_TEST_RUNBOOK").ok();
    let wanted = |page: &Page| page.head("Engine").is_none() && only.as_ref().is_none_or(|only| *only == page.name);
    let pages: Vec<Page> = Page::all().into_iter().filter(wanted).collect();
    thread::scope(|scope| {
        for first in 0..LABS.min(pages.len()) {
            let (pages, script) = (&pages, &script);
            scope.spawn(move || {
                let lab = Lab::init(script);
                let _people = lab.load(3.0);
                let operator = Operator::new(&lab);
                for page in pages.iter().skip(first).step_by(LABS) {
                    operator.walk(page);
                }
            });
        }
    });
}
