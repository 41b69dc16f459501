//! Faults of a real PostgreSQL pair under a real login service, while people log in: the right rule on the right server
//! in time, and no other critical one; healthy, idle, restarting and backed-up pairs without any finding.
//!
//! Delays count from the instant at which the fault was wholly in force, as the lab wrote it down, to the instant at which
//! a watch that asks once a second knew.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use doorstep::clock::Clock;
use doorstep::model::{Database, Finding, Micros, Rule, Sample, ServerName, Severity};
use doorstep::replication::Watch;
use doorstep::sentinel::Session;
use jiff::{SignedDuration, Timestamp};

use crate::support::lab::{self, Lab, Truth};

const PRIMARY: &str = "primary1";
const STANDBY: &str = "standby1";

/// A rule that has to hold on a server so many seconds after the fault, and how grave it is at the worst.
type Expected = (Rule, &'static str, i64, Severity);

const CRITICAL: Severity = Severity::Critical;
const WARNING: Severity = Severity::Warning;

/// What a fault has to be seen as.
struct Case {
    fault: &'static str,
    /// Rules that belong to it, each with the delay measured for it.
    expected: &'static [Expected],
    /// Critical rules that hold while it is being broken: what it takes to break it is a fault of its own for a moment. They
    /// begin before the fault is wholly in force, and have ended when it is looked at.
    on_its_way: &'static [(Rule, &'static str)],
    /// Logins a second meanwhile.
    rate: f64,
    /// The login service reads from the standby on purpose.
    reads: bool,
    /// Seconds that it takes to become as grave as it gets, if that is longer than its rules take.
    lasts: i64,
}

impl Case {
    const fn new(fault: &'static str, expected: &'static [Expected]) -> Self {
        Self { fault, expected, on_its_way: &[], rate: 4.0, reads: false, lasts: 5 }
    }

    /// Whether this critical finding belongs to it: where it is expected to be critical; or while it was being broken, and
    /// no longer now.
    fn allows(&self, finding: &Finding, truth: &Truth, now: &[Finding]) -> bool {
        let server = finding.server.as_str();
        let expected = |it: &&Expected| (it.0, it.1, it.3) == (finding.rule, server, finding.severity);
        let passing = self.on_its_way.contains(&(finding.rule, server))
            && finding.since < truth.injected
            && !now.iter().any(|it| (it.rule, &it.server) == (finding.rule, &finding.server));
        self.expected.iter().any(|it| expected(&it)) || passing
    }
}

/// On top of the measured delays: the rules want to see a thing again before they say it.
const GRACE: SignedDuration = SignedDuration::from_secs(3);

/// Commits wait for a standby that is not there: the cause after a second, the waiters while they wait.
const QUORUM: &[Expected] = &[
    (Rule::QuorumShort, PRIMARY, 1, CRITICAL),
    (Rule::SyncHang, PRIMARY, 3, CRITICAL),
    (Rule::SyncWait, PRIMARY, 5, CRITICAL),
];

/// Each fault; the delays are those of the reference measurements of the same faults.
const CASES: &[Case] = &[
    // The standby streams under a name that nobody asks for: no standby is absent, nothing lags.
    Case::new("a1", QUORUM),
    // The one standby there is counts, and a second one is asked for.
    Case::new("a3", QUORUM),
    Case::new(
        "b1",
        &[
            (Rule::QuorumShort, PRIMARY, 1, CRITICAL),
            (Rule::StandbyAbsent, PRIMARY, 1, WARNING),
            (Rule::SlotIdle, PRIMARY, 1, WARNING),
            (Rule::SyncHang, PRIMARY, 3, CRITICAL),
            (Rule::SyncWait, PRIMARY, 5, CRITICAL),
            // Refused connections are told after two seconds, since a restart looks the same.
            (Rule::Unknown, STANDBY, 2, Severity::Unknown),
        ],
    ),
    // Its link looks alive until wal_sender_timeout: only the age of its replies tells. When the link is given up, after a
    // minute, the quorum is short as well; here it is healed before.
    Case::new(
        "b2",
        &[
            (Rule::SyncHang, PRIMARY, 3, CRITICAL),
            (Rule::SyncWait, PRIMARY, 5, CRITICAL),
            (Rule::StaleReply, PRIMARY, 20, CRITICAL),
        ],
    ),
    // Asynchronous: nobody's login notices, so nothing is critical.
    Case::new(
        "c1",
        &[
            (Rule::SlotIdle, PRIMARY, 1, WARNING),
            (Rule::StandbyAbsent, PRIMARY, 1, WARNING),
            (Rule::Unknown, STANDBY, 2, Severity::Unknown),
        ],
    ),
    // The copy is gone for good: critical, though no login notices.
    Case::new(
        "c2",
        &[
            (Rule::SlotLost, PRIMARY, 5, CRITICAL),
            (Rule::StandbyAbsent, PRIMARY, 1, WARNING),
            (Rule::NoReceiver, STANDBY, 1, WARNING),
        ],
    ),
    Case::new(
        "d1",
        &[
            (Rule::QuorumShort, PRIMARY, 1, CRITICAL),
            (Rule::StandbyAbsent, PRIMARY, 1, WARNING),
            (Rule::NoReceiver, STANDBY, 1, WARNING),
            (Rule::SyncHang, PRIMARY, 3, CRITICAL),
            (Rule::SyncWait, PRIMARY, 5, CRITICAL),
        ],
    ),
    // Commits do not wait for replay: a warning.
    Case::new("e1", &[(Rule::ReplayPaused, STANDBY, 1, WARNING)]),
    // They do: the cause is the standby's replay, and the quorum is complete.
    Case::new(
        "e2",
        &[
            (Rule::ReplayPaused, STANDBY, 1, WARNING),
            (Rule::SyncHang, PRIMARY, 3, CRITICAL),
            (Rule::SyncWait, PRIMARY, 5, CRITICAL),
            (Rule::SlowReplay, STANDBY, 5, CRITICAL),
        ],
    ),
    Case { reads: true, ..Case::new("e3", &[(Rule::LaggingReads, STANDBY, 3, CRITICAL)]) },
    // No view of replication shows it. The reference's login fails at once; the setting is read with the next sample.
    Case::new("e7", &[(Rule::ReadOnly, PRIMARY, 1, CRITICAL)]),
    // Asynchronous. On its way the standby is a primary of its own for a moment.
    Case {
        on_its_way: &[(Rule::TwoPrimaries, STANDBY)],
        ..Case::new(
            "f1",
            &[
                (Rule::TimelineDiffers, STANDBY, 2, CRITICAL),
                (Rule::NoReceiver, STANDBY, 2, WARNING),
                (Rule::StandbyAbsent, PRIMARY, 1, WARNING),
            ],
        )
    },
    Case::new(
        "f2",
        &[
            (Rule::SystemDiffers, STANDBY, 2, CRITICAL),
            (Rule::NoReceiver, STANDBY, 2, WARNING),
            (Rule::StandbyAbsent, PRIMARY, 1, WARNING),
        ],
    ),
    // Sessions of the login service where nothing can be written, from its first login on.
    Case::new("h1", &[(Rule::WrongEndpoint, STANDBY, 1, CRITICAL)]),
    Case::new("h2", &[(Rule::WrongEndpoint, STANDBY, 1, CRITICAL)]),
    // Each login that hangs keeps a connection: 37 are there, and all are used from about 13 s on.
    Case {
        rate: 6.0,
        lasts: 20,
        ..Case::new(
            "i2",
            &[
                (Rule::QuorumShort, PRIMARY, 1, CRITICAL),
                (Rule::SyncHang, PRIMARY, 3, CRITICAL),
                (Rule::SyncWait, PRIMARY, 5, CRITICAL),
                (Rule::ConnectionsExhausted, PRIMARY, 9, CRITICAL),
            ],
        )
    },
];

/// The faults that are held against the rules here.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.fault)
}

/// A pair that nobody breaks is watched for so long.
const QUIET: Duration = Duration::from_mins(2);

/// How soon findings end after healing: a rule is forgotten three seconds after it was last seen; sessions of the login
/// service at the wrong server after half a minute.
const ENDED: SignedDuration = SignedDuration::from_secs(45);

/// Asks both servers of a lab once a second, as a worker does, and remembers what was found.
struct Watcher<'a> {
    lab: &'a Lab,
    clock: Clock,
    runtime: tokio::runtime::Runtime,
    database: Database,
    sessions: Vec<(ServerName, Session)>,
    watch: Watch,
    next: Instant,
    /// By how much this machine, busy with other things, let it ask later than it should have, all in all.
    late: SignedDuration,
    /// What was measured, for people.
    measured: Vec<String>,
    /// When each rule on each server was first known, and its gravest words since.
    known: BTreeMap<(Rule, String), (Timestamp, Finding)>,
}

impl<'a> Watcher<'a> {
    fn new(lab: &'a Lab, reads: bool) -> Self {
        let (_, site) = lab.configuration(reads);
        let database = site.databases.into_iter().next().expect("the lab's database");
        let session = |name: &ServerName| Session::new(&database, name, Some(&lab::password())).expect("a session");
        let sessions = database.servers.iter().map(|server| (server.name.clone(), session(&server.name))).collect();
        Self {
            lab,
            clock: Clock::system(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
            watch: Watch::new(&database),
            database,
            sessions,
            next: Instant::now(),
            late: SignedDuration::ZERO,
            measured: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    /// Waits for the next second, asks, and says what holds now.
    fn tick(&mut self) -> Vec<Finding> {
        thread::sleep(self.next.saturating_duration_since(Instant::now()));
        let lateness = Instant::now().saturating_duration_since(self.next);
        self.late += SignedDuration::try_from(lateness).expect("a short time");
        self.next += lateness + Duration::from_secs(1);
        let (clock, database) = (&self.clock, &self.database);
        let [primary, standby] = self.sessions.as_mut_slice() else { panic!("a primary and a standby") };
        let both = async { tokio::join!(ask(primary, database, clock), ask(standby, database, clock)) };
        let (primary, standby) = self.runtime.block_on(both);
        self.watch.observe(&primary);
        self.watch.observe(&standby);
        let (now, found) = (self.clock.now(), self.watch.findings());
        for finding in &found {
            let key = (finding.rule, finding.server.to_string());
            let known = self.known.entry(key).or_insert_with(|| (now, finding.clone()));
            if finding.severity > known.1.severity {
                known.1 = finding.clone();
            }
        }
        found
    }

    /// Watches while a command of the lab runs.
    fn during(&mut self, arguments: &[&str]) {
        let mut command = self.lab.command(arguments);
        let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("scripts/lab");
        while child.try_wait().expect("a child").is_none() {
            self.tick();
        }
        let done = child.wait_with_output().expect("a child");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Nobody breaks anything, whatever else happens: what was found, though nothing should be.
    fn quiet(&mut self, what: &str, lasts: Duration) -> Vec<String> {
        let end = Instant::now() + lasts;
        while Instant::now() < end {
            self.tick();
        }
        let found = self.known.values().map(|(at, finding)| format!("{what}: at {at} {}", told(finding)));
        found.collect()
    }

    /// Breaks the lab, holds what was found against the case, heals. The measured delays and the mistakes.
    fn fault(&mut self, case: &Case) -> Vec<String> {
        let load = self.lab.load(case.rate);
        let mut mistakes = self.quiet(case.fault, Duration::from_secs(3));
        self.during(&["fault", case.fault]);
        let truth = self.lab.truth().pop().expect("the fault in the truth");
        assert_eq!((truth.fault.as_str(), truth.healed), (case.fault, None));
        // What the watch could not ask in time is no delay of the rules.
        self.late = SignedDuration::ZERO;
        let longest = case.expected.iter().map(|(_, _, delay, _)| *delay).max().unwrap_or_default().max(case.lasts);
        let until = truth.injected + SignedDuration::from_secs(longest) + GRACE;
        let mut now = Vec::new();
        while self.clock.now() < until + self.late {
            now = self.tick();
        }
        mistakes.extend(self.held_against(case, &truth, &now));
        let late = self.late.as_secs_f64();
        self.measured.push(format!("{} logins: {:?}; the watch was {late:.1} s late", case.fault, load.outcomes()));
        self.during(&["heal"]);
        let truth = self.lab.truth().pop().expect("the fault in the truth");
        let healed = truth.healed.expect("a healed fault");
        loop {
            let found = self.tick();
            if found.is_empty() {
                return mistakes;
            }
            if self.clock.now().duration_since(healed) > ENDED {
                let left: Vec<String> = found.iter().map(told).collect();
                mistakes.push(format!("{}: after healing there is still {}", case.fault, left.join("; ")));
                return mistakes;
            }
        }
    }

    fn held_against(&mut self, case: &Case, truth: &Truth, now: &[Finding]) -> Vec<String> {
        let mut mistakes = Vec::new();
        for (rule, server, delay, severity) in case.expected {
            let Some((at, finding)) = self.known.get(&(*rule, (*server).to_owned())) else {
                mistakes.push(format!("{}: no {rule} on {server}", case.fault));
                continue;
            };
            let late = at.duration_since(truth.injected);
            let line = format!("{} {rule} on {server}: {:+.1} s, allowed {delay} + 3", case.fault, late.as_secs_f64());
            self.measured.push(line);
            if late > SignedDuration::from_secs(*delay) + GRACE + self.late {
                mistakes.push(format!("{}: {rule} on {server} only after {late:#}", case.fault));
            }
            if finding.severity != *severity {
                mistakes.push(format!("{}: {} and not {severity}", case.fault, told(finding)));
            }
            if finding.since < truth.began - SignedDuration::from_secs(2) || finding.since > *at {
                mistakes
                    .push(format!("{}: {rule} since {}, injected at {}", case.fault, finding.since, truth.injected));
            }
        }
        let critical = self.known.values().filter(|(_, finding)| finding.severity == Severity::Critical);
        for (at, finding) in critical.filter(|(_, finding)| !case.allows(finding, truth, now)) {
            mistakes.push(format!("{}: at {at} {}, which does not belong to it", case.fault, told(finding)));
        }
        mistakes
    }
}

/// One sample, as a worker makes it.
async fn ask((server, session): &mut (ServerName, Session), database: &Database, clock: &Clock) -> Sample {
    let (started, begin) = (clock.now(), Instant::now());
    let answer = session.ask().await;
    Sample {
        database: database.name.clone(),
        server: server.clone(),
        vantage: "here".parse().expect("a name"),
        slot: started,
        started,
        elapsed: Micros(u64::try_from(begin.elapsed().as_micros()).expect("microseconds")),
        answer,
    }
}

fn told(finding: &Finding) -> String {
    format!("{} {} on {}: {}", finding.severity, finding.rule, finding.server, finding.seen)
}

/// What a lab had to show.
#[derive(Default)]
struct Shown {
    measured: Vec<String>,
    mistakes: Vec<String>,
}

/// The faults of these ids, one after the other.
fn faults(lab: &Lab, ids: &[&str], shown: &mut Shown) {
    for id in ids {
        let case = CASES.iter().find(|case| case.fault == *id).expect("a case");
        let mut watcher = Watcher::new(lab, case.reads);
        shown.mistakes.extend(watcher.fault(case));
        shown.measured.append(&mut watcher.measured);
    }
}

/// People log in, the standby restarts, a base backup is taken: nothing is found.
fn healthy(lab: &Lab) -> Vec<String> {
    let load = lab.load(4.0);
    let mut watcher = Watcher::new(lab, false);
    let mut mistakes = watcher.quiet("healthy", QUIET);
    let outcomes = load.outcomes();
    let (all, good) = (outcomes.values().sum::<u64>(), outcomes.get("ok").copied().unwrap_or_default());
    if all < 400 || good < all {
        mistakes.push(format!("healthy: logins went {outcomes:?}"));
    }
    for (what, command) in [("restart", &["restart", "standby"][..]), ("backup", &["backup"])] {
        watcher.known.clear();
        watcher.during(command);
        mistakes.extend(watcher.quiet(what, Duration::from_secs(5)));
    }
    mistakes
}

/// Nobody logs in: nothing is found.
fn idle(lab: &Lab) -> Vec<String> {
    Watcher::new(lab, false).quiet("idle", QUIET)
}

/// What a lab does before its faults: the mistakes.
type First = fn(&Lab) -> Vec<String>;

/// Three labs side by side, since each fault takes its time and most of it is waiting.
#[test]
fn each_fault_is_named_in_time_and_nothing_else_is() {
    let Some(script) = Lab::script() else { return };
    let plan: [(First, &[&str]); 3] = [
        (healthy, &["e1", "e7", "h1"]),
        (idle, &["b2", "e3", "h2"]),
        (|_| Vec::new(), &["a1", "a3", "b1", "c1", "c2", "d1", "e2", "f1", "f2", "i2"]),
    ];
    let planned: usize = plan.iter().map(|(_, ids)| ids.len()).sum();
    assert_eq!(planned, CASES.len(), "each case has its place");
    let shown: Vec<Shown> = thread::scope(|scope| {
        let script = &script;
        let labs = plan.map(|(first, ids)| {
            scope.spawn(move || {
                let lab = Lab::init(script);
                let mut shown = Shown { mistakes: first(&lab), ..Shown::default() };
                faults(&lab, ids, &mut shown);
                shown
            })
        });
        labs.map(|lab| lab.join().expect("a lab's thread")).into_iter().collect()
    });
    let (measured, mistakes): (Vec<_>, Vec<_>) = shown.into_iter().map(|it| (it.measured, it.mistakes)).unzip();
    let (measured, mistakes) = (measured.concat().join("\n"), mistakes.concat().join("\n"));
    // For people: how late each rule was.
    fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/database_faults.txt"), &measured).expect("a file");
    assert!(mistakes.is_empty(), "{mistakes}\n\n{measured}");
}

/// What is tolerated, tried with findings that no server made.
#[test]
fn a_case_allows_what_belongs_to_it_and_nothing_graver_later_or_elsewhere() {
    let case = |fault: &str| CASES.iter().find(|case| case.fault == fault).expect("a case");
    let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).expect("a time");
    let truth = |fault: &str| Truth { fault: fault.to_owned(), began: at(0), injected: at(5), healed: None };
    let finding = |rule, server: &str, severity, second| Finding {
        rule,
        nature: doorstep::model::Nature::Cause,
        severity,
        database: "auth".parse().expect("a name"),
        engine: doorstep::model::Engine::PostgreSql,
        server: server.parse().expect("a name"),
        since: at(second),
        seen: String::new(),
        logins: String::new(),
        fix: String::new(),
    };
    let allows = |fault: &str, finding: &Finding, now: &[Finding]| case(fault).allows(finding, &truth(fault), now);
    assert!(allows("a1", &finding(Rule::QuorumShort, PRIMARY, CRITICAL, 6), &[]));
    assert!(!allows("a1", &finding(Rule::QuorumShort, STANDBY, CRITICAL, 6), &[]), "on the wrong server");
    assert!(!allows("a1", &finding(Rule::StaleReply, PRIMARY, CRITICAL, 6), &[]), "of another fault");
    assert!(!allows("c1", &finding(Rule::SlotIdle, PRIMARY, CRITICAL, 6), &[]), "graver than it is");
    assert!(!allows("e1", &finding(Rule::SlowReplay, STANDBY, CRITICAL, 6), &[]), "commits do not wait for replay");
    let both = |second| finding(Rule::TwoPrimaries, STANDBY, CRITICAL, second);
    assert!(allows("f1", &both(3), &[]), "the standby is promoted for a moment");
    assert!(!allows("f1", &both(3), &[both(3)]), "and it is still told");
    assert!(!allows("f1", &both(6), &[]), "and it began afterwards");
    // Each case of the written requirement is here, once.
    let listed: Vec<&str> = ids().collect();
    let wanted = "a1 a3 b1 b2 c1 c2 d1 e1 e2 e3 e7 f1 f2 h1 h2 i2";
    assert_eq!(listed, wanted.split(' ').collect::<Vec<_>>());
}
